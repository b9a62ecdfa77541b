#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

namespace pisr::kernels::emulator {

/// The bits of `value` rounded to half precision (IEEE 754 binary16), ties to even; infinity beyond
/// the largest, 65504.
inline std::uint16_t half_bits(float value) {
  constexpr std::uint32_t kInfinity = 0x7F800000U;
  constexpr std::uint32_t kTooLarge = 0x477FF000U;     // 65520, half way to the next power of two
  constexpr std::uint32_t kLeastNormal = 0x38800000U;  // 2^-14
  std::uint32_t bits = 0;
  std::memcpy(&bits, &value, sizeof bits);
  const std::uint32_t sign = bits >> 16 & 0x8000U, magnitude = bits & 0x7FFFFFFFU;
  if (magnitude > kInfinity) {
    return static_cast<std::uint16_t>(sign | 0x7E00U);
  }
  if (magnitude >= kTooLarge) {
    return static_cast<std::uint16_t>(sign | 0x7C00U);
  }
  if (magnitude < kLeastNormal) {  // steps of 2^-24
    const float steps = std::nearbyint(std::fabs(value) * 16777216.0F);
    return static_cast<std::uint16_t>(sign | static_cast<std::uint32_t>(steps));
  }
  const std::uint32_t rounded = magnitude + 0xFFFU + (magnitude >> 13 & 1U);
  return static_cast<std::uint16_t>(sign | (rounded - 0x38000000U) >> 13);
}

inline float half_value(std::uint16_t half) {
  const std::uint32_t magnitude = half & 0x7FFFU;
  // Shifted to the place of a float's bits, those of a half mean its value times 2^-112.
  std::uint32_t bits = magnitude << 13;
  float value = 0;
  if (magnitude >= 0x7C00U) {
    bits |= 0x7F800000U;
    std::memcpy(&value, &bits, sizeof value);
  } else {
    std::memcpy(&value, &bits, sizeof value);
    value *= 0x1p112F;
  }
  return (half & 0x8000U) != 0 ? -value : value;
}

}  // namespace pisr::kernels::emulator
