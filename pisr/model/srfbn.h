#pragma once

#include <memory>
#include <string>
#include <vector>

#include "nn/layers.h"
#include "pisr/model/architectures.h"
#include "pisr/model/mean_shift.h"
#include "pisr/model/network.h"

namespace pisr {

/// What varies in an SRFBN; the defaults are those of its paper.
struct SrfbnOptions {
  int feature_channels = 64;
  int groups = 6;
  int steps = 4;
  int scale = 2;     ///< 2, 3 or 4
  int channels = 3;  ///< 3: RGB, 1: luminance

  friend bool operator==(const SrfbnOptions&, const SrfbnOptions&) = default;
};

NetworkSpec srfbn_spec(const SrfbnOptions& options = {});
Architecture srfbn_architecture();

/// SRFBN (Li et al., CVPR 2019), with a PReLU of one slope behind every layer but the last. A
/// feedback block reads the features of the low-resolution image and its own result of the step
/// before. Its groups go up by a transposed convolution and down by a strided one; 1x1 convolutions
/// join what all groups before gave, at both resolutions. Kernels are scale + 4 wide. SRFBN-S has
/// 32 channels and 3 groups.
///
/// The result of a step, enlarged and passed through a 3x3 convolution, is added to the image
/// enlarged by bilinear interpolation, as in the authors' code. They average the losses of the
/// images of all steps. Here training and inference look at the last step alone: its feature is
/// what that gave, [n, feature_channels, h, w].
///
/// Like theirs, it computes with values in 0..255 inside. RGB images lose DIV2K's mean colour at
/// the entry and get it back at the exit; luminance alone is not shifted.
///
/// Parameters: sub_mean, entry, narrow, compress_in, up.I, down.I, compress_up.I, compress_down.I,
/// compress_out, enlarge, exit, add_mean; slopes beside weights.
class Srfbn final : public SrNetwork {
 public:
  /// All parameters but the mean colour are zero until initialise() or loading. Throws Error(usage)
  /// for options out of the ranges of srfbn_architecture().
  explicit Srfbn(const SrfbnOptions& options = {});
  ~Srfbn() override;

  const SrfbnOptions& options() const noexcept { return options_; }
  int feature_channels() const noexcept override { return options_.feature_channels; }
  /// The paper's count makes the images of all steps, and has a multiply-add for each bias and each
  /// PReLU. Transposed convolutions count once per INPUT pixel, and their biases height x height
  /// times: a slip of the program ptflops. This gives 1,126.7G for x4. PISR's Table 2 prints that
  /// for x2, and the same over 2.25 and 4 for x3 and x4.
  MultiplyAdds multiply_adds(std::int64_t width, std::int64_t height,
                             NetworkEnd end = NetworkEnd::image) const override;
  std::optional<int> halo() const override;

 protected:
  Variable feature(const Variable& low) const override;
  Variable reconstruction(const Variable& feature, const Variable& low) const override;

 private:
  struct Enlargement;
  void add(const std::string& name, Enlargement& enlargement);
  /// The image as the layers read it.
  Variable entering(const Variable& low) const;
  /// The result of a step.
  Variable feedback(const Variable& input, const Variable& previous) const;

  SrfbnOptions options_;
  std::unique_ptr<MeanShift> sub_mean_;  ///< null for luminance
  Conv2dPrelu entry_;
  Conv2dPrelu narrow_;
  Conv2dPrelu compress_in_;
  std::vector<std::unique_ptr<Enlargement>> up_;
  std::vector<std::unique_ptr<Conv2dPrelu>> down_;
  std::vector<std::unique_ptr<Conv2dPrelu>> compress_up_;  ///< for all groups but the first
  std::vector<std::unique_ptr<Conv2dPrelu>> compress_down_;
  Conv2dPrelu compress_out_;
  std::unique_ptr<Enlargement> enlarge_;
  Conv2d exit_;
  std::unique_ptr<MeanShift> add_mean_;
};

}  // namespace pisr
