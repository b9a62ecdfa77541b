#pragma once

#include <cstdint>

#include "core/tensor.h"

namespace pisr {

/// A tensor that training changes. It does not hold its gradient: each tape adds that to a flat
/// gradient, at `offset`. So several tapes can use the same parameters at once.
struct Parameter {
  Tensor value;
  /// Place in the flat buffers of values, gradients and moments; -1 while it has none.
  std::int64_t offset = -1;
  /// false: operations treat it as a constant.
  bool trainable = true;
};

}  // namespace pisr
