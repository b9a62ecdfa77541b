#pragma once

#include <memory>
#include <vector>

#include "nn/layers.h"
#include "pisr/model/architectures.h"
#include "pisr/model/mean_shift.h"
#include "pisr/model/network.h"

namespace pisr {

/// What varies in a CARN; the defaults are those of its paper.
struct CarnOptions {
  int feature_channels = 64;
  int blocks = 3;       ///< cascading blocks, and residual blocks in each
  bool mobile = false;  ///< CARN-M
  int scale = 2;        ///< 2, 3 or 4
  int channels = 3;     ///< 3: RGB, 1: luminance

  friend bool operator==(const CarnOptions&, const CarnOptions&) = default;
};

NetworkSpec carn_spec(const CarnOptions& options = {});
Architecture carn_architecture();

/// CARN (Ahn, Kang, Sohn, ECCV 2018): residual blocks cascade within blocks, and these within the
/// network. Behind each, a 1x1 convolution reads the results of all before it. Convolutions of 3x3
/// and pixel shuffles enlarge, by 3 at once and by 4 as twice 2. CARN-M has residual blocks with
/// four groups and a 1x1 convolution, one shared by all of a cascading block, and enlarges with
/// four groups. (Of channels that four do not divide, it has two or one.)
///
/// RGB images lose DIV2K's mean colour at the entry and get it back at the exit; luminance alone is
/// not shifted. Its feature is what the network enlarges, [n, feature_channels, h, w].
///
/// Published files enlarge by 2, 3 and 4 with one body, so the papers' 1,592K parameters hold the
/// layers of all scales: this network has those of one.
///
/// Parameters: sub_mean, entry, blocks.I.{residual.J.L, compress.J}, compress.I, upsampling.K,
/// exit, add_mean.
class Carn final : public SrNetwork {
 public:
  /// All parameters but the mean colour are zero until initialise() or loading. Throws Error(usage)
  /// for options out of the ranges of carn_architecture().
  explicit Carn(const CarnOptions& options = {});
  ~Carn() override;

  const CarnOptions& options() const noexcept { return options_; }
  int feature_channels() const noexcept override { return options_.feature_channels; }
  MultiplyAdds multiply_adds(std::int64_t width, std::int64_t height,
                             NetworkEnd end = NetworkEnd::image) const override;
  std::optional<int> halo() const override;

 protected:
  Variable feature(const Variable& low) const override;
  Variable reconstruction(const Variable& feature, const Variable& low) const override;

 private:
  class Residual;
  class Block;
  CarnOptions options_;
  std::unique_ptr<MeanShift> sub_mean_;  ///< null for luminance
  Conv2d entry_;
  std::vector<std::unique_ptr<Block>> blocks_;
  std::vector<std::unique_ptr<Conv2d>> compress_;
  std::vector<std::unique_ptr<Conv2d>> upsampling_;
  Conv2d exit_;
  std::unique_ptr<MeanShift> add_mean_;
};

}  // namespace pisr
