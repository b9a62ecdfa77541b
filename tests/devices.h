#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <string>

#include "kernels/device.h"
#include "kernels/emulator/emulated_device.h"
#include "kernels/open_cuda.h"
#include "tests/catch.h"

namespace pisr {

/// How many cases a device is to be tested with.
enum class CaseSize {
  small,  ///< those that take little time: an emulator computes them
  all,
};

/// Calls test(device, size) for the emulated device, and for the first CUDA device where there is
/// one, opened to compute by `precision`. Environment variables: PISR_REQUIRE_DEVICE makes a
/// missing one a failure, PISR_DEVICE_CASES=small keeps to the small cases there, as under
/// compute-sanitizer, and PISR_TEST_DEVICES=cuda leaves the emulated device out.
template <class Test>
void for_each_device(Test test, kernels::Precision precision = kernels::Precision::fp32) {
  const auto has_value = [](const char* variable, const char* value) {
    const char* const set = std::getenv(variable);
    return set != nullptr && std::string(set) == value;
  };
  if (!has_value("PISR_TEST_DEVICES", "cuda")) {
    INFO("emulated device");
    kernels::emulator::EmulatedDevice device(std::size_t{1} << 30, precision);
    test(device, CaseSize::small);
  }
  std::string why_not;
  const std::unique_ptr<kernels::Device> device =
      kernels::open_cuda_device({0, precision}, why_not);
  if (device == nullptr) {
    INFO(why_not);
    CHECK(std::getenv("PISR_REQUIRE_DEVICE") == nullptr);
    return;
  }
  INFO(device->name());
  test(*device, has_value("PISR_DEVICE_CASES", "small") ? CaseSize::small : CaseSize::all);
}

}  // namespace pisr
