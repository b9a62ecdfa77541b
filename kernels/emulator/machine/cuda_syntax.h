#pragma once

#include <cmath>

#include "kernels/emulator/machine/emulator.h"

// The subset of CUDA's language that the kernels use, for a C++ compiler.

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)

struct alignas(8) uint2 {
  unsigned x, y;
};
struct alignas(8) float2 {
  float x, y;
};
struct alignas(16) float4 {
  float x, y, z, w;
};
template <class T>
T __ldg(const T* source) {
  return *source;
}

#define threadIdx (::pisr::kernels::emulator::position.thread)
#define blockIdx (::pisr::kernels::emulator::position.block)
#define blockDim (::pisr::kernels::emulator::position.block_size)
#define gridDim (::pisr::kernels::emulator::position.grid_size)

#define __syncthreads() ::pisr::kernels::emulator::wait_for_block({__FILE__, __LINE__})
#define __shfl_down_sync(mask, value, distance) \
  ::pisr::kernels::emulator::shuffle_down(mask, value, distance, {__FILE__, __LINE__})
