#pragma once

#include "nn/module.h"

namespace pisr {

/// Adds a multiple of DIV2K's mean colour to an RGB image, as networks trained on that set do at
/// both ends. It is a 1x1 convolution with constants "weight" [3, 3, 1, 1], the identity, and
/// "bias" [3], which weights of others may replace.
class MeanShift final : public Module {
 public:
  /// `factor` times the mean of values in 0..1.
  explicit MeanShift(double factor);
  /// x [n, 3, h, w], the same shape out.
  Variable operator()(const Variable& x) const;

  static constexpr int kMultiplyAdds = 9;  ///< a pixel

 private:
  const Parameter& weight_;
  const Parameter& bias_;
};

}  // namespace pisr
