#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace pisr {

/// Sample `index` of a plane whose samples have `bytes` bytes, the lower one first.
inline int load_sample(const std::byte* plane, std::size_t index, std::size_t bytes) {
  if (bytes == 1) {
    return std::to_integer<int>(plane[index]);
  }
  return std::to_integer<int>(plane[2 * index]) | std::to_integer<int>(plane[2 * index + 1]) << 8;
}

/// Stores a value, rounded half up and clamped to 0..largest.
inline void store_sample(std::byte* plane, std::size_t index, std::size_t bytes, double value,
                         int largest) {
  const int sample = static_cast<int>(std::clamp(value + 0.5, 0.0, largest + 0.5));
  if (bytes == 1) {
    plane[index] = static_cast<std::byte>(sample);
  } else {
    plane[2 * index] = static_cast<std::byte>(sample & 0xFF);
    plane[2 * index + 1] = static_cast<std::byte>(sample >> 8);
  }
}

}  // namespace pisr
