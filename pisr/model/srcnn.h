#pragma once

#include "nn/layers.h"
#include "pisr/model/architectures.h"
#include "pisr/model/network.h"

namespace pisr {

/// What varies in an SRCNN; the defaults are its 9-5-5.
struct SrcnnOptions {
  int feature_channels = 64;
  int mapping_channels = 32;
  int middle_kernel = 5;  ///< odd; the paper has 1, 3 and 5
  int scale = 2;          ///< 2, 3 or 4
  int channels = 1;       ///< 1: luminance, 3: RGB
  bool replicate_padding = false;

  friend bool operator==(const SrcnnOptions&, const SrcnnOptions&) = default;
};

NetworkSpec srcnn_spec(const SrcnnOptions& options = {});
Architecture srcnn_architecture();

/// SRCNN (Dong, Loy, He, Tang, PAMI 2016): convolutions 9x9, k x k and 5x5 of the enlarged image
/// with ReLU between them. Its feature is the input of the last one, [n, 32, h scale, w scale].
/// Parameters: extraction, mapping and reconstruction, each with weight and bias.
class Srcnn final : public SrNetwork {
 public:
  /// All parameters are zero until initialise() or loading. Throws Error(usage) for options out of
  /// the ranges of srcnn_architecture().
  explicit Srcnn(const SrcnnOptions& options = {});

  const SrcnnOptions& options() const noexcept { return options_; }
  NetworkInput input() const noexcept override { return NetworkInput::enlarged; }
  int feature_channels() const noexcept override { return options_.mapping_channels; }
  MultiplyAdds multiply_adds(std::int64_t width, std::int64_t height,
                             NetworkEnd end = NetworkEnd::image) const override;
  std::optional<int> halo() const override;
  void start_as_interpolation() override;

 protected:
  Variable feature(const Variable& enlarged) const override;
  Variable reconstruction(const Variable& feature, const Variable& enlarged) const override;

 private:
  SrcnnOptions options_;
  Conv2d extraction_;
  Conv2d mapping_;
  Conv2d reconstruction_;
};

}  // namespace pisr
