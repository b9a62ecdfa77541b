#include "benchmarks/rows.h"

#include <cstring>
#include <optional>
#include <utility>

#include <benchmark/benchmark.h>

#include "benchmarks/kernel_case.h"
#include "benchmarks/row.h"
#include "benchmarks/statistics.h"
#include "benchmarks/workloads.h"

namespace pisr::bench {
namespace {

void count_operations(benchmark::State& state, const Quartiles& times, std::int64_t multiply_adds,
                      const MachineLimits& limits) {
  const double gflops = 2.0 * static_cast<double>(multiply_adds) / times.median * 1e-9;
  state.counters["gflops"] = gflops;
  state.counters["percent_of_peak"] = 100 * gflops / limits.fma_gflops;
}

std::string with_threads(const std::string& name, int threads) {
  return name + "/threads:" + std::to_string(threads);
}

/// "", "/eigen" or "/naive": what a row's name says of its back end.
std::string part_of_name(Backend backend) {
  return backend == Backend::cpu ? "" : backend == Backend::eigen ? "/eigen" : "/naive";
}

/// Whether Eigen's table has another kernel of this name than our own.
bool is_eigens(const std::string& kernel) {
#define PISR_KERNEL(name, Args) \
  if (kernel == #name) return host_table(Backend::eigen).name != host_table(Backend::cpu).name;
#include "kernels/ops.def"
#undef PISR_KERNEL
  return false;
}

/// Whether a case has rows of a back end, warm or cold, on so many threads.
bool has_row(const KernelCase& c, Backend backend, bool cold, int threads) {
  return backend == Backend::cpu || (backend == Backend::eigen && is_eigens(c.kernel)) ||
         (backend == Backend::naive && !cold && threads == 1);
}

/// A case and whether its results on one back end are right, which its rows share.
struct PreparedCase {
  KernelCase quarter;
  KernelCase full;
  std::optional<std::string> disagreement;  ///< none: not compared yet
};

void run_kernel(benchmark::State& state, PreparedCase& prepared, Backend backend, bool cold,
                ThreadPool& pool, const MachineLimits& limits,
                std::vector<unsigned char>& other_memory) {
  if (!prepared.disagreement) {
    prepared.disagreement = disagreement(prepared.quarter, backend);
  }
  if (!prepared.disagreement->empty()) {
    throw Error(ErrorKind::numeric, "wrong result: " + *prepared.disagreement);
  }
  const KernelCase& c = prepared.full;
  const std::vector<Tensor> tensors = operand_tensors(c);
  const std::vector<float*> pointers = data_of(tensors);
  Context context(pool, backend);
  const auto call = [&] { c.run_float(context, host_table(backend), pointers); };
  const bool slow = backend == Backend::naive;
  if (!slow) {
    call();
  }
  const Quartiles times = quartiles(sample(
      state, slow ? 1 : 5,
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

void register_workloads(Machine& machine, const Backends& backends, bool networks) {
  constexpr int kSamples = 7;
  for (const std::string& name : workload_names()) {
    if (name.starts_with("W5/") && !networks) {
      continue;
    }
    for (const Backend backend : backends) {
      if (backend == Backend::naive) {
        continue;
      }
      for (const auto& [threads, pool] : machine.pools) {
        const MachineLimits limits = machine.limits.at(threads);
        add_row(with_threads(name + part_of_name(backend), threads),
                [name = name, backend, pool = pool.get(), limits](benchmark::State& state) {
                  const std::unique_ptr<Workload> workload = make_workload(name, *pool, backend);
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
}

void register_kernels(Machine& machine, const Backends& backends) {
  const std::vector<KernelCase> full = kernel_cases(CaseSize::full);
  const std::vector<KernelCase> quarter = kernel_cases(CaseSize::quarter);
  const auto other_memory = std::make_shared<std::vector<unsigned char>>();
  for (std::size_t i = 0; i < full.size(); ++i) {
    for (const Backend backend : backends) {
      const auto prepared =
          std::make_shared<PreparedCase>(PreparedCase{quarter[i], full[i], std::nullopt});
      for (const bool cold : {false, true}) {
        for (const int threads : full[i].threads) {
          if (!machine.pools.contains(threads) || !has_row(full[i], backend, cold, threads)) {
            continue;
          }
          const std::string name = full[i].kernel + "/" + full[i].shape + part_of_name(backend) +
                                   (cold ? "/cold" : "/warm");
          add_row(with_threads(name, threads),
                  [=, pool = machine.pools[threads].get(),
                   limits = machine.limits[threads]](benchmark::State& state) {
                    run_kernel(state, *prepared, backend, cold, *pool, limits, *other_memory);
                  });
        }
      }
    }
  }
}

}  // namespace pisr::bench
