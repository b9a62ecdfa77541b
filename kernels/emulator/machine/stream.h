#pragma once

#include <cstddef>
#include <functional>

namespace pisr::kernels::emulator {

/// A grid to be run, of a kernel that is named by its address.
struct Launch {
  const void* kernel;
  std::size_t dynamic_bytes;  ///< of shared memory, for a block
  std::function<void()> run;
};

/// Bytes of the shared arrays of constant size of a block, in the last grid that this thread ran.
std::size_t static_shared_bytes();

/// What Launcher::stream() points to for kernels of an emulated device. Where it is null, kernels
/// run at once and on any memory.
class Stream {
 public:
  /// Runs a grid now; during a capture, at each replay instead.
  virtual void submit(Launch launch) = 0;
  /// Throws DeviceError if the bytes of a kernel's argument, its padding zero, hold a pointer that
  /// is not into the device's memory.
  virtual void check_argument(const void* bytes, std::size_t size) = 0;

 protected:
  ~Stream() = default;
};

}  // namespace pisr::kernels::emulator
