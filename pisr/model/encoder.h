#pragma once

#include "nn/layers.h"
#include "pisr/model/fsrcnn.h"

namespace pisr {

/// The teacher's encoder: squeezes the ground truth Y into compact features X^ of the size of the
/// low-resolution image (PISR section 3.2). Parameters: feature, downscale and shrink with weight,
/// bias and slope, then compact with weight and bias.
class Encoder final : public Module {
 public:
  /// Channels, scale and slopes as those of the decoder.
  explicit Encoder(const FsrcnnOptions& decoder = {});

  /// high [n, 1, h, w] -> [n, 1, h / scale, w / scale]; h and w are multiples of the scale, else
  /// ShapeError.
  Variable forward(const Variable& high) const;
  /// Adds its layers to a chain for inference.
  void append_to(ConvChain& chain) const;

 private:
  int scale_;
  Conv2dPrelu feature_;
  Conv2dPrelu downscale_;
  Conv2dPrelu shrink_;
  Conv2d compact_;
};

}  // namespace pisr
