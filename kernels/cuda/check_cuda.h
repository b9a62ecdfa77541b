#pragma once

#include <string>

#include <cuda_runtime_api.h>

#include "kernels/device.h"

namespace pisr::kernels::cuda {

/// Throws DeviceError with `refused` and CUDA's reason unless `error` is cudaSuccess.
inline void check_cuda(cudaError_t error, const char* refused) {
  if (error != cudaSuccess) {
    throw DeviceError(std::string("cuda: ") + refused + ": " + cudaGetErrorString(error));
  }
}

}  // namespace pisr::kernels::cuda
