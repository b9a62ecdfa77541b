#pragma once

#include <memory>
#include <vector>

#include "nn/layers.h"
#include "pisr/model/architectures.h"
#include "pisr/model/multi_distillation.h"
#include "pisr/model/network.h"

namespace pisr {

/// What varies in an IMDN-RTC; the defaults are those of its authors.
struct ImdnRtcOptions {
  int feature_channels = 12;
  int blocks = 5;
  int scale = 2;     ///< 2, 3 or 4
  int channels = 3;  ///< 3: RGB, 1: luminance

  friend bool operator==(const ImdnRtcOptions&, const ImdnRtcOptions&) = default;
};

NetworkSpec imdn_rtc_spec(const ImdnRtcOptions& options = {});
Architecture imdn_rtc_architecture();

/// IMDN-RTC, the small network of IMDN's authors for real-time communication: blocks of
/// MultiDistillation without attention one after another, a 1x1 convolution, and what the first
/// convolution gave is added. That is its feature, [n, feature_channels, h, w]; a 3x3 convolution
/// and a pixel shuffle make the image of it.
/// Parameters: first, blocks.I.{distil.J, compress}, last and upsampling.
class ImdnRtc final : public SrNetwork {
 public:
  /// All parameters are zero until initialise() or loading. Throws Error(usage) for options out of
  /// the ranges of imdn_rtc_architecture().
  explicit ImdnRtc(const ImdnRtcOptions& options = {});

  const ImdnRtcOptions& options() const noexcept { return options_; }
  int feature_channels() const noexcept override { return options_.feature_channels; }
  MultiplyAdds multiply_adds(std::int64_t width, std::int64_t height,
                             NetworkEnd end = NetworkEnd::image) const override;
  std::optional<int> halo() const override;

 protected:
  Variable feature(const Variable& low) const override;
  Variable reconstruction(const Variable& feature, const Variable& low) const override;

 private:
  ImdnRtcOptions options_;
  Conv2d first_;
  std::vector<std::unique_ptr<MultiDistillation>> blocks_;
  Conv2d last_;
  Conv2d upsampling_;
};

}  // namespace pisr
