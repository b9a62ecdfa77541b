#pragma once

#include <memory>
#include <vector>

#include "nn/module.h"
#include "pisr/model/architectures.h"
#include "pisr/model/network.h"

namespace pisr {

/// What varies in a Plain network.
struct PlainOptions {
  int feature_channels = 16;  ///< c
  int layers = 4;             ///< n
  int scale = 2;              ///< 2, 3 or 4
  int channels = 1;           ///< 1: luminance, 3: RGB
  int expanded_channels = 0;  ///< of a convolution while it is trained; 0: it is trained as it is

  friend bool operator==(const PlainOptions&, const PlainOptions&) = default;
};

NetworkSpec plain_spec(const PlainOptions& options = {});
Architecture plain_architecture();

/// Plain(c, n): 3x3 convolutions on luminance or RGB with a path from input to output, so that
/// nothing has to be learnt for copying. Its deployed form is that of ECBSR (Zhang et al., ACM MM
/// 2021), the skip of the features that of SESR (Bhardwaj et al., MLSys 2022):
///   h0 = PReLU(conv3x3(x; 1 -> c)), slopes per channel; 3 -> c with RGB
///   h = h0, then n times h = PReLU(conv3x3(h; c -> c))
///   feature = h + h0
///   image = depth_to_space(conv3x3(feature; c -> scale^2) + x), x added to each channel; with RGB
///           scale^2 channels for each of x
/// Parameters: head, body.I with weight, bias and slope, then tail with weight and bias.
/// With expanded channels each convolution is an ExpandedConv2d, those of the body plus the
/// identity: the form in which SESR is trained. merged() is Plain without them.
class Plain final : public SrNetwork {
 public:
  /// All parameters are zero until initialise() or loading. Throws Error(usage) for options out of
  /// the ranges of plain_architecture().
  explicit Plain(const PlainOptions& options = {});

  const PlainOptions& options() const noexcept { return options_; }
  int feature_channels() const noexcept override { return options_.feature_channels; }
  MultiplyAdds multiply_adds(std::int64_t width, std::int64_t height,
                             NetworkEnd end = NetworkEnd::image) const override;
  std::optional<int> halo() const override { return options_.layers + 2; }
  std::unique_ptr<SrNetwork> merged() const override;

 protected:
  Variable feature(const Variable& low) const override;
  Variable reconstruction(const Variable& feature, const Variable& low) const override;

 private:
  PlainOptions options_;
  std::unique_ptr<Layer> head_;
  std::vector<std::unique_ptr<Layer>> body_;
  std::unique_ptr<Layer> tail_;
};

}  // namespace pisr
