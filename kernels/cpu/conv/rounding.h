#pragma once

#include <cstdint>

namespace pisr::kernels::cpu {

/// a / b rounded up; a >= 0, b > 0.
inline std::int64_t ceil_divide(std::int64_t a, std::int64_t b) {
  return (a + b - 1) / b;
}

/// The first multiple of `multiple` that is at least a.
inline std::int64_t round_up(std::int64_t a, std::int64_t multiple) {
  return ceil_divide(a, multiple) * multiple;
}

/// The size of the parts when `whole` is cut into the fewest parts of at most `most`, all but the
/// last equally large.
inline std::int64_t even_share(std::int64_t whole, std::int64_t most) {
  return ceil_divide(whole, ceil_divide(whole, most));
}

}  // namespace pisr::kernels::cpu
