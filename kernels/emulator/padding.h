#pragma once

namespace pisr::kernels::emulator {

#if __has_builtin(__builtin_clear_padding)
constexpr bool kClearsPadding = true;
#else
constexpr bool kClearsPadding = false;
#endif

/// A copy of a value with zeros for padding, where the compiler offers that (GCC does, Clang 14
/// does not).
template <class T>
union WithoutPadding {
  explicit WithoutPadding(const T& original) : value(original) {
#if __has_builtin(__builtin_clear_padding)
    // This is a union because of GCC 12, which clears wrong bytes behind an array whose elements
    // have padding, but not in a union.
    __builtin_clear_padding(this);
#endif
  }
  T value;
};

}  // namespace pisr::kernels::emulator
