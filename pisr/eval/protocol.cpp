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

const char* name(Protocol protocol) {
  return protocol == Protocol::pisr ? "pisr" : "matlab";
}

Protocol protocol_from_name(const std::string& name) {
  for (const Protocol protocol : {Protocol::pisr, Protocol::matlab}) {
    if (name == pisr::name(protocol)) {
      return protocol;
    }
  }
  throw Error(ErrorKind::usage, message("unknown protocol '", name, "': wants pisr or matlab"));
}

EvaluationPair evaluation_pair(const Image8& hr, int scale, Protocol protocol) {
  const Image8 truth = cropped(hr, scale);
  if (protocol == Protocol::pisr) {
    return {luma(downscale(truth, scale)), luma(truth)};
  }
  const Plane high = round_to_8_bit(luma(truth));
  return {downscale(high, scale), high};
}

EvaluationPair evaluation_pair(const Image8& hr, const Image8& lr, int scale, Protocol protocol) {
  if (protocol == Protocol::matlab) {
    throw Error(ErrorKind::usage,
                "protocol matlab makes LR from HR in floating point and takes no LR image",
                "leave the LR images out, or use protocol pisr");
  }
  const Image8 truth = cropped(hr, scale);
  if (lr.width != truth.width / scale || lr.height != truth.height / scale) {
    throw Error(ErrorKind::input, message("evaluation: LR image wants ", truth.width / scale, "x",
                                          truth.height / scale, " (HR ", hr.width, "x", hr.height,
                                          ", scale ", scale, "), got ", lr.width, "x", lr.height));
  }
  return {luma(lr), luma(truth)};
}

Score score(const Plane& output, const Plane& high, int scale, Protocol) {
  // The protocols differ in what goes in; both round what comes out.
  const Plane rounded = round_to_8_bit(output);
  return {psnr(rounded, high, scale), ssim(rounded, high, scale)};
}

Score score_bicubic(const EvaluationPair& pair, int scale, Protocol protocol) {
  return score(upscale(pair.low, scale), pair.high, scale, protocol);
}

}  // namespace pisr
