#pragma once

#include <memory>

#include "kernels/device.h"
#include "kernels/emulator/emulated_device.h"
#include "tests/catch.h"

namespace pisr::kernels {

/// How many cases a device is to be tested with.
enum class CaseSize {
  small,  ///< those that take little time: an emulator computes them
  all,
};

/// Calls test(device, size) for the emulated device.
template <class Test>
void for_each_device(Test test) {
  INFO("emulated device");
  emulator::EmulatedDevice device;
  test(device, CaseSize::small);
}

}  // namespace pisr::kernels
