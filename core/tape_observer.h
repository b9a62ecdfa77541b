#pragma once

#include <span>

#include "kernels/export.h"

namespace pisr {

class Variable;

/// A number that an operation was given beside its operands: a stride, a flag as 0 or 1.
struct Attribute {
  /// Of a whole number or a flag too.
  template <class Number>
  constexpr Attribute(const char* name_of_it, Number number)
      : name(name_of_it), value(static_cast<double>(number)) {}

  const char* name;
  double value;
};

/// Is told what a tape computes: how a network is written down as a graph of operations.
class PISR_CORE_API TapeObserver {
 public:
  virtual ~TapeObserver() = default;
  /// `op` made `result` from `inputs`, which are null or undefined where the operation was called
  /// without one. Names of operations and attributes are those of the functions in core/ops.h. A
  /// reshape, or a detached value, has the memory of its input.
  virtual void observe(const char* op, std::span<const Variable* const> inputs,
                       std::span<const Attribute> attributes, const Variable& result) = 0;
};

}  // namespace pisr
