#pragma once

#include <initializer_list>
#include <string>

#include "core/tape.h"

/// For the implementation of operations: checks of their operands.
namespace pisr {

/// An operand and what error texts call it. An optional one may be undefined.
struct Operand {
  const char* name;
  const Variable& variable;
  bool optional = false;
};

/// Throws ShapeError: "op: reason (x f32[2,3], weight f32[4])".
[[noreturn]] void refuse_operands(const char* op, const std::string& reason,
                                  std::initializer_list<Operand> operands);

/// The tape of all operands. Throws ShapeError where one is undefined, was made before the tape's
/// reset, is on another tape than the first, lies elsewhere than the tape's context runs or has
/// another element type.
Tape& check_operands(const char* op, std::initializer_list<Operand> operands);
void check_rank(const char* op, const Operand& operand, int rank);
/// All have the shape of the first.
void check_same_shape(const char* op, std::initializer_list<Operand> operands);

}  // namespace pisr
