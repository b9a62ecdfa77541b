#pragma once

#include <cstddef>
#include <functional>

namespace pisr::kernels::emulator {

/// What Launcher::stream() points to for kernels of an emulated device. Where it is null, kernels
/// run at once and on any memory.
class Stream {
 public:
  /// Runs `work`, a grid, now; during a capture, at each replay instead.
  virtual void submit(std::function<void()> work) = 0;
  /// Throws DeviceError if the bytes of a kernel's argument, its padding zero, hold a pointer that
  /// is not into the device's memory.
  virtual void check_argument(const void* bytes, std::size_t size) = 0;

 protected:
  ~Stream() = default;
};

}  // namespace pisr::kernels::emulator
