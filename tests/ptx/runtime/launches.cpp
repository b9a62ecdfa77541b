// Kernels: what nvcc's host code registers and launches, and the limits of a launch on sm_90.

#include <cstring>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tests/ptx/machine/fault.h"
#include "tests/ptx/machine/launch.h"
#include "tests/ptx/runtime/limits.h"
#include "tests/ptx/runtime/state.h"

namespace pisr::ptx {
namespace {

/// A kernel as the host knows it: by the address of its stub.
struct HostKernel {
  std::string name;
  int dynamic_bytes = -1;  ///< what cudaFuncSetAttribute allows; -1: not called
};

std::map<const void*, HostKernel>& host_kernels() {
  static std::map<const void*, HostKernel> kernels;
  return kernels;
}

HostKernel& host_kernel(const void* stub) {
  const auto found = host_kernels().find(stub);
  if (found == host_kernels().end()) {
    end_with_fault("the host asks for a kernel that was never registered");
  }
  return found->second;
}

const Kernel& translated(const HostKernel& host) {
  const Kernel* const kernel = find_kernel(host.name);
  if (kernel == nullptr) {
    end_with_fault("no PTX of " + readable_name(host.name.c_str()));
  }
  return *kernel;
}

/// Between <<<>>> and the stub.
struct Configuration {
  dim3 grid, block;
  std::size_t shared_bytes;
  cudaStream_t stream;
};
Configuration pushed;

std::size_t most_dynamic_bytes(const HostKernel& host, const Kernel& kernel) {
  return host.dynamic_bytes >= 0 ? static_cast<std::size_t>(host.dynamic_bytes)
                                 : kSharedBytesOfAnyBlock - kernel.static_shared_bytes;
}

/// Why sm_90 refuses the launch, or nothing.
std::string why_refused(const HostKernel& host, const Kernel& kernel, dim3 grid, dim3 block,
                        std::size_t dynamic_bytes) {
  const auto beyond = [](const char* what, std::size_t got, std::size_t most) {
    return std::string(what) + " must be at most " + std::to_string(most) + ", got " +
           std::to_string(got);
  };
  const Size3 grid_size{grid.x, grid.y, grid.z}, block_size{block.x, block.y, block.z};
  if (volume(grid_size) == 0 || volume(block_size) == 0) {
    return "a launch without blocks or threads";
  }
  if (grid.x > kMostBlocksX) {
    return beyond("blocks in x", grid.x, kMostBlocksX);
  }
  if (grid.y > kMostBlocksYZ || grid.z > kMostBlocksYZ) {
    return beyond("blocks in y and z", std::max(grid.y, grid.z), kMostBlocksYZ);
  }
  if (block.z > kMostThreadsZ) {
    return beyond("threads in z", block.z, kMostThreadsZ);
  }
  if (volume(block_size) > kernel.most_threads) {
    return beyond("threads of a block", volume(block_size), kernel.most_threads);
  }
  if (kernel.parameter_bytes > kMostParameterBytes) {
    return beyond("bytes of parameters", kernel.parameter_bytes, kMostParameterBytes);
  }
  if (dynamic_bytes > most_dynamic_bytes(host, kernel)) {
    return beyond("bytes of dynamic shared memory", dynamic_bytes,
                  most_dynamic_bytes(host, kernel)) +
           " beside " + std::to_string(kernel.static_shared_bytes) + " of constant size";
  }
  return {};
}

std::vector<std::byte> parameters_of(const Kernel& kernel, void** arguments) {
  std::vector<std::byte> bytes(kernel.parameter_bytes);
  for (std::size_t i = 0; i < kernel.parameters.size(); ++i) {
    std::memcpy(bytes.data() + kernel.parameters[i].offset, arguments[i],
                kernel.parameters[i].bytes);
  }
  return bytes;
}

}  // namespace
}  // namespace pisr::ptx

extern "C" {

// NOLINTBEGIN(bugprone-reserved-identifier): the names are nvcc's.
void** __cudaRegisterFatBinary(void*) {
  static void* handle = nullptr;
  return &handle;
}

void __cudaRegisterFatBinaryEnd(void**) {}

void __cudaUnregisterFatBinary(void**) {}

char __cudaInitModule(void**) {
  return 1;
}

void __cudaRegisterFunction(void**, const char* stub, char*, const char* name, int, uint3*, uint3*,
                            dim3*, dim3*, int*) {
  pisr::ptx::host_kernels()[stub] = {name};
}

unsigned __cudaPushCallConfiguration(dim3 grid, dim3 block, size_t shared_bytes,
                                     struct CUstream_st* stream) {
  pisr::ptx::pushed = {grid, block, shared_bytes, stream};
  return 0;
}

cudaError_t __cudaPopCallConfiguration(dim3* grid, dim3* block, size_t* shared_bytes,
                                       void* stream) {
  *grid = pisr::ptx::pushed.grid;
  *block = pisr::ptx::pushed.block;
  *shared_bytes = pisr::ptx::pushed.shared_bytes;
  *static_cast<cudaStream_t*>(stream) = pisr::ptx::pushed.stream;
  return cudaSuccess;
}

cudaError_t __cudaGetKernel(void** kernel, const void* stub) {
  *kernel = const_cast<void*>(stub);
  return cudaSuccess;
}

cudaError_t cudaLaunchKernel(const void* stub, dim3 grid, dim3 block, void** arguments,
                             size_t shared_bytes, cudaStream_t stream) {
  using namespace pisr::ptx;
  const HostKernel& host = host_kernel(stub);
  const Kernel& kernel = translated(host);
  const std::string refusal = why_refused(host, kernel, grid, block, shared_bytes);
  if (!refusal.empty()) {
    note("refused: " + readable_name(kernel.name) + ": " + refusal);
    return report(cudaErrorInvalidValue);
  }
  const Launch launch{&kernel,
                      {grid.x, grid.y, grid.z},
                      {block.x, block.y, block.z},
                      shared_bytes,
                      parameters_of(kernel, arguments)};
  submit(stream, [launch] { run(launch); });
  return cudaSuccess;
}

cudaError_t __cudaLaunchKernel(void* kernel, dim3 grid, dim3 block, void** arguments,
                               size_t shared_bytes, cudaStream_t stream) {
  return cudaLaunchKernel(kernel, grid, block, arguments, shared_bytes, stream);
}
// NOLINTEND(bugprone-reserved-identifier)

cudaError_t cudaFuncSetAttribute(const void* stub, enum cudaFuncAttribute attribute, int value) {
  using namespace pisr::ptx;
  HostKernel& host = host_kernel(stub);
  const Kernel& kernel = translated(host);
  if (attribute != cudaFuncAttributeMaxDynamicSharedMemorySize) {
    end_with_fault("cudaFuncSetAttribute: only the size of dynamic shared memory is supported");
  }
  if (value < 0 ||
      static_cast<std::size_t>(value) + kernel.static_shared_bytes > kMostSharedBytes) {
    note("refused: " + readable_name(kernel.name) + ": " + std::to_string(value) +
         " bytes of dynamic shared memory beside " + std::to_string(kernel.static_shared_bytes) +
         " of constant size, at most " + std::to_string(kMostSharedBytes) + " together");
    return report(cudaErrorInvalidValue);
  }
  host.dynamic_bytes = value;
  return cudaSuccess;
}

cudaError_t cudaFuncGetAttributes(struct cudaFuncAttributes* attributes, const void* stub) {
  using namespace pisr::ptx;
  const HostKernel& host = host_kernel(stub);
  const Kernel& kernel = translated(host);
  *attributes = {};
  attributes->sharedSizeBytes = kernel.static_shared_bytes;
  attributes->maxThreadsPerBlock = static_cast<int>(kernel.most_threads);
  attributes->maxDynamicSharedSizeBytes = static_cast<int>(most_dynamic_bytes(host, kernel));
  attributes->ptxVersion = attributes->binaryVersion = kComputeCapability;
  return cudaSuccess;
}

}  // extern "C"
