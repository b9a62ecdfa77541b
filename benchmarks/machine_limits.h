#pragma once

#include "core/parallel.h"

namespace pisr::bench {

/// What the machine can do at most with so many threads, on the instruction set in use.
struct MachineLimits {
  int threads = 1;
  double fma_gflops = 0;     ///< f32 multiply-adds that wait for nothing, each counted as 2
  double bandwidth_gbs = 0;  ///< 1e9 bytes a second of a = b + s c, three arrays of 64 MiB
};

/// The best of several rounds, about half a second in all: other work on the machine can only make
/// a round slower. The limits are the process's: what its threads get, not what the processor has.
MachineLimits measure_limits(ThreadPool& pool);

}  // namespace pisr::bench
