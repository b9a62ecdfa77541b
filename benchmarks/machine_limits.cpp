#include "benchmarks/machine_limits.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/tensor.h"
#include "kernels/cpu/highway_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "benchmarks/machine_limits.cpp"
#include "hwy/foreach_target.h"
// After foreach_target:
#include "hwy/cache_control.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace pisr::bench {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

/// Twelve chains of multiply-adds: enough to hide the latency of two pipes of four cycles, few
/// enough for the 16 registers of AVX2. Returns a sum, so that the compiler cannot drop the work,
/// and counts the operations.
float multiply_add_chains(std::int64_t rounds, std::int64_t& operations) {
  const hn::ScalableTag<float> d;
  const auto factor = hn::Set(d, 0.9999F);
  const auto addend = hn::Set(d, 1e-3F);
  auto a0 = hn::Set(d, 0.0F), a1 = hn::Set(d, 0.1F), a2 = hn::Set(d, 0.2F);
  auto a3 = hn::Set(d, 0.3F), a4 = hn::Set(d, 0.4F), a5 = hn::Set(d, 0.5F);
  auto a6 = hn::Set(d, 0.6F), a7 = hn::Set(d, 0.7F), a8 = hn::Set(d, 0.8F);
  auto a9 = hn::Set(d, 0.9F), a10 = hn::Set(d, 1.0F), a11 = hn::Set(d, 1.1F);
  for (std::int64_t i = 0; i < rounds; ++i) {
    a0 = hn::MulAdd(a0, factor, addend);
    a1 = hn::MulAdd(a1, factor, addend);
    a2 = hn::MulAdd(a2, factor, addend);
    a3 = hn::MulAdd(a3, factor, addend);
    a4 = hn::MulAdd(a4, factor, addend);
    a5 = hn::MulAdd(a5, factor, addend);
    a6 = hn::MulAdd(a6, factor, addend);
    a7 = hn::MulAdd(a7, factor, addend);
    a8 = hn::MulAdd(a8, factor, addend);
    a9 = hn::MulAdd(a9, factor, addend);
    a10 = hn::MulAdd(a10, factor, addend);
    a11 = hn::MulAdd(a11, factor, addend);
  }
  operations = rounds * 12 * 2 * static_cast<std::int64_t>(hn::Lanes(d));
  const auto low = hn::Add(hn::Add(hn::Add(a0, a1), hn::Add(a2, a3)), hn::Add(a4, a5));
  const auto high = hn::Add(hn::Add(hn::Add(a6, a7), hn::Add(a8, a9)), hn::Add(a10, a11));
  return hn::GetLane(hn::SumOfLanes(d, hn::Add(low, high)));
}

/// a = b + 3 c, with stores that bypass the caches where the processor has them. count is a
/// multiple of the vector length and the arrays are aligned.
void triad(std::int64_t count, const float* b, const float* c, float* a) {
  const hn::ScalableTag<float> d;
  const auto factor = hn::Set(d, 3.0F);
  const auto step = static_cast<std::int64_t>(hn::Lanes(d));
  for (std::int64_t i = 0; i < count; i += step) {
    hn::Stream(hn::MulAdd(hn::Load(d, c + i), factor, hn::Load(d, b + i)), d, a + i);
  }
  hwy::FlushStream();
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace pisr::bench
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace pisr::bench {
namespace {

HWY_EXPORT(multiply_add_chains);
HWY_EXPORT(triad);

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// One result of a thread, on a cache line of its own.
struct alignas(64) Share {
  double operations = 0;
  float sum = 0;
};

double measure_fma(ThreadPool& pool) {
  constexpr int kRounds = 10;
  constexpr std::int64_t kChains = 20'000;
  constexpr std::int64_t kTasksPerThread = 256;
  double best = 0;
  for (int round = 0; round < kRounds; ++round) {
    std::vector<Share> shares(static_cast<std::size_t>(pool.threads()));
    const auto start = Clock::now();
    pool.parallel_for(kTasksPerThread * pool.threads(), [&](std::int64_t, int worker) {
      Share& share = shares[static_cast<std::size_t>(worker)];
      std::int64_t operations = 0;
      share.sum += HWY_DYNAMIC_DISPATCH(multiply_add_chains)(kChains, operations);
      share.operations += static_cast<double>(operations);
    });
    const double seconds = seconds_since(start);
    double operations = 0;
    for (const Share& share : shares) {
      operations += share.operations;
    }
    best = std::max(best, operations / seconds * 1e-9);
  }
  return best;
}

double measure_bandwidth(ThreadPool& pool) {
  constexpr int kRounds = 8;
  constexpr std::int64_t kCount = 16 << 20;
  constexpr std::int64_t kChunk = 256 << 10;
  const Tensor a = Tensor::zeros({kCount});
  const Tensor b = Tensor::full({kCount}, 1);
  const Tensor c = Tensor::full({kCount}, 2);
  double best = 0;
  for (int round = 0; round < kRounds; ++round) {
    const auto start = Clock::now();
    pool.parallel_for(kCount / kChunk, [&](std::int64_t task, int) {
      const std::int64_t at = task * kChunk;
      HWY_DYNAMIC_DISPATCH(triad)
      (kChunk, b.data<float>() + at, c.data<float>() + at, a.data<float>() + at);
    });
    const double bytes = 3.0 * sizeof(float) * kCount;
    best = std::max(best, bytes / seconds_since(start) * 1e-9);
  }
  return best;
}

}  // namespace

MachineLimits measure_limits(ThreadPool& pool) {
  return {pool.threads(), measure_fma(pool), measure_bandwidth(pool)};
}

}  // namespace pisr::bench
#endif  // HWY_ONCE
