#pragma once

#include <memory>
#include <string>
#include <vector>

#include "kernels/device.h"
#include "kernels/export.h"
#include "kernels/precision.h"

namespace pisr::kernels {

/// Which CUDA device, and how it computes.
struct CudaOptions {
  int number = 0;  ///< of the device, as CUDA counts
  Precision precision = Precision::fp32;
  bool cudnn = false;  ///< loads cuDNN and computes convolutions with it
};

/// Whether this build has the CUDA back end.
PISR_CORE_API bool has_cuda() noexcept;

/// A CUDA device. Where none can be used it is null, and `why_not` gives the reason in one line of
/// ASCII, such as "no NVIDIA driver". Any thread may use it, one at a time; calls leave it as the
/// thread's current device.
PISR_CORE_API std::unique_ptr<Device> open_cuda_device(const CudaOptions& options,
                                                       std::string& why_not);

/// The names of all CUDA devices in the order of their numbers. Where there is none, the list is
/// empty and `why_not` gives the reason.
PISR_CORE_API std::vector<std::string> list_cuda_devices(std::string& why_not);

}  // namespace pisr::kernels
