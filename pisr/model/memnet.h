#pragma once

#include <memory>
#include <vector>

#include "nn/layers.h"
#include "pisr/model/architectures.h"
#include "pisr/model/network.h"

namespace pisr {

/// What varies in a MemNet; the defaults are those of its paper.
struct MemnetOptions {
  int feature_channels = 64;
  int memory_blocks = 6;
  int units = 6;  ///< of a block
  int scale = 2;  ///< 2, 3 or 4

  friend bool operator==(const MemnetOptions&, const MemnetOptions&) = default;
};

NetworkSpec memnet_spec(const MemnetOptions& options = {});
Architecture memnet_architecture();

/// MemNet (Tai, Yang, Liu, Xu, ICCV 2017) on luminance, the basic one with one output. A block
/// applies a residual unit of two convolutions again and again, with the same weights. Its gate, a
/// 1x1 convolution, reads what all blocks before it gave (and the first convolution), then the
/// results of its own units. What one more convolution makes of the last gate is added to the
/// enlarged image.
///
/// A ReLU comes before every convolution, the first included. The paper has batch normalisation
/// before each of them, and biases: both are left out, as in its count of parameters, 677K.
///
/// Its feature is the input of the last convolution, [n, c, h scale, w scale]. Parameters, none
/// with a bias: first, blocks.I.unit.0, blocks.I.unit.1, blocks.I.gate and last.
class Memnet final : public SrNetwork {
 public:
  /// All parameters are zero until initialise() or loading. Throws Error(usage) for options out of
  /// the ranges of memnet_architecture().
  explicit Memnet(const MemnetOptions& options = {});
  ~Memnet() override;

  const MemnetOptions& options() const noexcept { return options_; }
  NetworkInput input() const noexcept override { return NetworkInput::enlarged; }
  int feature_channels() const noexcept override { return options_.feature_channels; }
  MultiplyAdds multiply_adds(std::int64_t width, std::int64_t height,
                             NetworkEnd end = NetworkEnd::image) const override;
  std::optional<int> halo() const override;

 protected:
  Variable feature(const Variable& enlarged) const override;
  Variable reconstruction(const Variable& feature, const Variable& enlarged) const override;

 private:
  class Block;

  MemnetOptions options_;
  Conv2d first_;
  std::vector<std::unique_ptr<Block>> blocks_;
  Conv2d last_;
};

}  // namespace pisr
