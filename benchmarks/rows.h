#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "benchmarks/machine_limits.h"
#include "core/context.h"
#include "core/parallel.h"

namespace pisr::bench {

/// Thread pools and limits by number of threads. Must outlive the benchmarks.
struct Machine {
  explicit Machine(const std::vector<int>& threads);
  std::map<int, std::unique_ptr<ThreadPool>> pools;
  std::map<int, MachineLimits> limits;
};

/// Back ends of the host that have rows. Those of Backend::cpu have plain names; the others add
/// their own: W1/eigen/threads:1, conv2d/mapping/eigen/warm/threads:1.
using Backends = std::vector<Backend>;

/// Registers W1/threads:1 ... with Google Benchmark, for each number of threads of the machine; not
/// for the naive kernels, which would take minutes. With `networks` also W5/NETWORK/threads:1 ...,
/// some of which take minutes too.
/// Counters: gflops and percent_of_peak (from the median and the necessary multiply-adds),
/// lower_ms, median_ms and upper_ms (quartiles).
void register_workloads(Machine& machine, const Backends& backends, bool networks);

/// Registers KERNEL/SHAPE/warm/threads:1 and .../cold/... for each kernel case; cold: 64 MiB of
/// other memory are written before each call. A case is compared with the naive kernels before its
/// first call; a row that differs is an error. Counters as above, and gbs and percent_of_bandwidth;
/// gflops and percent_of_peak only where multiply-adds are counted. Eigen has rows for the kernels
/// that are its own, the naive kernels have one thread and a single sample, warm.
void register_kernels(Machine& machine, const Backends& backends);

}  // namespace pisr::bench
