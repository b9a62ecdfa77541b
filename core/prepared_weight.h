#pragma once

#include <cstddef>
#include <optional>
#include <stdexcept>

#include "core/device_array.h"
#include "kernels/prepared_weight.h"

namespace pisr {

/// What kernels of a device make of a weight, kept as long as its owner keeps the weight unchanged.
class PreparedWeight final : public kernels::PreparedWeight {
 public:
  /// The device must outlive it. Takes no memory before a kernel asks for it.
  explicit PreparedWeight(kernels::Device& device) : device_(device) {}

  void* memory(std::size_t bytes, bool& is_new) override {
    is_new = !memory_;
    if (is_new) {
      memory_.emplace(device_, static_cast<std::int64_t>(bytes));
      bytes_ = bytes;
    }
    if (bytes != bytes_) {
      throw std::logic_error("a weight was prepared by another kernel");
    }
    return memory_->data();
  }

 private:
  kernels::Device& device_;
  std::optional<DeviceArray<std::byte>> memory_;
  std::size_t bytes_ = 0;
};

}  // namespace pisr
