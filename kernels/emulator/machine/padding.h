#pragma once

namespace pisr::kernels::emulator {

#if __has_builtin(__builtin_clear_padding)
constexpr bool kClearsPadding = true;
#else
constexpr bool kClearsPadding = false;
#endif

/// A copy of a value whose padding is zero, where the compiler can clear it (GCC can, Clang 14
/// cannot).
template <class T>
union WithoutPadding {
  explicit WithoutPadding(const T& original) : value(original) {
#if __has_builtin(__builtin_clear_padding)
    // A union, because GCC 12 otherwise clears wrong bytes behind an array whose elements have
    // padding.
    __builtin_clear_padding(this);
#endif
  }
  T value;
};

}  // namespace pisr::kernels::emulator
