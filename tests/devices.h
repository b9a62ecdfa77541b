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
/// one, opened to compute by `precision`. The environment variable PISR_REQUIRE_DEVICE makes a
/// missing one a failure, and PISR_DEVICE_CASES=small keeps to the small cases there, as under
/// compute-sanitizer. PISR_EMULATED_DEVICE=off leaves out the emulated device.
template <class Test>
void for_each_device(Test test, kernels::Precision precision = kernels::Precision::fp32) {
  const char* const emulated = std::getenv("PISR_EMULATED_DEVICE");
  if (emulated == nullptr || std::string(emulated) != "off") {
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
  const char* const cases = std::getenv("PISR_DEVICE_CASES");
  test(*device,
       cases != nullptr && std::string(cases) == "small" ? CaseSize::small : CaseSize::all);
}

}  // namespace pisr
