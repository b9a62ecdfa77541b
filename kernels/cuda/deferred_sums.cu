// finish_sums: the second pass of the gradients of all parameters, in one launch.

#include <algorithm>
#include <cstdint>

#include "kernels/cuda/deferred_sums.h"
#include "kernels/cuda/kernels.h"
#include "kernels/cuda/sums.h"

namespace pisr::kernels::PISR_CUDA_NAMESPACE {
namespace {

constexpr int kMostSums = 56;  // every card takes 4 KB of arguments

template <class T>
struct Batch {
  int count;
  unsigned first_block[kMostSums];
  DeferredSum<T> sums[kMostSums];
};

// A sum of doubles (exact_parts) has few results, and each gets a block. Other sums have many: a
// block computes kResultsOfBlock of them, neighbours in memory, and kShares threads share the parts
// of each. One thread alone would make the end of a step wait for hundreds of loads in sequence.
constexpr int kResultsOfBlock = kWarpSize, kShares = kSumThreads / kResultsOfBlock;

template <class T>
unsigned blocks_of(const DeferredSum<T>& sum) {
  return block_count(sum.results, sum.parts == nullptr ? 1 : kResultsOfBlock);
}

// The sum, in double, of the parts `share`, share + kShares, ... of result i.
template <class T>
__device__ double sum_of_share(const DeferredSum<T>& sum, std::int64_t i, int share) {
  constexpr int kAtOnce = 8;
  const std::int64_t count = sum.runs * sum.terms;
  double total = 0;
  for (std::int64_t first = share; first < count; first += kAtOnce * kShares) {
    T parts[kAtOnce];
    PISR_UNROLL
    for (int k = 0; k < kAtOnce; ++k) {
      const std::int64_t part = first + k * kShares;
      const std::int64_t run = sum.terms == 1 ? part : part / sum.terms;
      const std::int64_t term = part - run * sum.terms;
      parts[k] = part < count ? sum.parts[(run * sum.results + i) * sum.terms + term] : T(0);
    }
    PISR_UNROLL
    for (int k = 0; k < kAtOnce; ++k) {
      total += parts[k];
    }
  }
  return total;
}

template <class T>
__global__ void __launch_bounds__(kSumThreads) finish_sums_kernel(Batch<T> batch) {
  int which = 0;
  while (which + 1 < batch.count && blockIdx.x >= batch.first_block[which + 1]) {
    ++which;
  }
  const DeferredSum<T>& sum = batch.sums[which];
  const std::int64_t block = blockIdx.x - batch.first_block[which];
  if (sum.parts == nullptr) {
    const double total =
        block_total(sum.exact_parts, sum.results, sum.runs, static_cast<int>(sum.terms), block);
    if (threadIdx.x == 0) {
      StoreSum<T>{&sum.target[block], 1, sum.store}(0, total);
    }
    return;
  }
  PISR_SHARED(double, shares, [kShares][kResultsOfBlock]);
  const int lane = static_cast<int>(threadIdx.x) % kResultsOfBlock;
  const int share = static_cast<int>(threadIdx.x) / kResultsOfBlock;
  const std::int64_t i = block * kResultsOfBlock + lane;
  shares[share][lane] = i < sum.results ? sum_of_share(sum, i, share) : 0;
  __syncthreads();
  if (share == 0 && i < sum.results) {
    T& target = sum.target[i];
    double total = sum.store == Store::add ? static_cast<double>(target) : 0;
    for (const double(&of_share)[kResultsOfBlock] : shares) {
      total += of_share[lane];
    }
    target = static_cast<T>(total);
  }
}

}  // namespace

template <class T>
void finish_sums(Launcher& launcher, const FinishSumsArgs<T>& args) {
  for (std::int64_t next = 0; next < args.count;) {
    Batch<T> batch = {};
    unsigned blocks = 0;
    // A target may occur once in a launch; the second time it waits for the next launch.
    const auto has = [&batch](const T* target) {
      return std::any_of(batch.sums, batch.sums + batch.count,
                         [target](const DeferredSum<T>& sum) { return sum.target == target; });
    };
    while (next < args.count && batch.count < kMostSums && !has(args.sums[next].target)) {
      batch.first_block[batch.count] = blocks;
      batch.sums[batch.count++] = args.sums[next];
      blocks += blocks_of(args.sums[next++]);
    }
    launch(launcher, finish_sums_kernel<T>, blocks, kSumThreads, batch);
  }
}

template <class T>
void defer_or_finish(Launcher& launcher, const DeferredSums<T>& sums, DeferredSums<T>* deferred) {
  if (deferred != nullptr) {
    deferred->insert(deferred->end(), sums.begin(), sums.end());
  } else {
    finish_sums(launcher, FinishSumsArgs<T>{static_cast<std::int64_t>(sums.size()), sums.data()});
  }
}

template void defer_or_finish<float>(Launcher&, const DeferredSums<float>&, DeferredSums<float>*);
template void defer_or_finish<double>(Launcher&, const DeferredSums<double>&,
                                      DeferredSums<double>*);
PISR_INSTANTIATE(finish_sums, FinishSumsArgs)

}  // namespace pisr::kernels::PISR_CUDA_NAMESPACE
