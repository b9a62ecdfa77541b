#pragma once

#include <chrono>
#include <exception>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "benchmarks/statistics.h"

/// What the rows of pisr_bench have in common.
namespace pisr::bench {

template <class Work>
double seconds_of(Work work) {
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  work();
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// Calls work() as often as Google Benchmark asks, but at least `least` times, and returns the
/// seconds of each call. prepare() runs before each call and is not counted.
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

inline void count_times(benchmark::State& state, const Quartiles& times) {
  state.counters["lower_ms"] = times.lower * 1e3;
  state.counters["median_ms"] = times.median * 1e3;
  state.counters["upper_ms"] = times.upper * 1e3;
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

}  // namespace pisr::bench
