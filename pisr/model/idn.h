#pragma once

#include <memory>
#include <vector>

#include "nn/layers.h"
#include "pisr/model/architectures.h"
#include "pisr/model/network.h"

namespace pisr {

/// What varies in an IDN; the defaults are those of its paper.
struct IdnOptions {
  int blocks = 4;
  int scale = 2;     ///< 2, 3 or 4
  int channels = 1;  ///< 1 or 3

  friend bool operator==(const IdnOptions&, const IdnOptions&) = default;
};

NetworkSpec idn_spec(const IdnOptions& options = {});
Architecture idn_architecture();

/// IDN (Hui, Wang, Gao, CVPR 2018) on luminance or RGB, with LeakyReLU 0.05 behind every
/// convolution. A block splits 16 of 64 channels off after three convolutions, passes the others
/// through three more, and puts what was split off and its own input back before a 1x1 convolution
/// compresses all. A transposed convolution of 17x17 makes what is added to the enlarged image; the
/// first scale - 1 rows and columns get nothing. Its feature is what the last block gives, [n, 64,
/// h, w]. Parameters: first, second, blocks.I.{enhance.0 to enhance.5, compress} and deconvolution.
class Idn final : public SrNetwork {
 public:
  /// All parameters are zero until initialise() or loading. Throws Error(usage) for options out of
  /// the ranges of idn_architecture().
  explicit Idn(const IdnOptions& options = {});
  ~Idn() override;

  const IdnOptions& options() const noexcept { return options_; }
  int feature_channels() const noexcept override;
  MultiplyAdds multiply_adds(std::int64_t width, std::int64_t height,
                             NetworkEnd end = NetworkEnd::image) const override;
  std::optional<int> halo() const override;

 protected:
  Variable feature(const Variable& low) const override;
  Variable reconstruction(const Variable& feature, const Variable& low) const override;

 private:
  class Block;
  IdnOptions options_;
  Conv2d first_;
  Conv2d second_;
  std::vector<std::unique_ptr<Block>> blocks_;
  ConvTranspose2d deconvolution_;
};

}  // namespace pisr
