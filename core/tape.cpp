#include "core/tape.h"

#include <algorithm>
#include <cassert>
#include <stdexcept>
#include <utility>

namespace pisr {

std::int32_t Backward::input_node(int index) const noexcept {
  return tape_.nodes_[static_cast<std::size_t>(node_)].inputs[static_cast<std::size_t>(index)];
}

bool Backward::wants(int index) const noexcept {
  return input_node(index) >= 0;
}

bool Backward::are_parameters(std::initializer_list<int> inputs) const {
  return std::all_of(inputs.begin(), inputs.end(), [this](int index) {
    return !wants(index) || tape_.nodes_[static_cast<std::size_t>(input_node(index))].is_parameter;
  });
}

const Tensor& Backward::gradient_of_result() {
  if (!dy_.defined()) {
    dy_ = tape_.seed_gradient();
  }
  return dy_;
}

Tensor Backward::memory_of_result() {
  const Tensor& dy = gradient_of_result();
  return tape_.nodes_[static_cast<std::size_t>(node_)].gradient_is_kept
             ? context_.arena().tensor(dy.shape(), dy.dtype())
             : dy;
}

void Backward::pass(int index, const Tensor& gradient) {
  Tape::Node& input = tape_.nodes_[static_cast<std::size_t>(input_node(index))];
  if (!dy_.defined() && tape_.seed_ == 1 && input.uses == 1 && !input.is_parameter) {
    take(index);
    input.gradient = gradient;
    input.gradient_written = true;
    input.gradient_is_kept = true;
    return;
  }
  with_type(gradient.dtype(), [&]<class T>() {
    const auto dx = slot<T>(index);
    context_.launch<T>(&kernels::KernelTable<T>::binary_backward,
                       {.op = kernels::BinaryOp::multiply,
                        .broadcast = kernels::Broadcast::scalar,
                        .batch = 1,
                        .channels = 1,
                        .inner = gradient.count(),
                        .a = nullptr,
                        .b = dy<T>(),
                        .dy = gradient.data<T>(),
                        .da = dx.data,
                        .db = nullptr,
                        .da_store = dx.store,
                        .db_store = kernels::Store::write});
  });
}

Tensor Backward::take_slot(int index, kernels::Store& store) {
  take(index);
  return tape_.gradient_slot(input_node(index), store);
}

void Backward::take(int index) {
  if ((taken_ >> index & 1U) != 0) {
    throw std::logic_error(message(tape_.nodes_[static_cast<std::size_t>(node_)].op,
                                   ": backward asked twice for the gradient of input ", index));
  }
  taken_ |= 1U << index;
}

void Backward::check_all_taken() const {
  for (int index = 0; index < Tape::kMaxInputs; ++index) {
    if (wants(index) && (taken_ >> index & 1U) == 0) {
      throw std::logic_error(message(tape_.nodes_[static_cast<std::size_t>(node_)].op,
                                     ": backward did not ask for the gradient of input ", index));
    }
  }
}

Tape::Tape(Context& context, Mode mode) : context_(context), mode_(mode) {}

Variable Tape::constant(Tensor value) {
  if (!value.defined()) {
    throw ShapeError("tape: a variable needs a tensor with a value, got an undefined one");
  }
  return Variable(this, std::move(value), -1, step_);
}

Variable Tape::leaf(Tensor value) {
  if (mode_ == Mode::inference || !value.defined()) {
    return constant(std::move(value));
  }
  add_node("leaf", value, {});
  return last_node(std::move(value));
}

Variable Tape::parameter(const Parameter& parameter) {
  if (mode_ == Mode::inference || !parameter.trainable || !parameter.value.defined()) {
    return constant(parameter.value);
  }
  Node& node = add_node("parameter", parameter.value, {});
  node.is_parameter = true;
  node.parameter_offset = parameter.offset;
  return last_node(parameter.value);
}

void Tape::backward(const Variable& loss, const Tensor& flat_gradient, double seed) {
  if (mode_ == Mode::inference) {
    throw ShapeError("backward: the tape is for inference and has recorded nothing");
  }
  check_usable("backward", loss);
  if (loss.value().count() != 1) {
    throw ShapeError(message("backward: the loss must have one element, got ", loss.value()));
  }
  if (!loss.requires_gradient()) {
    throw ShapeError("backward: the loss depends on no leaf and no trainable parameter");
  }
  flat_gradient_ = flat_gradient;
  for (Node& node : nodes_) {
    node.gradient = Tensor();
    node.gradient_written = false;
    node.gradient_is_kept = node.keeps_gradient;
    // Checked before anything is added, so that an error leaves no partial gradient.
    if (node.is_parameter && flat_gradient.defined()) {
      flat_gradient_part(node);
    }
  }
  loss_ = loss.node_;
  seed_ = seed;
  Node& first = nodes_[static_cast<std::size_t>(loss_)];
  first.gradient_written = true;
  if (!first.backward) {
    seed_gradient();
  }
  context_.collect_sums([&] {
    for (std::int32_t index = loss.node_; index >= 0; --index) {
      Node& node = nodes_[static_cast<std::size_t>(index)];
      if (node.gradient_written && node.backward) {
        Backward backward(*this, context_, index, node.gradient);
        node.backward(backward);
        backward.check_all_taken();
        if (node.gradient.defined() && !node.gradient_is_kept) {
          context_.arena().recycle(std::exchange(node.gradient, Tensor()));
        }
      }
    }
  });
}

Tape::Node& Tape::node_with_gradient(const char* op, const Variable& variable) {
  check_usable(op, variable);
  if (!variable.requires_gradient()) {
    throw ShapeError(message(op, ": no gradient flows into a constant (", variable.value(),
                             "); make it a leaf"));
  }
  return nodes_[static_cast<std::size_t>(variable.node_)];
}

void Tape::keep_gradient(const Variable& variable) {
  node_with_gradient("keep_gradient", variable).keeps_gradient = true;
}

Tensor Tape::gradient(const Variable& variable) {
  Node& node = node_with_gradient("gradient", variable);
  if (node.backward && !node.keeps_gradient) {
    throw ShapeError(message("gradient: the gradient of a result of ", node.op, " (",
                             variable.value(), ") was not kept; keep_gradient() keeps it"));
  }
  if (node.is_parameter) {
    return flat_gradient_part(node);
  }
  if (!node.gradient_written) {
    node.gradient = result(node.shape, node.dtype);
    node.gradient.set_zero();
  }
  return node.gradient.defined() ? node.gradient : seed_gradient();
}

void Tape::reset() {
  nodes_.clear();
  flat_gradient_ = Tensor();
  ++step_;
  context_.arena().reset();
}

bool Tape::any_requires_gradient(std::initializer_list<const Variable*> inputs) const {
  return std::any_of(inputs.begin(), inputs.end(), [](const Variable* input) {
    return input != nullptr && input->requires_gradient();
  });
}

Tape::Node& Tape::add_node(const char* op, const Tensor& value,
                           std::initializer_list<const Variable*> inputs) {
  assert(inputs.size() <= kMaxInputs);
  Node& node = nodes_.emplace_back();
  node.op = op;
  node.shape = value.shape();
  node.dtype = value.dtype();
  std::size_t index = 0;
  for (const Variable* input : inputs) {
    node.inputs[index] = input == nullptr ? -1 : input->node_;
    if (node.inputs[index] >= 0) {
      ++nodes_[static_cast<std::size_t>(node.inputs[index])].uses;
    }
    ++index;
  }
  return node;
}

Variable Tape::last_node(Tensor value) {
  return Variable(this, std::move(value), static_cast<std::int32_t>(nodes_.size()) - 1, step_);
}

// The derivative of the loss by itself, `seed`, made when it is asked for: some losses do not need
// it.
Tensor Tape::seed_gradient() {
  Node& node = nodes_[static_cast<std::size_t>(loss_)];
  if (!node.is_parameter) {
    node.gradient = result(node.shape, node.dtype);
    node.gradient.set_zero();
  }
  Tensor gradient = node.is_parameter ? flat_gradient_part(node) : node.gradient;
  with_type(node.dtype, [&]<class T>() {
    T* const to = gradient.data<T>();
    context_.launch(&kernels::KernelTable<T>::affine,
                    {1, T{1}, static_cast<T>(seed_), to, to, kernels::Store::write});
  });
  return gradient;
}

Tensor Tape::gradient_slot(std::int32_t index, kernels::Store& store) {
  Node& node = nodes_[static_cast<std::size_t>(index)];
  if (node.is_parameter) {
    node.gradient_written = true;
    store = kernels::Store::add;
    return flat_gradient_part(node);
  }
  store = node.gradient_written ? kernels::Store::add : kernels::Store::write;
  if (!node.gradient_written) {
    node.gradient = result(node.shape, node.dtype);
    node.gradient_written = true;
  }
  return node.gradient;
}

Tensor Tape::flat_gradient_part(const Node& node) const {
  if (node.parameter_offset < 0) {
    throw ShapeError(message("backward: a parameter ", node.dtype, node.shape,
                             " has no place in the flat gradient (offset -1)"));
  }
  if (!flat_gradient_.defined()) {
    throw ShapeError("backward: the loss depends on parameters, but no flat gradient was given");
  }
  if (flat_gradient_.shape().rank() != 1 || flat_gradient_.dtype() != node.dtype ||
      node.shape.count() > flat_gradient_.count() ||
      node.parameter_offset > flat_gradient_.count() - node.shape.count()) {
    throw ShapeError(message("backward: parameter ", node.dtype, node.shape, " at offset ",
                             node.parameter_offset, " does not fit into the flat gradient ",
                             flat_gradient_));
  }
  if (flat_gradient_.device() != context_.device()) {
    throw ShapeError(message("backward: the flat gradient ", flat_gradient_, " is on ",
                             place_name(flat_gradient_.device()), ", the tape runs on ",
                             place_name(context_.device())));
  }
  return flat_gradient_.slice_flat(node.parameter_offset, node.shape);
}

void Tape::check_usable(const char* op, const Variable& variable) const {
  if (!variable.defined()) {
    throw ShapeError(message(op, ": an operand is undefined"));
  }
  if (variable.tape_ != this) {
    throw ShapeError(message(op, ": operands are on different tapes"));
  }
  if (variable.step_ != step_) {
    throw ShapeError(
        message(op, ": operand ", variable.value(), " is from before the reset of its tape"));
  }
}

Tape& common_tape(const char* op, std::initializer_list<const Variable*> variables) {
  Tape* tape = nullptr;
  for (const Variable* variable : variables) {
    if (!variable->defined()) {
      throw ShapeError(message(op, ": an operand is undefined"));
    }
    tape = tape == nullptr ? &variable->tape() : tape;
    tape->check_usable(op, *variable);
  }
  return *tape;
}

}  // namespace pisr
