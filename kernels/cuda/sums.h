#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/cuda/map.h"

/// Sums in two passes, in double: blocks sum parts of planes, then one block per result adds the
/// parts. The shape alone decides the order, so a sum has the same bits on every run.
namespace pisr::kernels::PISR_CUDA_NAMESPACE {

constexpr unsigned kSumThreads = 256;
constexpr int kSumElements = 4096;  ///< of a plane, per block

/// The sum of `value` over the kSumThreads threads of the block, returned in thread 0. Between two
/// calls in a kernel there must be a barrier.
__device__ inline double block_sum(double value) {
  constexpr int kWarps = kSumThreads / kWarpSize;
  PISR_SHARED(double, sum_of_warp, [kWarps]);
  for (int distance = kWarpSize / 2; distance > 0; distance /= 2) {
    value += __shfl_down_sync(kAllLanes, value, distance);
  }
  if (threadIdx.x % kWarpSize == 0) {
    sum_of_warp[threadIdx.x / kWarpSize] = value;
  }
  __syncthreads();
  double total = 0;
  if (threadIdx.x == 0) {
    for (int warp = 0; warp < kWarps; ++warp) {
      total += sum_of_warp[warp];
    }
  }
  return total;
}

/// This thread's share of the sum over a part of a plane.
template <class Term>
__device__ double part_of_sum(const Term& term, std::int64_t plane, std::int64_t inner, int part) {
  const std::int64_t begin = std::int64_t{part} * kSumElements;
  double sum = 0;
  for (int i = threadIdx.x; i < kSumElements && begin + i < inner; i += kSumThreads) {
    sum += term(plane, begin + i);
  }
  return sum;
}

template <class Term>
__global__ void __launch_bounds__(kSumThreads)
    partial_sums_kernel(std::int64_t inner, int parts, Term term, double* partial) {
  const std::int64_t plane = blockIdx.x / parts;
  const double sum =
      block_sum(part_of_sum(term, plane, inner, static_cast<int>(blockIdx.x % parts)));
  if (threadIdx.x == 0) {
    partial[blockIdx.x] = sum;
  }
}

/// Partial sums [planes, parts].
struct PartialSums {
  const double* values;
  std::int64_t planes;
  int parts;
};

/// Sums term(plane, i) over parts of each plane into scratch memory of the launcher.
template <class Term>
PartialSums partial_sums(Launcher& launcher, std::int64_t planes, std::int64_t inner,
                         const Term& term) {
  const auto parts = static_cast<int>(block_count(inner, kSumElements));
  auto* partial = launcher.scratch_array<double>(static_cast<std::size_t>(planes * parts));
  launch(launcher, partial_sums_kernel<Term>, block_count(planes * parts, 1), kSumThreads, inner,
         parts, term, partial);
  return {partial, planes, parts};
}

/// The sum, in thread 0, of the partial sums of one result, where planes are [runs, results].
__device__ inline double block_total(const double* partial, std::int64_t results, std::int64_t runs,
                                     int parts, std::int64_t result) {
  double sum = 0;
  for (std::int64_t i = threadIdx.x; i < runs * parts; i += kSumThreads) {
    sum += partial[(i / parts * results + result) * parts + i % parts];
  }
  return block_sum(sum);
}

template <class Finish>
__global__ void __launch_bounds__(kSumThreads)
    total_sums_kernel(const double* partial, std::int64_t results, std::int64_t runs, int parts,
                      Finish finish) {
  const std::int64_t result = blockIdx.x;
  const double sum = block_total(partial, results, runs, parts, result);
  if (threadIdx.x == 0) {
    finish(result, sum);
  }
}

/// Calls finish(result, sum) for each result, where planes are [planes / results, results]: with as
/// many results as planes, a result is the sum of a plane; with as many as channels, that of a
/// channel over all images; one result is the sum of everything.
template <class Finish>
void total_sums(Launcher& launcher, const PartialSums& sums, std::int64_t results,
                const Finish& finish) {
  launch(launcher, total_sums_kernel<Finish>, block_count(results, 1), kSumThreads, sums.values,
         results, sums.planes / results, sums.parts, finish);
}

/// The usual `finish`: rounds a sum to the element type and stores it.
template <class T>
struct StoreSum {
  T* target;
  double scale;
  Store store;
  __device__ void operator()(std::int64_t result, double sum) const {
    const double before = store == Store::add ? static_cast<double>(target[result]) : 0;
    target[result] = static_cast<T>(before + scale * sum);
  }
};

/// A term of a sum of squares.
template <class T>
struct Square {
  const T* x;
  __device__ double operator()(std::int64_t, std::int64_t i) const {
    return static_cast<double>(x[i]) * x[i];
  }
};

}  // namespace pisr::kernels::PISR_CUDA_NAMESPACE
