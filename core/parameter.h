#pragma once

#include <cstdint>

#include "core/tensor.h"

namespace pisr {

/// A number block that training changes. Where its gradient goes is the tape's business: parameter
/// `offset` of a flat gradient, so that several tapes can hold gradients of the same parameters.
struct Parameter {
  Tensor value;
  /// Place in the flat buffers of values, gradients and moments; -1 while it has none.
  std::int64_t offset = -1;
  /// false: operations treat it as a constant.
  bool trainable = true;
};

}  // namespace pisr
