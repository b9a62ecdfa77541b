// Memory of the device and of the host, and copies between them.

#include <cstdlib>
#include <cstring>
#include <string>

#include "tests/ptx/machine/fault.h"
#include "tests/ptx/machine/machine.h"
#include "tests/ptx/runtime/limits.h"
#include "tests/ptx/runtime/state.h"

namespace pisr::ptx {
namespace {

std::uint64_t address_of(const void* pointer) {
  return reinterpret_cast<std::uint64_t>(pointer);
}

/// Where the range lies in the host's memory. Ends the program unless all of it is allocated.
std::byte* on_device(const void* pointer, std::size_t bytes, const char* call) {
  std::byte* const found = machine().memory.find(address_of(pointer), bytes);
  if (found == nullptr) {
    end_with_fault(std::string(call) + ": " + std::to_string(bytes) +
                   " bytes outside of every allocation of the device");
  }
  return found;
}

void copy(void* target, const void* source, std::size_t bytes, cudaMemcpyKind kind) {
  constexpr const char* kCall = "cudaMemcpyAsync";
  const void* const from =
      kind == cudaMemcpyHostToDevice ? source : on_device(source, bytes, kCall);
  void* const to = kind == cudaMemcpyDeviceToHost ? target : on_device(target, bytes, kCall);
  std::memcpy(to, from, bytes);
  if (kind != cudaMemcpyDeviceToHost) {
    machine().memory.mark_written(address_of(target), bytes);
  }
}

}  // namespace
}  // namespace pisr::ptx

extern "C" {

cudaError_t cudaMalloc(void** memory, size_t bytes) {
  pisr::ptx::refuse_in_capture("cudaMalloc");
  *memory = nullptr;
  if (bytes > pisr::ptx::kMemoryBytes) {
    return pisr::ptx::report(cudaErrorMemoryAllocation);
  }
  if (bytes != 0) {
    *memory = reinterpret_cast<void*>(pisr::ptx::machine().memory.allocate(bytes));
  }
  return cudaSuccess;
}

cudaError_t cudaFree(void* memory) {
  pisr::ptx::refuse_in_capture("cudaFree");
  if (memory != nullptr && !pisr::ptx::machine().memory.release(pisr::ptx::address_of(memory))) {
    pisr::ptx::end_with_fault("cudaFree of what is not allocated");
  }
  return cudaSuccess;
}

cudaError_t cudaMallocHost(void** memory, size_t bytes) {
  pisr::ptx::refuse_in_capture("cudaMallocHost");
  *memory = std::malloc(bytes);
  return cudaSuccess;
}

cudaError_t cudaFreeHost(void* memory) {
  pisr::ptx::refuse_in_capture("cudaFreeHost");
  std::free(memory);
  return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void* target, const void* source, size_t bytes,
                            enum cudaMemcpyKind kind, cudaStream_t stream) {
  if (kind != cudaMemcpyDeviceToDevice) {
    pisr::ptx::refuse_in_capture("a copy from or to the host");
  }
  if (bytes != 0) {
    pisr::ptx::submit(stream, [=] { pisr::ptx::copy(target, source, bytes, kind); });
  }
  return cudaSuccess;
}

cudaError_t cudaMemsetAsync(void* target, int value, size_t bytes, cudaStream_t stream) {
  if (bytes != 0) {
    pisr::ptx::submit(stream, [=] {
      std::memset(pisr::ptx::on_device(target, bytes, "cudaMemsetAsync"), value, bytes);
      pisr::ptx::machine().memory.mark_written(pisr::ptx::address_of(target), bytes);
    });
  }
  return cudaSuccess;
}

}  // extern "C"
