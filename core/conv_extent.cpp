#include "core/conv_extent.h"

#include <limits>

#include "core/error.h"

namespace pisr {

int kernel_extent(const char* op, std::int64_t extent) {
  if (extent > std::numeric_limits<int>::max()) {
    throw ShapeError(message(op, ": an extent of ", extent, " is too large"));
  }
  return static_cast<int>(extent);
}

}  // namespace pisr
