#pragma once

#include <utility>

#include "core/error.h"
#include "kernels/device.h"

namespace pisr {

/// Calls function(); a kernels::DeviceError becomes Error(device), a SizeLimitError Error(memory).
template <class Function>
decltype(auto) device_call(Function&& function) {
  try {
    return std::forward<Function>(function)();
  } catch (const kernels::DeviceError& error) {
    throw Error(ErrorKind::device, error.what());
  } catch (const kernels::SizeLimitError& error) {
    throw Error(ErrorKind::memory, error.what());
  }
}

}  // namespace pisr
