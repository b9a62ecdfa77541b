#pragma once

#include "core/parallel.h"

namespace pisr::bench {

/// The machine's limits for a number of threads, on the instruction set in use.
struct MachineLimits {
  int threads = 1;
  double fma_gflops = 0;     ///< f32 multiply-adds that wait for nothing, each counted as 2
  double bandwidth_gbs = 0;  ///< 1e9 bytes a second of a = b + s c, three arrays of 64 MiB
};

/// Measures the best of several rounds, about half a second in all, as other work on the machine
/// can only make a round slower. The limits are those of this process, not of the processor.
MachineLimits measure_limits(ThreadPool& pool);

}  // namespace pisr::bench
