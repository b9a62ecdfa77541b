#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <tuple>
#include <type_traits>

#include "kernels/device.h"
#include "kernels/launcher.h"

// The language of the .cu files. Each is compiled twice: by nvcc, and by the C++ compiler for the
// emulator that the tests run. Besides C++17 a .cu file may use the subset of CUDA that
// emulator/machine/cuda_syntax.h defines, and what is declared here.

#if defined(__CUDACC__)

#include <cuda_pipeline.h>
#include <cuda_runtime.h>

#include "kernels/cuda/check_cuda.h"
#include "kernels/cuda/shared_memory.h"

/// The namespace of this build of the back end: a test program links both builds.
#define PISR_CUDA_NAMESPACE cuda

/// A shared array of a block: PISR_SHARED(float, tile, [4][5]). Aligned to 16 bytes, uninitialised.
#define PISR_SHARED(T, name, dimensions) __shared__ __align__(16) T name dimensions

/// A pointer to the dynamic shared memory of the launch, aligned to 16 bytes and uninitialised.
#define PISR_DYNAMIC_SHARED(T, name)                                   \
  extern __shared__ __align__(16) unsigned char pisr_dynamic_shared[]; \
  T* const name = reinterpret_cast<T*>(pisr_dynamic_shared)

/// Before a loop of constant length, so that the arrays in it become registers.
#define PISR_UNROLL _Pragma("unroll")

namespace pisr::kernels::cuda {

/// Launches kernel(arguments...) into the launcher's stream, with `shared_bytes` of dynamic shared
/// memory for each block. Does nothing where there are no blocks. Throws DeviceError if CUDA
/// refuses.
template <class... Parameters, class... Arguments>
void launch_with_shared(Launcher& launcher, void (*kernel)(Parameters...), dim3 blocks,
                        unsigned threads, std::size_t shared_bytes, const Arguments&... arguments) {
  if (blocks.x == 0 || blocks.y == 0 || blocks.z == 0) {
    return;
  }
  allow_shared_memory(reinterpret_cast<const void*>(kernel), shared_bytes);
  kernel<<<blocks, threads, shared_bytes, static_cast<cudaStream_t>(launcher.stream())>>>(
      static_cast<Parameters>(arguments)...);
  check_cuda(cudaGetLastError(), "a kernel cannot be launched");
}

/// The same without dynamic shared memory.
template <class... Parameters, class... Arguments>
void launch(Launcher& launcher, void (*kernel)(Parameters...), dim3 blocks, unsigned threads,
            const Arguments&... arguments) {
  launch_with_shared(launcher, kernel, blocks, threads, 0, arguments...);
}

/// Null if this program holds code of the kernel for the current device, otherwise CUDA's reason.
inline const char* missing_code(void (*kernel)()) {
  cudaFuncAttributes attributes{};
  const cudaError_t error = cudaFuncGetAttributes(&attributes, kernel);
  return error == cudaSuccess ? nullptr : cudaGetErrorString(error);
}

/// The current device, for kernels that choose their tiles by it.
struct Card {
  std::size_t shared_bytes;  ///< at most, for one block
  int multiprocessors;
};
inline Card current_card() {
  int device = 0, bytes = 0, multiprocessors = 0;
  check_cuda(cudaGetDevice(&device), "no current device");
  check_cuda(cudaDeviceGetAttribute(&bytes, cudaDevAttrMaxSharedMemoryPerBlockOptin, device),
             "the size of shared memory is unknown");
  check_cuda(cudaDeviceGetAttribute(&multiprocessors, cudaDevAttrMultiProcessorCount, device),
             "the number of multiprocessors is unknown");
  return {static_cast<std::size_t>(bytes), multiprocessors};
}

/// Starts to copy one element of 4, 8 or 16 bytes, aligned to its size, from global to shared
/// memory. Before this thread reads it, it must call copy_wait(); before others do, a barrier must
/// follow that.
template <class T>
__device__ __forceinline__ void copy_async(T* shared, const T* global) {
  static_assert(sizeof(T) == 4 || sizeof(T) == 8 || sizeof(T) == 16);
  __pipeline_memcpy_async(shared, global, sizeof(T));
}

/// Waits for all copies this thread has started.
__device__ __forceinline__ void copy_wait() {
  __pipeline_commit();
  __pipeline_wait_prior(0);
  // The header does not tell the compiler that this changes memory: without it, what a thread reads
  // of its own copies could be read before they have arrived.
  asm volatile("" ::: "memory");
}

}  // namespace pisr::kernels::cuda

#else

#include "kernels/emulator/machine/cuda_syntax.h"
#include "kernels/emulator/machine/padding.h"

#define PISR_CUDA_NAMESPACE emulated_cuda
#define PISR_UNROLL

#define PISR_SHARED(T, name, dimensions)          \
  using name##_type = T dimensions;               \
  static const char name##_key = 0;               \
  name##_type& name = *static_cast<name##_type*>( \
      ::pisr::kernels::emulator::shared_array(&name##_key, sizeof(name##_type)))

#define PISR_DYNAMIC_SHARED(T, name) \
  T* const name = static_cast<T*>(::pisr::kernels::emulator::dynamic_shared())

namespace pisr::kernels::emulated_cuda {

template <class T>
void check_argument(emulator::Stream& stream, const T& argument) {
  static_assert(std::is_trivially_copyable_v<T>);
  // Old bytes in the padding must not look like a pointer. Where the compiler cannot clear it, only
  // what has none is searched.
  if constexpr (emulator::kClearsPadding || std::has_unique_object_representations_v<T>) {
    const emulator::WithoutPadding<T> bytes(argument);
    stream.check_argument(&bytes, sizeof bytes);
  }
}

template <class... Parameters, class... Arguments>
void launch_with_shared(Launcher& launcher, void (*kernel)(Parameters...), dim3 blocks,
                        unsigned threads, std::size_t shared_bytes, const Arguments&... arguments) {
  if (blocks.x == 0 || blocks.y == 0 || blocks.z == 0) {
    return;
  }
  const std::tuple<std::decay_t<Parameters>...> values(static_cast<Parameters>(arguments)...);
  const auto run = [=] {
    emulator::run_grid(blocks, threads, shared_bytes, [&] { std::apply(kernel, values); });
  };
  auto* const stream = static_cast<emulator::Stream*>(launcher.stream());
  if (stream == nullptr) {
    run();
    return;
  }
  stream->submit({reinterpret_cast<const void*>(kernel), shared_bytes, [=] {
                    std::apply([&](const auto&... value) { (check_argument(*stream, value), ...); },
                               values);
                    run();
                  }});
}

template <class... Parameters, class... Arguments>
void launch(Launcher& launcher, void (*kernel)(Parameters...), dim3 blocks, unsigned threads,
            const Arguments&... arguments) {
  launch_with_shared(launcher, kernel, blocks, threads, 0, arguments...);
}

inline const char* missing_code(void (*)()) {
  return nullptr;
}

using emulator::Card;
using emulator::current_card;

template <class T>
void copy_async(T* shared, const T* global) {
  static_assert(sizeof(T) == 4 || sizeof(T) == 8 || sizeof(T) == 16);
  emulator::start_copy(shared, global, sizeof(T));
}

inline void copy_wait() {
  emulator::wait_for_copies();
}

}  // namespace pisr::kernels::emulated_cuda

#endif

namespace pisr::kernels::PISR_CUDA_NAMESPACE {

constexpr int kWarpSize = 32;
constexpr unsigned kAllLanes = 0xFFFFFFFFU;

/// The number of blocks for `count` elements, `each` per block. Throws SizeLimitError from 2^31 on.
inline unsigned block_count(std::int64_t count, std::int64_t each) {
  const std::int64_t blocks = (count + each - 1) / each;
  if (blocks > 0x7FFFFFFF) {
    throw SizeLimitError("cuda: a launch of at most 2^31 - 1 blocks is possible, got " +
                         std::to_string(blocks));
  }
  return static_cast<unsigned>(blocks);
}

}  // namespace pisr::kernels::PISR_CUDA_NAMESPACE
