#pragma once

#include "nn/layers.h"
#include "pisr/model/architectures.h"
#include "pisr/model/network.h"

namespace pisr {

/// What varies in a DRRN; the defaults are those of its paper.
struct DrrnOptions {
  int feature_channels = 128;
  int units = 25;
  int scale = 2;  ///< 2, 3 or 4

  friend bool operator==(const DrrnOptions&, const DrrnOptions&) = default;
};

NetworkSpec drrn_spec(const DrrnOptions& options = {});
Architecture drrn_architecture();

/// DRRN with one recursive block (Tai, Yang, Liu, CVPR 2017) on luminance: residual units that
/// share two 3x3 convolutions, ReLU before each convolution, no biases. The sum of each unit takes
/// the first convolution's output after ReLU, as in the published weights. Its feature is what the
/// last convolution reads, [n, c, h scale, w scale]; that is added to the enlarged image.
/// Parameters: first, unit.0, unit.1 and last, each with weight.
class Drrn final : public SrNetwork {
 public:
  /// All parameters are zero until initialise() or loading. Throws Error(usage) for options out of
  /// the ranges of drrn_architecture().
  explicit Drrn(const DrrnOptions& options = {});

  const DrrnOptions& options() const noexcept { return options_; }
  NetworkInput input() const noexcept override { return NetworkInput::enlarged; }
  int feature_channels() const noexcept override { return options_.feature_channels; }
  MultiplyAdds multiply_adds(std::int64_t width, std::int64_t height,
                             NetworkEnd end = NetworkEnd::image) const override;
  std::optional<int> halo() const override;

 protected:
  Variable feature(const Variable& enlarged) const override;
  Variable reconstruction(const Variable& feature, const Variable& enlarged) const override;

 private:
  DrrnOptions options_;
  Conv2d first_;
  Conv2d inner_;
  Conv2d outer_;
  Conv2d last_;
};

}  // namespace pisr
