#include "pisr/eval/protocol.h"

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

}  // namespace

int smallest_side(int scale) {
  const int needed = kSsimWindow + 2 * scale;
  return (needed + scale - 1) / scale * scale;
}

const char* name(Protocol protocol) {
  return protocol == Protocol::pisr ? "pisr" : "matlab";
}

Protocol protocol_from_name(const std::string& name) {
  for (const Protocol protocol : {Protocol::pisr, Protocol::matlab}) {
    if (name == pisr::name(protocol)) {
      return protocol;
    }
  }
  throw Error(ErrorKind::usage, message("unknown protocol '", name, "': must be pisr or matlab"));
}

EvaluationPair evaluation_pair(const Image8& hr, int scale, Protocol protocol) {
  const Image8 truth = cropped(hr, scale);
  if (protocol == Protocol::pisr) {
    return {luma(downscale(truth, scale)), luma(truth)};
  }
  const Plane high = round_to_8_bit(luma(truth));
  return {downscale(high, scale), high};
}

EvaluationPair evaluation_pair(const Image8& hr, const Image8& lr, int scale) {
  const Image8 truth = cropped(hr, scale);
  if (lr.width != truth.width / scale || lr.height != truth.height / scale) {
    throw Error(ErrorKind::input,
                message("evaluation: the LR image must be ", truth.width / scale, "x",
                        truth.height / scale, " (HR ", hr.width, "x", hr.height, ", scale ", scale,
                        "), got ", lr.width, "x", lr.height));
  }
  return {luma(lr), luma(truth)};
}

EvaluationPair evaluation_pair(const ImagePair& image, int scale, Protocol protocol) {
  return protocol == Protocol::pisr ? evaluation_pair(image.high, image.low, scale)
                                    : evaluation_pair(image.high, scale, protocol);
}

Score score(const Plane& output, const Plane& high, int scale) {
  const Plane rounded = round_to_8_bit(output);
  return {psnr(rounded, high, scale), ssim(rounded, high, scale)};
}

Score score_bicubic(const EvaluationPair& pair, int scale) {
  return score(upscale(pair.low, scale), pair.high, scale);
}

}  // namespace pisr
