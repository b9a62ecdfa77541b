#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

namespace pisr {

/// The number in `count` bytes, at most 8, from `at` on; the first byte is the lowest.
inline std::uint64_t little_endian(std::span<const std::byte> bytes, std::size_t at, int count) {
  std::uint64_t value = 0;
  for (int i = count - 1; i >= 0; --i) {
    value = value << 8 | std::to_integer<std::uint64_t>(bytes[at + i]);
  }
  return value;
}

/// The same, the first byte the highest.
inline std::uint64_t big_endian(std::span<const std::byte> bytes, std::size_t at, int count) {
  std::uint64_t value = 0;
  for (int i = 0; i < count; ++i) {
    value = value << 8 | std::to_integer<std::uint64_t>(bytes[at + i]);
  }
  return value;
}

/// Turns numbers of `size` bytes, 1 for none, from the byte order `from` to the machine's, or back.
inline void convert_order(std::span<std::byte> numbers, std::size_t size, std::endian from) {
  if (from != std::endian::native && size > 1) {
    for (std::size_t at = 0; at + size <= numbers.size(); at += size) {
      std::reverse(numbers.begin() + at, numbers.begin() + at + size);
    }
  }
}

}  // namespace pisr
