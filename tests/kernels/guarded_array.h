#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "kernels/device.h"

namespace pisr::kernels {

/// An operand of a kernel under test: values between guards that show a write outside, in memory of
/// the host or of a device, no better aligned than their type needs.
template <class T>
class GuardedArray {
 public:
  template <class Value>
  explicit GuardedArray(const std::vector<Value>& values, Device* device = nullptr)
      : count_(values.size()),
        image_((count_ + 1) * sizeof(T) + 2 * kGuard, kByte),
        device_(device) {
    std::transform(values.begin(), values.end(), host_data(),
                   [](Value value) { return static_cast<T>(value); });
    if (device_ != nullptr) {
      memory_ = static_cast<unsigned char*>(device_->allocate(image_.size()));
      device_->upload(memory_, image_.data(), image_.size());
    }
  }
  GuardedArray(std::size_t count, T start, Device* device = nullptr)
      : GuardedArray(std::vector<T>(count, start), device) {}
  ~GuardedArray() {
    if (memory_ != nullptr) {
      device_->release(memory_);
    }
  }
  GuardedArray(GuardedArray&& other) noexcept
      : count_(other.count_),
        image_(std::move(other.image_)),
        device_(other.device_),
        memory_(std::exchange(other.memory_, nullptr)) {}
  GuardedArray& operator=(GuardedArray&&) = delete;

  /// Where the kernel finds them.
  T* data() {
    return device_ == nullptr ? host_data() : reinterpret_cast<T*>(memory_ + kGuard) + 1;
  }
  /// What the kernel left there.
  std::vector<T> values() {
    fetch();
    return {host_data(), host_data() + count_};
  }
  bool guards_intact() {
    fetch();
    const auto is_guard = [](unsigned char byte) { return byte == kByte; };
    const auto* const values = reinterpret_cast<const unsigned char*>(host_data());
    return std::all_of<const unsigned char*>(image_.data(), values, is_guard) &&
           std::all_of<const unsigned char*>(values + count_ * sizeof(T),
                                             image_.data() + image_.size(), is_guard);
  }

 private:
  static constexpr std::size_t kGuard = 1024;
  static constexpr unsigned char kByte = 0xA5;

  T* host_data() { return reinterpret_cast<T*>(image_.data() + kGuard) + 1; }
  void fetch() {
    if (device_ != nullptr) {
      device_->download(image_.data(), memory_, image_.size());
    }
  }

  std::size_t count_;
  std::vector<unsigned char> image_;
  Device* device_;
  unsigned char* memory_ = nullptr;  ///< of the device
};

}  // namespace pisr::kernels
