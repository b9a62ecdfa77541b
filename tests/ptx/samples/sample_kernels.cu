#include <cuda_pipeline.h>

#include "kernels/cuda/tensor_core.h"
#include "tests/ptx/samples/sample_kernels.h"

namespace pisr::ptx_samples {
namespace {

constexpr int kMostThreads = 128;

}  // namespace

__global__ void copy_pairs(const float2* from, float2* to, int count) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < count) {
    to[i] = from[i];
  }
}

__global__ void copy_constant(const float* __restrict__ from, float* to, int count) {
  for (int i = 0; i < count; ++i) {
    to[i] = __ldg(from + i);
  }
}

__global__ void exchange(const float* from, float* to, Omit omit) {
  __shared__ float values[kMostThreads];
  const unsigned i = threadIdx.x;
  __pipeline_memcpy_async(values + i, from + i, sizeof(float));
  __pipeline_commit();
  if (omit != Omit::wait && omit != Omit::wait_of_the_last) {
    __pipeline_wait_prior(0);
  }
  if (omit != Omit::barrier) {
    __syncthreads();
  }
  if (omit != Omit::wait_of_the_last) {
    to[i] = values[blockDim.x - 1 - i];
  }
}

__global__ void write_shared_pair(unsigned at, float* to) {
  __shared__ __align__(8) unsigned char values[64];
  auto* const pair = reinterpret_cast<float2*>(values + at);
  *pair = make_float2(1, 2);
  __syncthreads();
  const float2 both = *pair;
  to[0] = both.x;
  to[1] = both.y;
}

__global__ void exchange_in_warp(int* to, bool with_barrier) {
  __shared__ int values[32];
  values[threadIdx.x] = static_cast<int>(threadIdx.x);
  if (with_barrier) {
    __syncwarp();
  }
  to[threadIdx.x] = values[31 - threadIdx.x];
}

__global__ void barrier_up_to(int end, bool at_another, int* to) {
  if (static_cast<int>(threadIdx.x) < end) {
    __syncthreads();
    to[threadIdx.x] = 1;
  } else if (at_another) {
    to[threadIdx.x] = 2;
    __syncthreads();
  }
}

__global__ void sum_of_lanes(int end, int* to) {
  int sum = static_cast<int>(threadIdx.x);
  if (sum >= end) {
    return;
  }
  for (int offset = 16; offset > 0; offset /= 2) {
    sum += __shfl_down_sync(0xFFFFFFFFU, sum, offset);
  }
  if (threadIdx.x == 0) {
    *to = sum;
  }
}

__global__ void shuffle_apart(int end, int* to) {
  int value = static_cast<int>(threadIdx.x);
  if (value < end) {
    value = __shfl_down_sync(0xFFFFFFFFU, value, 1);
  } else {
    value = __shfl_xor_sync(0xFFFFFFFFU, value, 1);
  }
  to[threadIdx.x] = value;
}

__global__ void read_large(Large large, int* to) {
  *to = large.last;
}

__global__ void static_and_dynamic(float* to) {
  __shared__ float fixed[kStaticBytes / sizeof(float)];
  extern __shared__ float dynamic[];
  fixed[threadIdx.x] = 1;
  dynamic[threadIdx.x] = 2;
  to[threadIdx.x] = fixed[threadIdx.x] + dynamic[threadIdx.x];
}

__global__ void of_128_threads(int* to) {
  to[threadIdx.x] = 1;
}

__global__ void multiply_tf32_sample(const float* a, const float* b, float* sum) {
  const int group = static_cast<int>(threadIdx.x) / 4, member = static_cast<int>(threadIdx.x) % 4;
  const float rows[4] = {a[group * 8 + member], a[(group + 8) * 8 + member],
                         a[group * 8 + member + 4], a[(group + 8) * 8 + member + 4]};
  const float columns[2] = {b[member * 8 + group], b[(member + 4) * 8 + group]};
  float sums[4] = {};
  kernels::cuda::multiply_tf32(sums, rows, columns);
  for (int i = 0; i < 4; ++i) {
    sum[(group + i / 2 * 8) * 8 + member * 2 + i % 2] = sums[i];
  }
}

__global__ void multiply_fp16_sample(const float* a, const float* b, float* sum) {
  __shared__ __align__(16) unsigned halves[4][8][4];  // quarters, their rows, pairs
  const int lane = static_cast<int>(threadIdx.x), group = lane / 4, member = lane % 4;
  for (int quarter = 0; quarter < 4; ++quarter) {
    const int row = quarter % 2 * 8 + group, column = quarter / 2 * 8 + member * 2;
    halves[quarter][group][member] =
        kernels::cuda::pack_halves(a[row * 16 + column], a[row * 16 + column + 1]);
  }
  __syncwarp();
  unsigned rows[4];
  kernels::cuda::load_matrices(rows, halves[lane / 8][lane % 8]);
  const auto pair_of_b = [&](int row) {
    return kernels::cuda::pack_halves(b[row * 8 + group], b[(row + 1) * 8 + group]);
  };
  const unsigned columns[2] = {pair_of_b(member * 2), pair_of_b(member * 2 + 8)};
  float sums[4] = {};
  kernels::cuda::multiply_fp16(sums, rows, columns);
  for (int i = 0; i < 4; ++i) {
    sum[(group + i / 2 * 8) * 8 + member * 2 + i % 2] = sums[i];
  }
}

__global__ void compute(unsigned a, unsigned b, double x, long long* results) {
  const int lane = static_cast<int>(threadIdx.x);
  const int signed_a = static_cast<int>(a), signed_b = static_cast<int>(b);
  const long long wide = static_cast<long long>(signed_a) << 20;
  const int up = __shfl_up_sync(0xFFFFFFFFU, lane, 3),
            down = __shfl_down_sync(0xFFFFFFFFU, lane, 3);
  const int across = __shfl_xor_sync(0xFFFFFFFFU, lane, 5),
            of_seven = __shfl_sync(0xFFFFFFFFU, lane, 7);
  const int in_eight = __shfl_down_sync(0xFFFFFFFFU, lane, 3, 8);
  if (lane != 6) {
    return;
  }
  const long long all[kResults] = {a / b,
                                   a % b,
                                   signed_a / signed_b,
                                   signed_a % signed_b,
                                   wide / signed_b,
                                   wide % signed_b,
                                   __umulhi(a, b),
                                   __mulhi(signed_a, signed_b),
                                   __mul64hi(wide, wide),
                                   __byte_perm(a, b, 0x7610),
                                   min(signed_a, signed_b),
                                   max(a, b),
                                   a >> 7,
                                   signed_a >> 7,
                                   wide >> 11,
                                   -signed_a,
                                   __double2int_rz(x),
                                   __double2ll_rn(x),
                                   __float2int_rd(1e20F),
                                   up,
                                   down,
                                   across,
                                   of_seven,
                                   in_eight};
  for (int i = 0; i < kResults; ++i) {
    results[i] = all[i];
  }
}

__global__ void read_parameters(char before, Mixed mixed, short after, double* to) {
  to[0] = before;
  to[1] = mixed.first;
  to[2] = mixed.second;
  to[3] = mixed.third;
  to[4] = mixed.fourth[2];
  to[5] = after;
}

}  // namespace pisr::ptx_samples
