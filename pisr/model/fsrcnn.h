#pragma once

#include <cstdint>

#include "nn/conv_chain.h"
#include "nn/layers.h"

namespace pisr {

struct FsrcnnOptions {
  int feature_channels = 56;  ///< d
  int shrink_channels = 12;   ///< s
  int mapping_layers = 4;     ///< m
  int scale = 2;              ///< 2, 3 or 4
  /// PISR's PReLU has one slope for the whole layer, published FSRCNN weights one per channel.
  bool slope_per_channel = false;

  friend bool operator==(const FsrcnnOptions&, const FsrcnnOptions&) = default;
};

/// Throws Error(usage) for channels outside 1..512, mapping layers outside 0..32 or a scale other
/// than 2, 3, 4.
void check(const FsrcnnOptions& options);

/// Multiply-adds of one forward pass.
struct MultiplyAdds {
  std::int64_t exact;  ///< what is computed
  /// As PISR's tables count: the deconvolution once per OUTPUT pixel.
  std::int64_t paper;
};

/// FSRCNN(d, s, m) (Dong, Loy, Tang, ECCV 2016) as PISR uses it, on luminance: PISR's student and
/// the teacher's decoder. Parameters: feature, shrink, mapping.I and expand, each with weight, bias
/// and slope, then deconvolution with weight and bias.
class Fsrcnn final : public Module {
 public:
  /// All parameters are zero until initialise() or loading.
  explicit Fsrcnn(const FsrcnnOptions& options = {});

  const FsrcnnOptions& options() const noexcept { return options_; }

  struct Result {
    Variable output;   ///< [n, 1, h scale, w scale]
    Variable feature;  ///< [n, d, h, w]: expanding layer after its PReLU, the place of distillation
  };
  /// low [n, 1, h, w], luminance in 0..1.
  Result forward(const Variable& low) const;

  /// The network from low to output for inference, with the parameters that it has now.
  ConvChain inference_chain() const;
  /// Adds the layers from low to Result::feature to a chain for inference.
  void append_feature_to(ConvChain& chain) const;

  /// For an output image of width x height, which stands for width height / scale^2 LR pixels even
  /// where the scale does not divide it, as in the tables for 1280 x 720.
  MultiplyAdds multiply_adds(std::int64_t width, std::int64_t height) const;

 private:
  FsrcnnOptions options_;
  Conv2dPrelu feature_;
  Conv2dPrelu shrink_;
  Sequential mapping_;
  Conv2dPrelu expand_;
  ConvTranspose2d deconvolution_;
};

}  // namespace pisr
