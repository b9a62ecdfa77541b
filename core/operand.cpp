#include "core/operand.h"

namespace pisr {

void refuse_operands(const char* op, const std::string& reason,
                     std::initializer_list<Operand> operands) {
  std::ostringstream text;
  text << op << ": " << reason;
  const char* separator = " (";
  for (const Operand& operand : operands) {
    if (operand.variable.defined() || !operand.optional) {
      text << separator << operand.name << ' ' << operand.variable.value();
      separator = ", ";
    }
  }
  text << ')';
  throw ShapeError(text.str());
}

namespace {

[[noreturn]] void refuse_places(const char* op, std::initializer_list<Operand> operands,
                                const kernels::Device* wanted) {
  std::ostringstream text;
  const char* separator = " (";
  text << op << ": operands on different devices, wanted on " << place_name(wanted);
  for (const Operand& operand : operands) {
    if (operand.variable.defined()) {
      const Tensor& value = operand.variable.value();
      text << separator << operand.name << ' ' << value << ' ' << place_name(value.device());
      separator = ", ";
    }
  }
  text << ')';
  throw ShapeError(text.str());
}

}  // namespace

Tape& check_operands(const char* op, std::initializer_list<Operand> operands) {
  const Operand& first = *operands.begin();
  for (const Operand& operand : operands) {
    if (operand.optional && !operand.variable.defined()) {
      continue;
    }
    if (!operand.variable.defined()) {
      refuse_operands(op, message(operand.name, " is undefined"), operands);
    }
    Tape& tape = common_tape(op, {&first.variable, &operand.variable});
    if (operand.variable.value().device() != tape.context().device()) {
      refuse_places(op, operands, tape.context().device());
    }
    if (operand.variable.dtype() != first.variable.dtype()) {
      refuse_operands(op,
                      message(operand.name, " is ", operand.variable.dtype(), ", ", first.name,
                              " is ", first.variable.dtype()),
                      operands);
    }
  }
  return first.variable.tape();
}

void check_rank(const char* op, const Operand& operand, int rank) {
  if (operand.variable.shape().rank() != rank) {
    refuse_operands(
        op,
        message(operand.name, " must have ", rank, " axes, has ", operand.variable.shape().rank()),
        {operand});
  }
}

void check_same_shape(const char* op, std::initializer_list<Operand> operands) {
  const Operand& first = *operands.begin();
  for (const Operand& operand : operands) {
    if (!(operand.variable.shape() == first.variable.shape())) {
      refuse_operands(op, message(operand.name, " must have the shape of ", first.name), operands);
    }
  }
}

}  // namespace pisr
