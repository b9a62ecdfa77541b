#pragma once

#include <cuda_runtime.h>

// Small kernels that are right when they are launched as main.cu does for the case "sound", and
// wrong in one way each with other arguments. Compiled by nvcc as the kernels of the project are.

namespace pisr::ptx_samples {

/// to[i] = from[i] of a float2 for i < count, by 32 threads a block.
__global__ void copy_pairs(const float2* from, float2* to, int count);
/// The same by ld.global.nc: what is read must not be written.
__global__ void copy_constant(const float* __restrict__ from, float* to, int count);

/// What exchange() is to leave out.
enum class Omit { nothing, wait, barrier, wait_of_the_last };
/// to[i] = from[n - 1 - i] through shared memory, by one block of n <= 128 threads, with
/// asynchronous copies.
__global__ void exchange(const float* from, float* to, Omit omit);
/// A thread writes shared memory at `at` bytes from its beginning as float2, and reads it again.
__global__ void write_shared_pair(unsigned at, float* to);
/// Lanes of a warp give each other their numbers through shared memory.
__global__ void exchange_in_warp(int* to, bool with_barrier);

/// A barrier that threads from `end` on do not reach; they are at another one if `at_another`.
__global__ void barrier_up_to(int end, bool at_another, int* to);
/// The sum of a warp's lane numbers; lanes from `end` on leave before.
__global__ void sum_of_lanes(int end, int* to);
/// Lanes below `end` and the others exchange their numbers at instructions of their own.
__global__ void shuffle_apart(int end, int* to);

/// More parameters than every release of CUDA allows.
struct Large {
  char bytes[4096];
  int last;
};
__global__ void read_large(Large large, int* to);

/// Static and dynamic shared memory together.
__global__ void static_and_dynamic(float* to);
constexpr int kStaticBytes = 1024;
__global__ void __launch_bounds__(128) of_128_threads(int* to);

/// sum [16, 8] = a [16, depth] b [depth, 8] by one warp: depth 8 in TF32, 16 in half precision.
__global__ void multiply_tf32_sample(const float* a, const float* b, float* sum);
__global__ void multiply_fp16_sample(const float* a, const float* b, float* sum);

/// Instructions of integers, conversions and shuffles by number: host and device must agree.
constexpr int kResults = 24;
__global__ void compute(unsigned a, unsigned b, double x, long long* results);

/// A struct whose layout host and device must agree on.
struct Mixed {
  char first;
  double second;
  short third;
  float fourth[3];
};
__global__ void read_parameters(char before, Mixed mixed, short after, double* to);

}  // namespace pisr::ptx_samples
