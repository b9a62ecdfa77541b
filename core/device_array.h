#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>

#include "core/device_call.h"

namespace pisr {

/// `count` values of a plain type in the memory of a device, uninitialised at first. Throws
/// Error(device) when the device fails.
template <class T>
class DeviceArray {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  /// The device must outlive the array. Throws Error(memory).
  DeviceArray(kernels::Device& device, std::int64_t count)
      : device_(&device),
        data_(static_cast<T*>(device_call([&] { return device.allocate(bytes(count)); })),
              Release{&device}) {
    if (data_ == nullptr) {
      throw Error(ErrorKind::memory,
                  message(device.name(), ": no memory for ", bytes(count), " bytes"));
    }
  }

  /// For kernels only.
  T* data() const noexcept { return data_.get(); }
  /// Copies `count` values from the host to element `first` and those after it.
  void upload(const T* source, std::int64_t count, std::int64_t first = 0) {
    device_call([&] { device_->upload(data() + first, source, bytes(count)); });
  }
  /// Waits for all work so far, then copies the first `count` values to the host.
  void download(T* target, std::int64_t count) const {
    device_call([&] { device_->download(target, data(), bytes(count)); });
  }

 private:
  struct Release {
    kernels::Device* device;
    void operator()(T* memory) const noexcept { device->release(memory); }
  };
  static std::size_t bytes(std::int64_t count) {
    return static_cast<std::size_t>(count) * sizeof(T);
  }

  kernels::Device* device_;
  std::unique_ptr<T, Release> data_;
};

}  // namespace pisr
