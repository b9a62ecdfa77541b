#pragma once

#include <memory>
#include <vector>

#include "nn/layers.h"
#include "pisr/model/architectures.h"
#include "pisr/model/network.h"

namespace pisr {

/// What varies in a VDSR; the defaults are those of its paper.
struct VdsrOptions {
  int feature_channels = 64;
  int layers = 20;  ///< all convolutions, the first and the last included
  int scale = 2;    ///< 2, 3 or 4
  bool bias = true;

  friend bool operator==(const VdsrOptions&, const VdsrOptions&) = default;
};

NetworkSpec vdsr_spec(const VdsrOptions& options = {});
Architecture vdsr_architecture();

/// VDSR (Kim, Lee, Lee, CVPR 2016) on luminance: 3x3 convolutions with ReLU between them learn what
/// is added to the enlarged image. Its feature is the input of the last convolution,
/// [n, c, h scale, w scale]. Parameters: first, body.I and last, each with weight and perhaps bias.
class Vdsr final : public SrNetwork {
 public:
  /// All parameters are zero until initialise() or loading. Throws Error(usage) for options out of
  /// the ranges of vdsr_architecture().
  explicit Vdsr(const VdsrOptions& options = {});

  const VdsrOptions& options() const noexcept { return options_; }
  NetworkInput input() const noexcept override { return NetworkInput::enlarged; }
  int feature_channels() const noexcept override { return options_.feature_channels; }
  MultiplyAdds multiply_adds(std::int64_t width, std::int64_t height,
                             NetworkEnd end = NetworkEnd::image) const override;
  std::optional<int> halo() const override;

 protected:
  Variable feature(const Variable& enlarged) const override;
  Variable reconstruction(const Variable& feature, const Variable& enlarged) const override;

 private:
  VdsrOptions options_;
  Conv2d first_;
  std::vector<std::unique_ptr<Conv2d>> body_;
  Conv2d last_;
};

}  // namespace pisr
