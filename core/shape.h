#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <ostream>
#include <span>

#include "kernels/export.h"

namespace pisr {

/// Up to four extents, outermost first; images are [n, c, h, w]. Rank 0 is a scalar.
class PISR_CORE_API Shape {
 public:
  static constexpr int kMaxRank = 4;

  Shape() = default;
  /// Throws ShapeError for more than four extents, one below 1, or more than 2^40 elements.
  Shape(std::initializer_list<std::int64_t> extents)
      : Shape(std::span(extents.begin(), extents.size())) {}
  explicit Shape(std::span<const std::int64_t> extents);

  int rank() const noexcept { return rank_; }
  std::int64_t operator[](int axis) const noexcept {
    return extents_[static_cast<std::size_t>(axis)];
  }
  /// Number of elements; 1 for a scalar.
  std::int64_t count() const noexcept;

  friend bool operator==(const Shape&, const Shape&) = default;

 private:
  std::array<std::int64_t, kMaxRank> extents_{};
  int rank_ = 0;
};

/// As in error texts: [16,12,32,32]
PISR_CORE_API std::ostream& operator<<(std::ostream& stream, const Shape& shape);

}  // namespace pisr
