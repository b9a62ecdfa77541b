#pragma once

#include <cstddef>

#include <cuda_runtime_api.h>

#include "kernels/cuda/check_cuda.h"

namespace pisr::kernels::cuda {

/// Lets blocks of `kernel` have all the shared memory of the current device, if a launch asks for
/// `dynamic_bytes` at all. Otherwise static arrays and dynamic memory together would be limited to
/// 48 KB. What is allowed is never less than before: a captured launch may need it still. Throws
/// DeviceError if CUDA refuses.
inline void allow_shared_memory(const void* kernel, std::size_t dynamic_bytes) {
  if (dynamic_bytes == 0) {
    return;
  }
  int device = 0, all = 0;
  check_cuda(cudaGetDevice(&device), "no current device");
  check_cuda(cudaDeviceGetAttribute(&all, cudaDevAttrMaxSharedMemoryPerBlockOptin, device),
             "the size of shared memory is unknown");
  cudaFuncAttributes attributes{};
  check_cuda(cudaFuncGetAttributes(&attributes, kernel), "the attributes of a kernel are unknown");
  const int most = all - static_cast<int>(attributes.sharedSizeBytes);
  if (attributes.maxDynamicSharedSizeBytes != most) {
    check_cuda(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, most),
               "a kernel cannot have its shared memory");
  }
}

}  // namespace pisr::kernels::cuda
