#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <cuda_runtime_api.h>

namespace pisr::kernels {

/// A fake of the CUDA runtime, as far as cuda_device.cpp and launches use it: in host memory, with
/// the emulated kernels. Work of a stream is done as late as CUDA allows: when the host waits for
/// it. Copies between host and device must use page-locked memory. Each thread has a current
/// device, and calls for what another device made are misuse.
///
/// A launch may have 48 KB of shared memory, static arrays included, and more dynamic memory where
/// the kernel was allowed it. The static arrays of a kernel are known after it has run once.
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

  int shared_bytes = 227 << 10;  ///< that a block may have at most
  /// By kernel and device: the dynamic bytes that were allowed, and how often any were.
  std::map<std::pair<const void*, int>, int> allowed_dynamic_bytes;
  int attributes_set = 0;
  /// The shared memory of each launch that has run.
  struct Launched {
    int dynamic_bytes, static_bytes;
  };
  std::vector<Launched> launched;

  std::vector<int> devices_of_cudnn;  ///< the current one at each call of cuDNN

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
