#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "kernels/device.h"
#include "kernels/emulator/machine/emulator.h"
#include "kernels/precision.h"

namespace pisr::kernels::emulator {

/// A device for tests: the emulated CUDA kernels, with memory of their own. That memory is NaN at
/// first and again once released. Host code that touches it is stopped by the processor. Passing a
/// kernel a pointer to other memory is a DeviceError, and so is a copy beyond an allocation. Work
/// is done when it is queued; captured work is a list of closures.
class EmulatedDevice final : public Device, private Stream {
 public:
  explicit EmulatedDevice(std::size_t memory_bytes = std::size_t{1} << 30,
                          Precision precision = Precision::fp32);
  ~EmulatedDevice() override;
  EmulatedDevice(const EmulatedDevice&) = delete;
  EmulatedDevice& operator=(const EmulatedDevice&) = delete;

  const std::string& name() const noexcept override { return name_; }
  const KernelTable<float>& floats() const noexcept override;
  const KernelTable<double>& doubles() const noexcept override;
  /// A launch by a thread whose current device is another is a DeviceError.
  void make_current() override;
  void* stream() const noexcept override;

  void* allocate(std::size_t bytes) override;
  void release(void* memory) noexcept override;

  void upload(void* target, const void* source, std::size_t bytes) override;
  void download(void* target, const void* source, std::size_t bytes) override;
  void copy(void* target, const void* source, std::size_t bytes) override;
  void set_bytes(void* target, unsigned char value, std::size_t bytes) override;
  void synchronise() override;

  void begin_capture() override;
  bool is_capturing() const noexcept override { return capturing_; }
  std::unique_ptr<CapturedWork> end_capture() override;

  /// After `calls` more calls that can fail, every such call throws DeviceError, as on a device
  /// that was lost.
  void fail_after(long calls) { calls_left_ = calls; }
  /// Makes each replay take at least that long.
  void slow_down(std::chrono::milliseconds replay) { replay_time_ = replay; }
  /// Bytes allocated now.
  std::size_t used() const noexcept;
  /// Kernels launched so far, those of replays included.
  long launches() const noexcept { return launches_; }

 private:
  class Work;
  class Access;

  void submit(Launch launch) override;
  void check_argument(const void* bytes, std::size_t size) override;
  void run_or_record(std::function<void()> work);
  void run(const std::function<void()>& work);
  void check_call(const char* call);
  void check_not_capturing(const char* call);
  bool owns(const void* memory, std::size_t bytes) const noexcept;
  void check_range(const char* call, const void* memory, std::size_t bytes);
  void transfer(const char* call, const void* on_device, void* target, const void* source,
                std::size_t bytes);
  [[noreturn]] void fail_with(const std::string& text);
  void forget(void* memory);

  std::string name_ = "emulated CUDA device";
  std::size_t capacity_;
  Precision precision_;
  std::byte* memory_;
  std::map<std::byte*, std::size_t> allocations_;
  std::vector<void*> released_in_capture_;  ///< to be freed after the capture
  bool capturing_ = false;
  std::vector<std::function<void()>> captured_;
  std::string failure_;
  long calls_left_ = -1;
  std::chrono::milliseconds replay_time_{0};
  long launches_ = 0;
};

}  // namespace pisr::kernels::emulator
