#pragma once

#include "core/context.h"
#include "core/device_array.h"
#include "pisr/data/dataset.h"
#include "pisr/train/stepper.h"

namespace pisr {

/// Training images in the memory of a device, and the batches made of them there: those of
/// BatchSampler, bit for bit.
class DeviceBatches {
 public:
  /// Copies the images. `channels` as for BatchSampler. Throws Error(input) for an image smaller
  /// than the patch and Error(memory).
  DeviceBatches(kernels::Device& device, const Dataset& data, const StepOptions& options,
                int channels = 1);

  /// Writes batch *iteration, which lies in the memory of the device, into high() and low().
  void make(Context& context, const std::int64_t* iteration) const;

  const Tensor& high() const noexcept { return high_; }  ///< [batch, channels, gt_size, gt_size]
  /// [batch, channels, gt_size / scale, gt_size / scale]
  const Tensor& low() const noexcept { return low_; }

 private:
  int scale_;
  kernels::PhiloxKey key_;
  DeviceArray<std::uint8_t> bytes_;
  DeviceArray<kernels::PatchSource> sources_;
  std::int64_t images_;
  Tensor high_;
  Tensor low_;
};

}  // namespace pisr
