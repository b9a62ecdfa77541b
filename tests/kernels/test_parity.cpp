// Every kernel but the convolutions, CPU against naive: one table of cases.

#include <cmath>
#include <cstdint>
#include <sstream>
#include <string>
#include <tuple>
#include <type_traits>
#include <vector>

#include "tests/catch.h"
#include "tests/devices.h"
#include "tests/kernels/device_launcher.h"
#include "tests/kernels/emulated.h"
#include "tests/kernels/guarded_array.h"
#include "tests/kernels/instruction_sets.h"
#include "tests/kernels/parity_cases.h"
#include "tests/kernels/test_launcher.h"

namespace pisr::kernels {
namespace {

Cases all_cases() {
  Cases cases;
  add_pointwise_cases(cases);
  add_reduction_cases(cases);
  add_layout_cases(cases);
  add_training_cases(cases);
  return cases;
}

}  // namespace

TEST_CASE("CPU kernels agree with the naive ones, whatever the number of threads", "[threads]") {
  for (const KernelCase& c : all_cases()) {
    check(c, {2, 3, 8});
  }
}

TEST_CASE("CPU kernels agree with the naive ones on every instruction set") {
  const Cases cases = all_cases();
  for_each_instruction_set([&] {
    for (const KernelCase& c : cases) {
      if (c.arrays[0].count <= 400) {
        check(c, {});
      }
    }
  });
}

TEST_CASE("Eigen kernels agree with the naive ones, whatever the number of threads",
          "[eigen][threads]") {
  for (const KernelCase& c : all_cases()) {
    check_eigen(c, {2, 3, 8});
  }
}

TEST_CASE("Eigen kernels agree with the naive ones on every instruction set", "[eigen]") {
  const Cases cases = all_cases();
  for_each_instruction_set([&] {
    for (const KernelCase& c : cases) {
      if (c.arrays[0].count <= 400) {
        check_eigen(c, {});
      }
    }
  });
}

TEST_CASE("the kernels of a device agree with the naive ones, twice", "[device]") {
  for_each_device([](Device& device, CaseSize size) {
    for (const KernelCase& c : all_cases()) {
      if (!c.host_only && (size == CaseSize::all || c.arrays[0].count <= 100)) {
        check_on_device(c, device);
      }
    }
  });
}

TEST_CASE("the sum of squares of a device", "[device]") {
  for_each_device([](Device& device, CaseSize) {
    for (const std::int64_t count : kCounts) {
      CAPTURE(count);
      std::vector<float> values(static_cast<std::size_t>(count));
      double right = 0;
      for (std::size_t i = 0; i < values.size(); ++i) {
        values[i] = 0.25F * static_cast<float>(i % 31) - 3;
        right += static_cast<double>(values[i]) * values[i];
      }
      GuardedArray<float> x(values, &device);
      auto* const y = static_cast<double*>(device.allocate(sizeof(double)));
      device.set_bytes(y, 0xFF, sizeof(double));
      DeviceLauncher launcher(device);
      device.floats().sum_squares(launcher, {count, x.data(), y});
      double result = 0;
      device.download(&result, y, sizeof(double));
      device.release(y);
      CHECK(std::abs(result - right) <= 1e-13 * right);
      CHECK(launcher.guards_intact());
      CHECK(x.guards_intact());
    }
  });
}

TEST_CASE("emulated CUDA kernels agree with the naive ones, in any order") {
  for (const KernelCase& c : all_cases()) {
    // More than a part of a sum, but elementwise functions need no more than a few blocks.
    const bool elementwise = c.name.rfind("unary", 0) == 0 || c.name.rfind("adam", 0) == 0 ||
                             c.name.rfind("moving_average", 0) == 0;
    if (!elementwise || c.arrays[0].count < 10000) {
      check_emulated(c);
    }
  }
}

// So many that every warp of the block that adds them has some.
TEST_CASE("emulated CUDA kernels add the many parts of two losses") {
  constexpr std::int64_t kCount = 1'100'000;
  std::vector<float> target(kCount), location(kCount), zero(kCount);
  for (std::size_t i = 0; i < target.size(); ++i) {
    target[i] = static_cast<float>(i % 29) / 8;
    location[i] = 4 + static_cast<float>(i / 4096 % 7) / 8;
  }
  TestLauncher launcher;
  const auto l1 = [&](const std::vector<float>& from, float* mean) {
    return LossArgs<float>{LossOp::l1, kCount, target.data(), from.data(), nullptr, mean};
  };
  float wanted_first = 0, wanted_second = 0;
  cpu_kernels<float>().loss(launcher, l1(location, &wanted_first));
  cpu_kernels<float>().loss(launcher, l1(zero, &wanted_second));
  for_each_emulated_order([&] {
    float first = -1, second = -1, total = -1;
    emulated_cuda::kernel_table<float>().weighted_loss(
        launcher, {2,
                   {{l1(location, &first), 1, nullptr, nullptr, nullptr},
                    {l1(zero, &second), 2, nullptr, nullptr, nullptr}},
                   &total});
    CHECK(first == Approx(wanted_first).epsilon(1e-6));
    CHECK(second == Approx(wanted_second).epsilon(1e-6));
    CHECK(total == Approx(wanted_first + 2 * wanted_second).epsilon(1e-6));
  });
}

// What ThreadSanitizer watches, in little time.
TEST_CASE("emulated CUDA kernels have no races", "[threads]") {
  for (const KernelCase& c : all_cases()) {
    if (!c.host_only && c.arrays[0].count <= 16) {
      check_emulated(c);
    }
  }
}

}  // namespace pisr::kernels
