#pragma once

#include <cstddef>
#include <functional>

namespace pisr::kernels::emulator {

/// What Launcher::stream() points to where kernels are launched into an emulated device; where it
/// is null they run at once, on any memory.
class Stream {
 public:
  /// `work` runs a grid, now or, where work is captured, each time that is replayed.
  virtual void submit(std::function<void()> work) = 0;
  /// Refuses the bytes of an argument of a kernel, padding zero, where they hold a pointer that is
  /// not into the device's memory.
  virtual void check_argument(const void* bytes, std::size_t size) = 0;

 protected:
  ~Stream() = default;
};

}  // namespace pisr::kernels::emulator
