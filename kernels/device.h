#pragma once

#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>

#include "kernels/export.h"
#include "kernels/table.h"

namespace pisr::kernels {

/// A device refused or failed. The message names the call and quotes the driver.
class PISR_CORE_API DeviceError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Work too large for the numbers or the memory of a device; the device itself stays usable.
class PISR_CORE_API SizeLimitError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Recorded work of a device, which can be repeated without the host.
class PISR_CORE_API CapturedWork {
 public:
  virtual ~CapturedWork() = default;
  /// Queues all of it, behind all that was queued before.
  virtual void replay() = 0;
};

/// A device with kernels, memory of its own and one stream, in which everything below happens in
/// the order of the calls. Unless they say otherwise, calls return when the work is queued. They
/// throw DeviceError where the device fails; after one failure, every later call fails. To be used
/// by one thread at a time.
class PISR_CORE_API Device {
 public:
  virtual ~Device() = default;

  /// A name to show, such as "NVIDIA H200".
  virtual const std::string& name() const noexcept = 0;
  virtual const KernelTable<float>& floats() const noexcept = 0;
  virtual const KernelTable<double>& doubles() const noexcept = 0;
  template <class T>
  const KernelTable<T>& kernels() const noexcept {
    if constexpr (std::is_same_v<T, float>) {
      return floats();
    } else {
      return doubles();
    }
  }
  /// Makes this the device that the calling thread launches kernels on. To be called before
  /// launches, as Context does; all other calls do it by themselves.
  virtual void make_current() {}
  /// For Launcher::stream().
  virtual void* stream() const noexcept = 0;
  /// For Launcher::library().
  virtual void* library() const noexcept { return nullptr; }

  /// Uninitialised device memory, aligned to 256 bytes; null where there is not enough. Not while
  /// work is captured.
  virtual void* allocate(std::size_t bytes) = 0;
  /// Waits for the work that may use the memory, then frees it; during a capture, at its end.
  virtual void release(void* memory) noexcept = 0;

  /// Host to device. `source` may be changed when it returns. Not while work is captured.
  virtual void upload(void* target, const void* source, std::size_t bytes) = 0;
  /// Device to host, after all work queued so far. Not while work is captured.
  virtual void download(void* target, const void* source, std::size_t bytes) = 0;
  /// Within the device; the two must not overlap.
  virtual void copy(void* target, const void* source, std::size_t bytes) = 0;
  virtual void set_bytes(void* target, unsigned char value, std::size_t bytes) = 0;
  void set_zero(void* target, std::size_t bytes) { set_bytes(target, 0, bytes); }
  /// Waits until all work is done. Not while work is captured.
  virtual void synchronise() = 0;

  /// Until end_capture(), work is recorded and not done. The memory it uses, scratch memory
  /// included, must stay valid until the last replay; Context::capture sees to that.
  virtual void begin_capture() = 0;
  virtual bool is_capturing() const noexcept = 0;
  virtual std::unique_ptr<CapturedWork> end_capture() = 0;
};

}  // namespace pisr::kernels
