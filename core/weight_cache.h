#pragma once

#include <cstddef>
#include <optional>
#include <stdexcept>

#include "core/device_array.h"
#include "kernels/export.h"
#include "kernels/weight_cache.h"

namespace pisr {

/// A weight as a device's kernels read it, for example rounded or reordered. It is kept as long as
/// the weight does not change.
class PISR_CORE_API WeightCache final : public kernels::WeightCache {
 public:
  /// The device must outlive it. Takes no memory before a kernel asks for it.
  explicit WeightCache(kernels::Device& device) : device_(device) {}

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
