#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "kernels/device.h"
#include "kernels/open_cuda.h"

namespace pisr {

/// Which device kernels shall run on.
struct DeviceChoice {
  enum class Kind {
    automatic,  ///< a CUDA device where one can be used, otherwise the CPU
    cpu,
    cuda,  ///< a CUDA device or an error
  };
  Kind kind = Kind::automatic;
  kernels::CudaOptions cuda;
};

/// Reads auto, cpu or -1, cuda, cuda:N, or the number N of a CUDA device. Error(usage) for others.
DeviceChoice parse_device(std::string_view text);
/// Reads fp32, tf32 or fp16. Error(usage) for others.
kernels::Precision parse_precision(std::string_view text);

/// Opens it; null for the CPU. Error(device) and the reason where an explicit choice cannot be
/// used; where `automatic` falls back to the CPU, `explanation` says why in one line, and what of
/// the choice is lost with it. Error(usage) for a CPU that is to compute in another precision than
/// fp32 or with cuDNN.
std::unique_ptr<kernels::Device> open_device(const DeviceChoice& choice, std::string& explanation);

}  // namespace pisr
