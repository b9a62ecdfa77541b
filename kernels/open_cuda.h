#pragma once

#include <memory>
#include <string>
#include <vector>

#include "kernels/device.h"
#include "kernels/precision.h"

namespace pisr::kernels {

struct CudaOptions {
  int number = 0;  ///< of the device, as CUDA counts
  Precision precision = Precision::fp32;
  bool cudnn = false;  ///< convolutions by cuDNN, which is loaded then
};

/// Whether this build has the CUDA back end.
bool has_cuda() noexcept;

/// A CUDA device; null where there is none that can be used, and then `why_not` says it in one line
/// of ASCII, such as "no NVIDIA driver". To be used by the thread that opened it.
std::unique_ptr<Device> open_cuda_device(const CudaOptions& options, std::string& why_not);

/// The names of all CUDA devices in the order of their numbers; empty where there is none, and then
/// `why_not` says why.
std::vector<std::string> list_cuda_devices(std::string& why_not);

}  // namespace pisr::kernels
