#include "core/shape.h"

#include <algorithm>

#include "core/error.h"

namespace pisr {
namespace {

constexpr std::int64_t kMaxCount = std::int64_t{1} << 40;

void print_extents(std::ostream& stream, std::span<const std::int64_t> extents) {
  stream << '[';
  for (std::size_t axis = 0; axis < extents.size(); ++axis) {
    stream << (axis == 0 ? "" : ",") << extents[axis];
  }
  stream << ']';
}

[[noreturn]] void refuse(const std::string& reason, std::span<const std::int64_t> extents) {
  std::ostringstream text;
  text << "shape: " << reason << " (";
  print_extents(text, extents);
  text << ')';
  throw ShapeError(text.str());
}

}  // namespace

Shape::Shape(std::span<const std::int64_t> extents) : rank_(static_cast<int>(extents.size())) {
  if (extents.size() > kMaxRank) {
    refuse(message("must have at most ", kMaxRank, " extents, got ", extents.size()), extents);
  }
  std::int64_t total = 1;
  for (const std::int64_t extent : extents) {
    if (extent < 1) {
      refuse(message("every extent must be at least 1, got ", extent), extents);
    }
    if (extent > kMaxCount / total) {
      refuse("more than 2^40 elements", extents);
    }
    total *= extent;
  }
  std::copy(extents.begin(), extents.end(), extents_.begin());
}

std::int64_t Shape::count() const noexcept {
  std::int64_t total = 1;
  for (int axis = 0; axis < rank_; ++axis) {
    total *= (*this)[axis];
  }
  return total;
}

std::ostream& operator<<(std::ostream& stream, const Shape& shape) {
  std::array<std::int64_t, Shape::kMaxRank> extents{};
  for (int axis = 0; axis < shape.rank(); ++axis) {
    extents[static_cast<std::size_t>(axis)] = shape[axis];
  }
  print_extents(stream, std::span(extents.data(), static_cast<std::size_t>(shape.rank())));
  return stream;
}

}  // namespace pisr
