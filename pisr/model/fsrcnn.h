#pragma once

#include <memory>

#include "nn/layers.h"
#include "pisr/model/architectures.h"
#include "pisr/model/network.h"

namespace pisr {

/// What varies in an FSRCNN; the defaults are those of PISR.
struct FsrcnnOptions {
  int feature_channels = 56;  ///< d
  int shrink_channels = 12;   ///< s
  int mapping_layers = 4;     ///< m
  int scale = 2;              ///< 2, 3 or 4
  int channels = 1;           ///< 1: luminance, 3: RGB
  /// PISR's PReLU has one slope for the whole layer, published FSRCNN weights one per channel.
  bool slope_per_channel = false;
  /// Of the convolutions; the deconvolution always sees zeros.
  bool replicate_padding = false;
  /// What is cut off above and at the left of the deconvolution's full output: 3 or 4. Below and at
  /// the right the image ends after h scale rows and w scale columns.
  int deconvolution_padding = 4;
  /// A 1x1 convolution without bias to scale^2 values a pixel, depth to space and one bias, as in
  /// OpenCV's models, instead of the deconvolution.
  bool depth_to_space = false;

  friend bool operator==(const FsrcnnOptions&, const FsrcnnOptions&) = default;
};

NetworkSpec fsrcnn_spec(const FsrcnnOptions& options = {});
Architecture fsrcnn_architecture();

/// FSRCNN(d, s, m) (Dong, Loy, Tang, ECCV 2016) as PISR uses it, on luminance or RGB. Its feature
/// is what the expanding layer gives after its PReLU, [n, d, h, w]. Parameters: feature, shrink,
/// mapping.I and expand, each with weight, bias and slope, then deconvolution with weight
/// [d, channels, k, k] and bias, where k is 9, or the scale for depth to space.
class Fsrcnn final : public SrNetwork {
 public:
  /// All parameters are zero until initialise() or loading. Throws Error(usage) for options out of
  /// the ranges of fsrcnn_architecture().
  explicit Fsrcnn(const FsrcnnOptions& options = {});

  const FsrcnnOptions& options() const noexcept { return options_; }
  int feature_channels() const noexcept override { return options_.feature_channels; }
  MultiplyAdds multiply_adds(std::int64_t width, std::int64_t height,
                             NetworkEnd end = NetworkEnd::image) const override;
  std::optional<int> halo() const override;
  std::optional<ConvChain> chain(NetworkEnd end) const override;
  /// Its first channel hands the image on to the deconvolution, which ignores the others.
  void start_as_interpolation() override;

 protected:
  Variable feature(const Variable& low) const override;
  Variable reconstruction(const Variable& feature, const Variable& low) const override;

 private:
  FsrcnnOptions options_;
  Conv2dPrelu feature_;
  Conv2dPrelu shrink_;
  Sequential mapping_;
  Conv2dPrelu expand_;
  std::unique_ptr<Layer> deconvolution_;
};

}  // namespace pisr
