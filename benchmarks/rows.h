#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "benchmarks/machine_limits.h"
#include "core/parallel.h"

namespace pisr::bench {

/// Thread pools and limits by number of threads. Must outlive the benchmarks.
struct Machine {
  explicit Machine(const std::vector<int>& threads);
  std::map<int, std::unique_ptr<ThreadPool>> pools;
  std::map<int, MachineLimits> limits;
};

/// Registers W1/threads:1 ... with Google Benchmark, for each number of threads of the machine.
/// Counters: gflops and percent_of_peak (from the median and the necessary multiply-adds),
/// lower_ms, median_ms and upper_ms (quartiles).
void register_workloads(Machine& machine);

/// Registers KERNEL/SHAPE/warm/threads:1 and .../cold/... for each kernel case; cold: 64 MiB of
/// other memory are written before each call. A case is compared with the naive kernels before its
/// first call; a row that differs is an error. Counters as above, and gbs and percent_of_bandwidth;
/// gflops and percent_of_peak only where multiply-adds are counted.
void register_kernels(Machine& machine);

}  // namespace pisr::bench
