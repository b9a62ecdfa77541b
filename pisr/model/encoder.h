#pragma once

#include <cstdint>

#include "kernels/export.h"
#include "nn/layers.h"

namespace pisr {

/// What varies in an encoder; the defaults are those of PISR.
struct EncoderOptions {
  int feature_channels = 56;
  int shrink_channels = 12;
  int scale = 2;                   ///< 2, 3 or 4
  int channels = 1;                ///< of the image: 1 luminance, 3 RGB
  bool slope_per_channel = false;  ///< of PReLU; otherwise one a layer
};

/// The teacher's encoder: squeezes the ground truth Y into compact features X^ of the size of the
/// low-resolution image (PISR section 3.2). Parameters: feature, downscale and shrink with weight,
/// bias and slope, then compact with weight and bias.
class PISR_API Encoder final : public Module {
 public:
  explicit Encoder(const EncoderOptions& options = {});

  /// high [n, c, h, w] -> [n, c, h / scale, w / scale], c the image's channels; throws ShapeError
  /// where h or w is not a multiple of the scale.
  Variable forward(const Variable& high) const;
  /// Changes initial weights so that it begins as the mean of each block of scale x scale pixels,
  /// or of the middle of the block that its kernel reaches.
  void start_as_mean();
  /// Adds its layers to a chain for inference.
  void append_to(ConvChain& chain) const;
  /// Of one pass for a truth of width x height.
  std::int64_t multiply_adds(std::int64_t width, std::int64_t height) const;

 private:
  EncoderOptions options_;
  Conv2dPrelu feature_;
  Conv2dPrelu downscale_;
  Conv2dPrelu shrink_;
  Conv2d compact_;
};

}  // namespace pisr
