#pragma once

#include <string>

#include <cuda_runtime_api.h>

namespace pisr::kernels {

/// The CUDA runtime as far as cuda_device.cpp uses it, in the memory of the host and with the
/// emulated kernels. Work of a stream is done as late as CUDA allows: when somebody waits for it.
/// Copies between host and device want page-locked memory.
struct FakeCudart {
  int devices = 1;
  int driver = CUDART_VERSION;
  cudaError_t counting = cudaSuccess;  ///< what cudaGetDeviceCount gives
  int major = 9;                       ///< compute capability
  const char* missing_code = nullptr;  ///< what the probe gives
  std::size_t memory = std::size_t{1} << 30;

  /// The name of a call that fails, from now on or once, and how.
  std::string failing;
  cudaError_t failure = cudaErrorIllegalAddress;
  bool fails_once = false;

  /// What cudaGetLastError gives next.
  cudaError_t last_error = cudaSuccess;

  /// What exists now: memory of the device and the host, streams, events, graphs.
  int objects = 0;
  /// What was done wrong, such as the release of what does not exist.
  std::string misuse;
};

/// The one that calls go to.
FakeCudart& fake_cudart();

}  // namespace pisr::kernels
