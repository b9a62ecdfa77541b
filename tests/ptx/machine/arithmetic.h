#pragma once

#include <bit>
#include <cfenv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

// Instructions of PTX that C++ has no operator or function for. The numbers of sections are those
// of the PTX ISA 9.0.

namespace pisr::ptx {

template <class To, class From>
To from_bits(From value) {
  return std::bit_cast<To>(value);
}

/// 9.7.1 mul.hi
inline std::uint32_t high_product(std::uint32_t a, std::uint32_t b) {
  return static_cast<std::uint32_t>(std::uint64_t{a} * b >> 32);
}
inline std::int32_t high_product(std::int32_t a, std::int32_t b) {
  return static_cast<std::int32_t>(std::int64_t{a} * b >> 32);
}
inline std::uint64_t high_product(std::uint64_t a, std::uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  return static_cast<std::uint64_t>(Wide{a} * b >> 64);
}
inline std::int64_t high_product(std::int64_t a, std::int64_t b) {
  __extension__ using Wide = __int128;
  return static_cast<std::int64_t>(Wide{a} * b >> 64);
}

/// 9.7.1 div, rem: by zero all bits are set, as devices do; the ISA leaves it open.
template <class T>
T quotient(T a, T b) {
  return b == 0 ? static_cast<T>(-1) : static_cast<T>(a / b);
}
template <class T>
T remainder(T a, T b) {
  return b == 0 ? static_cast<T>(-1) : static_cast<T>(a % b);
}

/// 9.7.1 dp2a.lo: the halves of `a` with the two low bytes of `b`.
inline std::uint32_t dot_product_of_two(std::uint32_t a, std::uint32_t b, std::uint32_t c) {
  return c + (a & 0xFFFF) * (b & 0xFF) + (a >> 16) * (b >> 8 & 0xFF);
}

/// 9.7.8 shl, shr: a count beyond the width shifts everything out.
template <class T>
T shifted_left(T value, std::uint32_t count) {
  using Unsigned = std::make_unsigned_t<T>;
  return count >= 8 * sizeof(T) ? T{0} : static_cast<T>(static_cast<Unsigned>(value) << count);
}
template <class T>
T shifted_right(T value, std::uint32_t count) {
  if (count >= 8 * sizeof(T)) {
    return value < 0 ? static_cast<T>(-1) : T{0};
  }
  return static_cast<T>(value >> count);
}

/// 9.7.9 prmt without a mode: byte i is byte `selector[4 i + 2 : 4 i]` of b a, or its sign.
inline std::uint32_t permuted_bytes(std::uint32_t a, std::uint32_t b, std::uint32_t selector) {
  const std::uint64_t bytes = std::uint64_t{b} << 32 | a;
  std::uint32_t result = 0;
  for (unsigned i = 0; i < 4; ++i) {
    const std::uint32_t chosen = selector >> 4 * i;
    std::uint32_t byte = bytes >> 8 * (chosen & 7) & 0xFF;
    if ((chosen & 8) != 0) {
      byte = (byte & 0x80) != 0 ? 0xFF : 0;
    }
    result |= byte << 8 * i;
  }
  return result;
}

/// add.rm, fma.rz and the like: `mode` is one of fesetround.
template <class T>
T fma_rounded(int mode, T a, T b, T c) {
  const int usual = std::fegetround();
  std::fesetround(mode);
  const volatile T x = a, y = b, z = c;  // not computed before the mode is set
  const volatile T result = std::fma(x, y, z);
  std::fesetround(usual);
  return result;
}
template <class T>
T add_rounded(int mode, T a, T b) {
  return fma_rounded(mode, T{1}, a, b);
}

inline float without_subnormal(float value) {
  return std::fpclassify(value) == FP_SUBNORMAL ? std::copysign(0.0F, value) : value;
}

/// 9.7.3 ex2.approx.ftz.f32: here correctly rounded; a device may be off by two units.
inline float power_of_two(float x) {
  return without_subnormal(std::exp2(without_subnormal(x)));
}

/// 9.7.3 rcp.approx.ftz.f64: the low 32 bits of operand and result are zero.
inline double coarse_reciprocal(double x) {
  constexpr std::uint64_t kHigh = 0xFFFFFFFF00000000ULL;
  const double result = 1 / from_bits<double>(from_bits<std::uint64_t>(x) & kHigh);
  if (std::fpclassify(result) == FP_SUBNORMAL) {
    return std::copysign(0.0, result);
  }
  return from_bits<double>(from_bits<std::uint64_t>(result) & kHigh);
}

/// 9.7.9 cvt from float to integer: clamped to its range, NaN is 0.
template <class T>
T clamped(double value) {
  if (std::isnan(value)) {
    return 0;
  }
  if (value <= static_cast<double>(std::numeric_limits<T>::min())) {
    return std::numeric_limits<T>::min();
  }
  if (value >= static_cast<double>(std::numeric_limits<T>::max())) {
    return std::numeric_limits<T>::max();
  }
  return static_cast<T>(value);
}

/// 9.7.9 cvt.sat: clamped to [0, 1], NaN is 0.
inline float saturated(float value) {
  return value > 0 ? std::fmin(value, 1.0F) : 0.0F;
}

/// 9.7.9 cvt.rna.tf32.f32: 10 bits of fraction, ties away from zero.
inline std::uint32_t rounded_to_tf32(float value) {
  const auto bits = from_bits<std::uint32_t>(value);
  constexpr std::uint32_t kExponent = 0x7F800000, kHalfUnit = 0x1000, kDropped = 0x1FFF;
  return (bits & kExponent) == kExponent ? bits : (bits + kHalfUnit) & ~kDropped;
}

/// 9.7.9 cvt.rn.f16x2.f32: the first operand in the high bits.
inline std::uint32_t packed_halves(float high, float low) {
  const auto half = [](float value) -> std::uint32_t {
    return from_bits<std::uint16_t>(static_cast<_Float16>(value));
  };
  return half(high) << 16 | half(low);
}
inline float half_value(std::uint32_t bits) {
  return static_cast<float>(from_bits<_Float16>(static_cast<std::uint16_t>(bits)));
}

/// An element of a load or store.
template <class T>
T element(const std::byte* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}
template <class T>
void set_element(std::byte* to, T value) {
  std::memcpy(to, &value, sizeof value);
}

}  // namespace pisr::ptx
