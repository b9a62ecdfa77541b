#include "benchmarks/rows.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <exception>
#include <optional>
#include <utility>

#include <benchmark/benchmark.h>

#include "benchmarks/kernel_case.h"
#include "benchmarks/statistics.h"
#include "benchmarks/workloads.h"
#include "core/philox.h"

namespace pisr::bench {
namespace {

using Clock = std::chrono::steady_clock;

template <class Work>
double seconds_of(Work work) {
  const auto start = Clock::now();
  work();
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// Calls work() as often as Google Benchmark wants, but at least `least` times, and gives the
/// seconds of each call; prepare() before each is not counted.
template <class Prepare, class Work>
std::vector<double> sample(benchmark::State& state, int least, Prepare prepare, Work work) {
  std::vector<double> seconds;
  while (state.KeepRunningBatch(least)) {
    for (int i = 0; i < least; ++i) {
      prepare();
      seconds.push_back(seconds_of(work));
    }
  }
  return seconds;
}

void count_times(benchmark::State& state, const Quartiles& times) {
  state.counters["lower_ms"] = times.lower * 1e3;
  state.counters["median_ms"] = times.median * 1e3;
  state.counters["upper_ms"] = times.upper * 1e3;
}

void count_operations(benchmark::State& state, const Quartiles& times, std::int64_t multiply_adds,
                      const MachineLimits& limits) {
  const double gflops = 2.0 * static_cast<double>(multiply_adds) / times.median * 1e-9;
  state.counters["gflops"] = gflops;
  state.counters["percent_of_peak"] = 100 * gflops / limits.fma_gflops;
}

std::string with_threads(const std::string& name, int threads) {
  return name + "/threads:" + std::to_string(threads);
}

/// Registers `function`, whose exceptions become an error of the row.
template <class Function>
void add_row(const std::string& name, Function function) {
  benchmark::RegisterBenchmark(name.c_str(), [function](benchmark::State& state) {
    try {
      function(state);
    } catch (const std::exception& error) {
      state.SkipWithError(error.what());
    }
  })->Unit(benchmark::kMillisecond);
}

/// A case with its memory, made at the first use and shared by its rows.
struct PreparedCase {
  KernelCase quarter;
  KernelCase full;
  std::optional<std::string> disagreement;  ///< none: not compared yet
};

void fill(const KernelCase& c, std::vector<Tensor>& tensors, std::vector<float*>& pointers) {
  Random random(0, RandomUse::test, 2);
  for (const Operand& operand : c.operands) {
    const Tensor tensor = Tensor::zeros({operand.count});
    if (operand.role != Operand::Role::output) {
      for (float& value : tensor.values<float>()) {
        value = static_cast<float>(random.uniform(operand.low, operand.high));
      }
    }
    pointers.push_back(tensor.data<float>());
    tensors.push_back(tensor);
  }
}

void run_kernel(benchmark::State& state, PreparedCase& prepared, bool cold, ThreadPool& pool,
                const MachineLimits& limits, std::vector<unsigned char>& other_memory) {
  if (!prepared.disagreement) {
    prepared.disagreement = disagreement(prepared.quarter);
  }
  if (!prepared.disagreement->empty()) {
    throw Error(ErrorKind::numeric, "wrong result: " + *prepared.disagreement);
  }
  const KernelCase& c = prepared.full;
  std::vector<Tensor> tensors;
  std::vector<float*> pointers;
  fill(c, tensors, pointers);
  Context context(pool);
  const auto call = [&] { c.run_float(context, kernels::cpu_kernels<float>(), pointers); };
  call();
  constexpr int kSamples = 5;
  const Quartiles times = quartiles(sample(
      state, kSamples,
      [&] {
        if (cold) {
          constexpr std::size_t kOtherBytes = std::size_t{64} << 20;
          other_memory.resize(kOtherBytes);
          std::memset(other_memory.data(), other_memory[0] + 1, kOtherBytes);
        }
      },
      call));
  count_times(state, times);
  const double gbs = static_cast<double>(c.bytes()) / times.median * 1e-9;
  state.counters["gbs"] = gbs;
  state.counters["percent_of_bandwidth"] = 100 * gbs / limits.bandwidth_gbs;
  if (c.multiply_adds > 0) {
    count_operations(state, times, c.multiply_adds, limits);
  }
}

}  // namespace

Machine::Machine(const std::vector<int>& threads) {
  for (const int count : threads) {
    pools[count] = std::make_unique<ThreadPool>(count);
    limits[count] = measure_limits(*pools[count]);
  }
}

void register_workloads(Machine& machine) {
  constexpr int kSamples = 7;
  for (const std::string& name : workload_names()) {
    for (const auto& [threads, pool] : machine.pools) {
      const MachineLimits limits = machine.limits.at(threads);
      add_row(with_threads(name, threads),
              [name = name, pool = pool.get(), limits](benchmark::State& state) {
                const std::unique_ptr<Workload> workload = make_workload(name, *pool);
                workload->run();
                workload->run();
                const Quartiles times = quartiles(sample(
                    state, kSamples, [] {}, [&] { workload->run(); }));
                count_times(state, times);
                count_operations(state, times, multiply_adds(name), limits);
              });
    }
  }
}

void register_kernels(Machine& machine) {
  const std::vector<KernelCase> full = kernel_cases(CaseSize::full);
  const std::vector<KernelCase> quarter = kernel_cases(CaseSize::quarter);
  const auto other_memory = std::make_shared<std::vector<unsigned char>>();
  for (std::size_t i = 0; i < full.size(); ++i) {
    const auto prepared =
        std::make_shared<PreparedCase>(PreparedCase{quarter[i], full[i], std::nullopt});
    for (const bool cold : {false, true}) {
      for (const int threads : full[i].threads) {
        if (!machine.pools.contains(threads)) {
          continue;
        }
        const std::string name = full[i].kernel + "/" + full[i].shape + (cold ? "/cold" : "/warm");
        add_row(with_threads(name, threads),
                [=, pool = machine.pools[threads].get(),
                 limits = machine.limits[threads]](benchmark::State& state) {
                  run_kernel(state, *prepared, cold, *pool, limits, *other_memory);
                });
      }
    }
  }
}

}  // namespace pisr::bench
