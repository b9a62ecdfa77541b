#pragma once

#include <initializer_list>
#include <string>

#include "core/tape.h"

/// For implementing operations: checks of their operands.
namespace pisr {

/// An operand and its name in error texts. An optional one may be undefined.
struct Operand {
  const char* name;
  const Variable& variable;
  bool optional = false;
};

/// Throws ShapeError: "op: reason (x f32[2,3], weight f32[4])".
[[noreturn]] void refuse_operands(const char* op, const std::string& reason,
                                  std::initializer_list<Operand> operands);

/// The tape of all operands. Throws ShapeError where an operand is undefined, older than the tape's
/// last reset, on another tape or device, or of another element type.
Tape& check_operands(const char* op, std::initializer_list<Operand> operands);
void check_rank(const char* op, const Operand& operand, int rank);
/// Throws ShapeError unless all have the shape of the first.
void check_same_shape(const char* op, std::initializer_list<Operand> operands);

}  // namespace pisr
