#include "pisr/eval/protocol.h"

#include <utility>

#include "core/error.h"
#include "pisr/image/imresize.h"
#include "pisr/image/luma.h"
#include "pisr/image/metrics.h"

namespace pisr {
namespace {

Image8 cropped(const Image8& hr, int scale) {
  if (scale >= 1 && (hr.width < scale || hr.height < scale)) {
    throw Error(ErrorKind::input, message("evaluation: HR image of ", hr.width, "x", hr.height,
                                          " is smaller than the scale ", scale));
  }
  return crop_to_multiple(hr, scale);
}

/// Of protocol pisr or rgb.
EvaluationPair pair_of(const Image8& truth, const Image8& low, Protocol protocol) {
  if (protocol == Protocol::rgb) {
    Plane high = to_rgb(truth);
    return {to_rgb(low), luma(high), std::move(high)};
  }
  return {luma(low), luma(truth), {}};
}

}  // namespace

int smallest_side(int scale) {
  const int needed = kSsimWindow + 2 * scale;
  return (needed + scale - 1) / scale * scale;
}

Protocol protocol_for(Protocol wanted, int channels, const std::string& network) {
  if (channels == 3) {
    return Protocol::rgb;
  }
  if (wanted == Protocol::rgb) {
    throw Error(ErrorKind::usage,
                message("protocol rgb is for networks on RGB, ", network, " is on luminance"),
                "protocols for luminance are pisr and matlab");
  }
  return wanted;
}

const char* name(Protocol protocol) {
  switch (protocol) {
    case Protocol::pisr:
      return "pisr";
    case Protocol::matlab:
      return "matlab";
    case Protocol::rgb:
      break;
  }
  return "rgb";
}

Protocol protocol_from_name(const std::string& name) {
  for (const Protocol protocol : {Protocol::pisr, Protocol::matlab, Protocol::rgb}) {
    if (name == pisr::name(protocol)) {
      return protocol;
    }
  }
  throw Error(ErrorKind::usage,
              message("unknown protocol '", name, "': must be pisr, matlab or rgb"));
}

EvaluationPair evaluation_pair(const Image8& hr, int scale, Protocol protocol) {
  const Image8 truth = cropped(hr, scale);
  if (protocol == Protocol::matlab) {
    const Plane high = round_to_8_bit(luma(truth));
    return {downscale(high, scale), high, {}};
  }
  return pair_of(truth, downscale(truth, scale), protocol);
}

EvaluationPair evaluation_pair(const Image8& hr, const Image8& lr, int scale, Protocol protocol) {
  if (protocol == Protocol::matlab) {
    throw Error(ErrorKind::usage, "evaluation: protocol matlab makes its LR image, one was given");
  }
  const Image8 truth = cropped(hr, scale);
  if (lr.width != truth.width / scale || lr.height != truth.height / scale) {
    throw Error(ErrorKind::input,
                message("evaluation: the LR image must be ", truth.width / scale, "x",
                        truth.height / scale, " (HR ", hr.width, "x", hr.height, ", scale ", scale,
                        "), got ", lr.width, "x", lr.height));
  }
  return pair_of(truth, lr, protocol);
}

EvaluationPair evaluation_pair(const ImagePair& image, int scale, Protocol protocol) {
  return protocol == Protocol::matlab ? evaluation_pair(image.high, scale, protocol)
                                      : evaluation_pair(image.high, image.low, scale, protocol);
}

Score score(const Plane& output, const Plane& high, int scale) {
  const Plane rounded = luma(round_to_8_bit(output));
  return {psnr(rounded, high, scale), ssim(rounded, high, scale)};
}

Plane enlarge_bicubic(const EvaluationPair& pair, int scale) {
  return pair.low.channels == 1 ? upscale(pair.low, scale)
                                : to_rgb(upscale(to_image8(pair.low), scale));
}

Score score_bicubic(const EvaluationPair& pair, int scale) {
  return score(enlarge_bicubic(pair, scale), pair.high, scale);
}

}  // namespace pisr
