// The emulator notices kernels that break CUDA's rules, and FastDivide divides.

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "kernels/cuda/fast_divide.h"
#include "kernels/cuda/language.h"
#include "kernels/emulator/machine/emulator.h"
#include "tests/catch.h"
#include "tests/kernels/emulated.h"
#include "tests/kernels/test_launcher.h"

namespace pisr::kernels {
namespace {

constexpr unsigned kThreads = 256;

using emulated_cuda::copy_async;
using emulated_cuda::copy_wait;
using emulated_cuda::launch;
using Kernel = void (*)(const float*, float*);

unsigned mirrored() {
  return kThreads - 1 - threadIdx.x;
}

void correct(const float* x, float* y) {
  PISR_SHARED(float, shared, [kThreads]);
  copy_async(&shared[threadIdx.x], x + threadIdx.x);
  copy_wait();
  __syncthreads();
  y[threadIdx.x] = shared[mirrored()];
}

void without_barrier(const float* x, float* y) {
  PISR_SHARED(float, shared, [kThreads]);
  shared[threadIdx.x] = x[threadIdx.x];
  y[threadIdx.x] = shared[mirrored()];
}

void refilled_too_early(const float* x, float* y) {
  PISR_SHARED(float, shared, [kThreads]);
  for (unsigned k = 0; k < 4; ++k) {
    shared[threadIdx.x] = x[(threadIdx.x + k) % kThreads];
    __syncthreads();
    y[threadIdx.x] = shared[mirrored()];
  }
}

void waits_too_late(const float* x, float* y) {
  PISR_SHARED(float, shared, [kThreads]);
  copy_async(&shared[threadIdx.x], x + threadIdx.x);
  __syncthreads();
  copy_wait();
  y[threadIdx.x] = shared[mirrored()];
}

void never_waits(const float* x, float*) {
  PISR_SHARED(float, shared, [kThreads]);
  copy_async(&shared[threadIdx.x], x + threadIdx.x);
}

void different_barriers(const float*, float*) {
  if (threadIdx.x < kThreads / 2) {
    __syncthreads();
  } else {
    __syncthreads();
  }
}

void misses_lanes(const float* x, float* y) {
  if (threadIdx.x % 2 == 0) {
    y[threadIdx.x] = __shfl_down_sync(0xFFFFFFFFU, x[threadIdx.x], 1);
  }
}

void leaves_itself_out(const float* x, float* y) {
  y[threadIdx.x] = __shfl_down_sync(1U, x[threadIdx.x], 0);
}

void too_much_shared(const float*, float*) {
  PISR_SHARED(float, shared, [(48 << 8) + 1]);
  shared[threadIdx.x] = 0;
}

std::vector<float> run(Kernel kernel) {
  std::vector<float> x(kThreads), y(kThreads, std::numeric_limits<float>::quiet_NaN());
  for (unsigned i = 0; i < kThreads; ++i) {
    x[i] = static_cast<float>(i);
  }
  TestLauncher launcher;
  launch(launcher, kernel, 1, kThreads, x.data(), y.data());
  return y;
}

bool is_mirrored(const std::vector<float>& y) {
  for (unsigned i = 0; i < kThreads; ++i) {
    if (!(y[i] == static_cast<float>(kThreads - 1 - i))) {
      return false;
    }
  }
  return true;
}

std::string failure_of(Kernel kernel) {
  try {
    run(kernel);
  } catch (const emulator::Failure& failure) {
    return failure.what();
  }
  return "no failure";
}

}  // namespace

TEST_CASE("emulator: missing barriers and waits show in the values, in every order") {
  for_each_emulated_order([] {
    CHECK(is_mirrored(run(correct)));
    CHECK(!is_mirrored(run(without_barrier)));
    CHECK(!is_mirrored(run(refilled_too_early)));
    CHECK(!is_mirrored(run(waits_too_late)));
  });
}

TEST_CASE("emulator: broken rules are failures that name the place") {
  const auto begins = [](Kernel kernel, const std::string& wanted) {
    CHECK(failure_of(kernel).substr(0, wanted.size()) == wanted);
  };
  for_each_emulated_order([&] {
    begins(never_waits, "a thread ends with copies it has not waited for");
    begins(different_barriers, "threads of a block meet at different barriers at ");
    begins(misses_lanes, "a deadlock");
    begins(leaves_itself_out, "a lane is not in the mask of its own operation");
    begins(too_much_shared, "the shared arrays of a block are too large");
    CHECK(is_mirrored(run(correct)));  // a failure leaves nothing behind
  });
  CHECK(failure_of(different_barriers).find("test_emulator.cpp:") != std::string::npos);
  TestLauncher launcher;
  CHECK_THROWS_AS(launch(launcher, &correct, 1, 1025, nullptr, nullptr), emulator::Failure);
}

TEST_CASE("FastDivide is the division of integers") {
  constexpr int kMost = std::numeric_limits<int>::max();
  std::vector<int> numbers;
  for (int i = 0; i < 300; ++i) {
    numbers.push_back(i);
    numbers.push_back(kMost - i);
    numbers.push_back(kMost / (i + 1));
  }
  for (int power = 1; power < 31; ++power) {
    numbers.push_back((1 << power) - 1);
    numbers.push_back((1 << power) + 1);
  }
  std::size_t wrong = 0;
  for (const int divisor : numbers) {
    if (divisor == 0) {
      continue;
    }
    const emulated_cuda::FastDivide divide(divisor);
    for (const int n : numbers) {
      wrong += divide.quotient(n) == n / divisor ? 0 : 1;
    }
  }
  CHECK(wrong == 0);
}

}  // namespace pisr::kernels
