#pragma once

#include <cstddef>

namespace pisr {

/// The samples of an image.
enum class SampleType {
  u8,   ///< 0..255
  u16,  ///< 0..65535, in the byte order of the machine
  f32   ///< 0..1 by custom, and beyond
};
/// Bytes of a sample.
constexpr std::size_t size_of(SampleType type) noexcept {
  return type == SampleType::u8 ? 1 : type == SampleType::u16 ? 2 : 4;
}

}  // namespace pisr
