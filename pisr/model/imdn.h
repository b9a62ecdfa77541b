#pragma once

#include <memory>
#include <vector>

#include "nn/layers.h"
#include "pisr/model/architectures.h"
#include "pisr/model/multi_distillation.h"
#include "pisr/model/network.h"

namespace pisr {

/// What varies in an IMDN; the defaults are those of its paper.
struct ImdnOptions {
  int feature_channels = 64;
  int blocks = 6;
  int scale = 2;     ///< 2, 3 or 4
  int channels = 3;  ///< 3: RGB, 1: luminance

  friend bool operator==(const ImdnOptions&, const ImdnOptions&) = default;
};

NetworkSpec imdn_spec(const ImdnOptions& options = {});
Architecture imdn_architecture();

/// IMDN (Hui, Gao, Yang, Wang, ACM Multimedia 2019): blocks of MultiDistillation with attention. A
/// 1x1 convolution joins the results of all of them, a 3x3 convolution follows, and what the first
/// convolution gave is added. That is its feature, [n, feature_channels, h, w]; a 3x3 convolution
/// and a pixel shuffle make the image of it. The attention looks at the whole image, so there is no
/// halo: pieces of an image give another result.
/// Parameters: first, blocks.I.{distil.J, attention.J, compress}, join, last and upsampling.
class Imdn final : public SrNetwork {
 public:
  /// All parameters are zero until initialise() or loading. Throws Error(usage) for options out of
  /// the ranges of imdn_architecture().
  explicit Imdn(const ImdnOptions& options = {});

  const ImdnOptions& options() const noexcept { return options_; }
  int feature_channels() const noexcept override { return options_.feature_channels; }
  /// The paper's count also has a multiply-add for each bias, each LeakyReLU and each value that is
  /// averaged, and leaves out columns and rows of the low-resolution image that are no whole ones.
  MultiplyAdds multiply_adds(std::int64_t width, std::int64_t height,
                             NetworkEnd end = NetworkEnd::image) const override;

 protected:
  Variable feature(const Variable& low) const override;
  Variable reconstruction(const Variable& feature, const Variable& low) const override;

 private:
  ImdnOptions options_;
  Conv2d first_;
  std::vector<std::unique_ptr<MultiDistillation>> blocks_;
  Conv2d join_;
  Conv2d last_;
  Conv2d upsampling_;
};

}  // namespace pisr
