// A kernel with one fault, or none, for ThreadSanitizer to find.
// usage: racy_kernels KERNEL   Exits with 0, or as ThreadSanitizer does after a report.

#include <cstdio>
#include <cstring>
#include <vector>

#include "kernels/cuda/tensor_core.h"
#include "tests/kernels/test_launcher.h"

namespace pisr::kernels {
namespace {

using namespace emulated_cuda;

constexpr unsigned kThreads = 64;

unsigned mirrored() {
  return kThreads - 1 - threadIdx.x;
}

void no_fault(const float* x, float* y) {
  PISR_SHARED(float, shared, [kThreads]);
  PISR_SHARED(unsigned, matrices, [kThreads][4]);
  for (unsigned k = 0; k < 3; ++k) {
    copy_async(&shared[threadIdx.x], x + threadIdx.x);
    for (unsigned& word : matrices[threadIdx.x]) {
      word = k;
    }
    copy_wait();
    __syncthreads();
    unsigned rows[4];
    load_matrices(rows, matrices[mirrored()]);
    float sum[4] = {};
    multiply_fp16(sum, rows, {rows[0], rows[1]});
    const float next = __shfl_down_sync(kAllLanes, shared[mirrored()], 1);
    y[blockIdx.x * kThreads + threadIdx.x] = next + sum[0];
    __syncthreads();
  }
}

void without_barrier(const float* x, float* y) {
  PISR_SHARED(float, shared, [kThreads]);
  shared[threadIdx.x] = x[threadIdx.x];
  y[blockIdx.x * kThreads + threadIdx.x] = shared[mirrored()];
}

void refilled_too_early(const float* x, float* y) {
  PISR_SHARED(float, shared, [kThreads]);
  for (unsigned k = 0; k < 3; ++k) {
    shared[threadIdx.x] = x[threadIdx.x];
    __syncthreads();
    y[blockIdx.x * kThreads + threadIdx.x] = shared[mirrored()];
  }
}

void waits_too_late(const float* x, float* y) {
  PISR_SHARED(float, shared, [kThreads]);
  copy_async(&shared[threadIdx.x], x + threadIdx.x);
  __syncthreads();
  y[blockIdx.x * kThreads + threadIdx.x] = shared[mirrored()];
  copy_wait();
}

// An exchange between the lanes of a warp orders no memory.
void ordered_by_a_shuffle(const float* x, float* y) {
  PISR_SHARED(float, shared, [kThreads]);
  shared[threadIdx.x] = x[threadIdx.x];
  const float own = __shfl_down_sync(kAllLanes, x[threadIdx.x], 0);
  y[blockIdx.x * kThreads + threadIdx.x] = shared[threadIdx.x ^ 1U] + own;
}

void matrices_too_early(const float*, float* y) {
  PISR_SHARED(unsigned, matrices, [kThreads][4]);
  for (unsigned& word : matrices[threadIdx.x]) {
    word = 0;
  }
  unsigned rows[4];
  load_matrices(rows, matrices[threadIdx.x]);
  y[blockIdx.x * kThreads + threadIdx.x] = static_cast<float>(rows[0]);
}

void blocks_share_a_sum(const float* x, float* y) {
  if (threadIdx.x == 0) {
    y[0] += x[blockIdx.x];
  }
}

void threads_share_an_element(const float* x, float* y) {
  y[blockIdx.x * kThreads + threadIdx.x / 2] = x[threadIdx.x];
}

struct Named {
  const char* name;
  void (*kernel)(const float*, float*);
};
constexpr Named kKernels[] = {
    {"no_fault", no_fault},
    {"without_barrier", without_barrier},
    {"refilled_too_early", refilled_too_early},
    {"waits_too_late", waits_too_late},
    {"ordered_by_a_shuffle", ordered_by_a_shuffle},
    {"matrices_too_early", matrices_too_early},
    {"blocks_share_a_sum", blocks_share_a_sum},
    {"threads_share_an_element", threads_share_an_element},
};

}  // namespace
}  // namespace pisr::kernels

int main(int argc, char** argv) {
  using namespace pisr::kernels;
  for (const Named& named : kKernels) {
    if (argc == 2 && std::strcmp(argv[1], named.name) == 0) {
      const std::vector<float> x(kThreads);
      std::vector<float> y(2 * kThreads);
      TestLauncher launcher;
      emulated_cuda::launch(launcher, named.kernel, 2, kThreads, x.data(), y.data());
      return 0;
    }
  }
  std::fprintf(stderr, "racy_kernels: wants the name of a kernel\n");
  return 2;
}
