#pragma once

#include <string>

#include <cuda_runtime_api.h>

namespace pisr::kernels {

/// A fake of the CUDA runtime, as far as cuda_device.cpp uses it: in host memory, with the emulated
/// kernels. Work of a stream is done as late as CUDA allows: when the host waits for it. Copies
/// between host and device must use page-locked memory.
struct FakeCudart {
  int devices = 1;
  int driver = CUDART_VERSION;
  cudaError_t counting = cudaSuccess;  ///< result of cudaGetDeviceCount
  int major = 9;                       ///< compute capability
  const char* missing_code = nullptr;  ///< result of missing_code()
  std::size_t memory = std::size_t{1} << 30;

  /// The name of a call that fails, from now on or once, and its error.
  std::string failing;
  cudaError_t failure = cudaErrorIllegalAddress;
  bool fails_once = false;

  /// The next result of cudaGetLastError.
  cudaError_t last_error = cudaSuccess;

  /// How many objects exist: memory of device and host, streams, events, graphs.
  int objects = 0;
  /// A wrong call, such as the release of an object that does not exist; empty if there was none.
  std::string misuse;
};

/// The fake that receives all calls.
FakeCudart& fake_cudart();

}  // namespace pisr::kernels
