#pragma once

#include "nn/layers.h"
#include "pisr/model/architectures.h"
#include "pisr/model/network.h"

namespace pisr {

/// What varies in a DRCN; the defaults are those of its paper.
struct DrcnOptions {
  int feature_channels = 256;
  int recursions = 16;
  int scale = 2;  ///< 2, 3 or 4

  friend bool operator==(const DrcnOptions&, const DrcnOptions&) = default;
};

NetworkSpec drcn_spec(const DrcnOptions& options = {});
Architecture drcn_architecture();

/// DRCN (Kim, Lee, Lee, CVPR 2016) on luminance: two convolutions embed the enlarged image, one
/// convolution is applied again and again. Two more reconstruct an image from each of its results
/// and the enlarged image; the weighted mean of these images is added to the enlarged one.
///
/// As in the published weights there is no activation between the last two, so the mean of their
/// images is the image of the mean of their inputs: it is taken before them, and they run once. The
/// paper runs them for each recursion.
///
/// Its feature is what the first of the two gives, [n, c, h scale, w scale]; the second reads it
/// beside the enlarged image. Parameters: shares [recursions]; embed.0, embed.1, recursion,
/// reconstruct.0 and reconstruct.1, each with weight and bias.
class Drcn final : public SrNetwork {
 public:
  /// All parameters are zero until initialise() or loading. Throws Error(usage) for options out of
  /// the ranges of drcn_architecture().
  explicit Drcn(const DrcnOptions& options = {});

  const DrcnOptions& options() const noexcept { return options_; }
  NetworkInput input() const noexcept override { return NetworkInput::enlarged; }
  int feature_channels() const noexcept override { return options_.feature_channels; }
  /// As the paper counts: both convolutions of the reconstruction once for each recursion, without
  /// the enlarged image that the second reads.
  MultiplyAdds multiply_adds(std::int64_t width, std::int64_t height,
                             NetworkEnd end = NetworkEnd::image) const override;
  std::optional<int> halo() const override;

 protected:
  Variable feature(const Variable& enlarged) const override;
  Variable reconstruction(const Variable& feature, const Variable& enlarged) const override;

 private:
  DrcnOptions options_;
  const Parameter& shares_;
  Conv2d first_embed_;
  Conv2d second_embed_;
  Conv2d recursion_;
  Conv2d first_reconstruct_;
  Conv2d second_reconstruct_;
};

}  // namespace pisr
