#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "nn/layers.h"

namespace pisr {

/// Information multi-distillation, the block of IMDN and IMDN-RTC (Hui et al., ACM Multimedia
/// 2019). Each of three 3x3 convolutions splits a quarter of its channels off and hands the others
/// on. A fourth gives the last quarter. What was split off passes a channel attention where there
/// is one, then a 1x1 convolution, and is added to the input. The attention weighs each channel by
/// its contrast: the sum of mean and standard deviation over the whole image. Parameters: distil.0
/// to distil.3, attention.0 and attention.1, compress.
class MultiDistillation final : public Module {
 public:
  MultiDistillation(int channels, bool attention);

  /// x [n, channels, h, w], the same shape out.
  Variable operator()(const Variable& x) const;

  static constexpr int kConvolutions = 4;  ///< of 3x3; LeakyReLU follows all but the last
  static constexpr double kSlope = 0.05;
  static constexpr int kLeastChannels = 4;

  /// Of what is split off, which the attention and the 1x1 convolution read.
  static int gathered_channels(int channels);
  /// For each pixel.
  static std::int64_t pixel_multiply_adds(int channels);
  /// Of the attention, for each image.
  static std::int64_t attention_multiply_adds(int channels);

 private:
  Variable attended(const Variable& x) const;

  int split_off_;
  std::array<std::unique_ptr<Conv2d>, kConvolutions> distil_;
  std::unique_ptr<Conv2d> squeeze_;  ///< null without attention
  std::unique_ptr<Conv2d> excite_;
  Conv2d compress_;
};

}  // namespace pisr
