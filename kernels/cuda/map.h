#pragma once

#include <cstdint>

#include "kernels/conv_args.h"
#include "kernels/cuda/language.h"

/// Elementwise kernels: a function object is called once per element.
namespace pisr::kernels::PISR_CUDA_NAMESPACE {

constexpr unsigned kMapThreads = 256;
constexpr int kMapElements = 1024;  ///< of a plane, per block

template <class T>
__device__ void store(T& target, T value, Store store) {
  target = store == Store::add ? target + value : value;
}

template <class Function>
__global__ void __launch_bounds__(kMapThreads)
    map_kernel(std::int64_t inner, int parts, Function function) {
  const std::int64_t plane = blockIdx.x / parts;
  const std::int64_t begin = std::int64_t{blockIdx.x} % parts * kMapElements;
  for (int i = threadIdx.x; i < kMapElements && begin + i < inner; i += kMapThreads) {
    function(plane, begin + i);
  }
}

/// Calls function(plane, i) for each i in [0, inner) of each plane, in parallel.
template <class Function>
void map_planes(Launcher& launcher, std::int64_t planes, std::int64_t inner,
                const Function& function) {
  const unsigned parts = block_count(inner, kMapElements);
  launch(launcher, map_kernel<Function>, block_count(planes * parts, 1), kMapThreads, inner,
         static_cast<int>(parts), function);
}

/// Calls function(0, i) for each i in [0, count), in parallel.
template <class Function>
void map(Launcher& launcher, std::int64_t count, const Function& function) {
  map_planes(launcher, 1, count, function);
}

}  // namespace pisr::kernels::PISR_CUDA_NAMESPACE
