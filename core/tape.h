#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <vector>

#include "core/context.h"
#include "core/inline_function.h"
#include "core/parameter.h"
#include "core/tensor.h"

namespace pisr {

class Tape;
class Backward;

/// A value in a computation: a tensor and its place on a tape. Cheap to copy; valid until the tape
/// is reset. Operations on it are in core/ops.h.
class Variable {
 public:
  Variable() = default;
  const Tensor& value() const noexcept { return value_; }
  const Shape& shape() const noexcept { return value_.shape(); }
  DType dtype() const noexcept { return value_.dtype(); }
  Tape& tape() const noexcept { return *tape_; }
  bool defined() const noexcept { return tape_ != nullptr; }
  /// Whether a gradient can flow into it.
  bool requires_gradient() const noexcept { return node_ >= 0; }

 private:
  friend class Tape;
  Variable(Tape* tape, Tensor value, std::int32_t node, std::uint64_t step)
      : tape_(tape), value_(std::move(value)), node_(node), step_(step) {}
  Tape* tape_ = nullptr;
  Tensor value_;
  std::int32_t node_ = -1;  ///< -1: a constant
  std::uint64_t step_ = 0;  ///< the tape's when it was made
};

/// Where a backward function puts the gradient of one input: over what is there (the first
/// gradient of this value) or added to it. `data` is null where nobody needs the gradient.
template <class T>
struct GradientSlot {
  T* data = nullptr;
  kernels::Store store = kernels::Store::write;
};

/// What a node's backward function sees.
class Backward {
 public:
  Context& context() const noexcept { return context_; }
  /// The gradient that has arrived at the node's result.
  template <class T>
  const T* dy() {
    return gradient_of_result().data<T>();
  }
  /// Memory for something of the size of dy: that of dy itself, unless somebody reads it later.
  template <class T>
  T* reuse_dy() {
    return memory_of_result().data<T>();
  }
  /// The place for the gradient of input `index`. To be asked for once, and then filled: a backward
  /// function that asks twice, or not for a wanted one, is a bug (std::logic_error). Where an
  /// operation got one value twice, both slots are the same memory, the second to be added to: fill
  /// them one after the other.
  template <class T>
  GradientSlot<T> slot(int index);
  /// In place of slot(): passes dy, of one element, times `gradient` on, which was computed with
  /// the result. Where dy is 1, and nothing else goes to that input, nothing is launched.
  void pass(int index, const Tensor& gradient);
  bool wants(int index) const noexcept;
  /// Where a kernel may leave the gradients of these inputs for a later launch: nothing reads them
  /// before the end of backward(), as all that are wanted are parameters'. Else null, and on the
  /// CPU.
  template <class T>
  kernels::DeferredSums<T>* deferred_sums(std::initializer_list<int> inputs) const {
    return are_parameters(inputs) ? context_.deferred_sums<T>() : nullptr;
  }

 private:
  friend class Tape;
  Backward(Tape& tape, Context& context, std::int32_t node, Tensor dy)
      : tape_(tape), context_(context), node_(node), dy_(std::move(dy)) {}
  std::int32_t input_node(int index) const noexcept;
  Tensor memory_of_result();
  bool are_parameters(std::initializer_list<int> inputs) const;
  const Tensor& gradient_of_result();
  void take(int index);
  Tensor take_slot(int index, kernels::Store& store);
  void check_all_taken() const;

  Tape& tape_;
  Context& context_;
  std::int32_t node_;
  Tensor dy_;           ///< of the loss undefined until it is asked for
  unsigned taken_ = 0;  ///< bit i: slot i was asked for
};

/// Reverse-mode differentiation; to be used by one thread at a time. Nodes stand in a flat vector
/// in the order of their creation, so backward is one loop from the last to the first: a fixed
/// order of summation, and reruns are bit-equal. Gradients are written by their first writer, added
/// to by later ones and skipped where nobody needs them. All results and gradients lie in the
/// context's arena until reset().
class Tape {
 public:
  enum class Mode {
    record,     ///< remember what backward() needs
    inference,  ///< only compute; every variable is a constant
  };

  /// The context must outlive the tape.
  explicit Tape(Context& context, Mode mode = Mode::record);
  Tape(const Tape&) = delete;
  Tape& operator=(const Tape&) = delete;

  Context& context() noexcept { return context_; }

  /// A value that no gradient flows into.
  Variable constant(Tensor value);
  /// A value whose gradient is wanted: gradient() gives it after backward().
  Variable leaf(Tensor value);
  /// A parameter: its gradient is added to the flat gradient given to backward(). A constant where
  /// it is not trainable.
  Variable parameter(const Parameter& parameter);

  /// Gradients of `seed` * loss, loss having one element. `flat_gradient` [total] takes those of
  /// the parameters, each at its offset, ADDED to what is there; it may be undefined when the
  /// loss depends on no parameter. Can be called again for other variables of the same tape.
  /// Throws ShapeError for a loss of several elements, one that no gradient can flow into, an
  /// inference tape, and a flat gradient that a parameter does not fit into.
  void backward(const Variable& loss, const Tensor& flat_gradient = {}, double seed = 1.0);
  /// Makes backward() keep the gradient of an operation's result, whose memory it else gives to
  /// others as soon as it was passed on. Throws ShapeError for a constant.
  void keep_gradient(const Variable& variable);
  /// The gradient, in the last backward(), of a leaf, a parameter or a result whose gradient was to
  /// be kept; zeros where none arrived. A parameter's is its part of the flat gradient, including
  /// what was there before. Throws ShapeError for a constant and for other results.
  Tensor gradient(const Variable& variable);

  /// Forgets all nodes and resets the arena: the start of the next step.
  void reset();

  /// For operations: memory for a result, where the context runs.
  Tensor result(Shape shape, DType dtype) { return context_.arena().tensor(shape, dtype); }
  /// For operations: whether record() with these inputs will remember a backward function, and with
  /// it what that function keeps.
  bool records(std::initializer_list<const Variable*> inputs) const {
    return any_requires_gradient(inputs);
  }
  /// For operations: notes that `value` was computed from `inputs` (at most 4, null or undefined
  /// for one that is not there) and how to pass a gradient on. `backward` is called as
  /// backward(Backward&) and must fill each wanted slot.
  template <class Function>
  Variable record(const char* op, Tensor value, std::initializer_list<const Variable*> inputs,
                  Function&& backward);

 private:
  friend class Backward;
  static constexpr int kMaxInputs = 4;
  struct Node {
    const char* op = nullptr;
    std::array<std::int32_t, kMaxInputs> inputs{-1, -1, -1, -1};
    int uses = 0;  ///< how often it is an input
    Shape shape;
    DType dtype = DType::f32;
    bool is_parameter = false;
    std::int64_t parameter_offset = -1;
    Tensor gradient;
    bool gradient_written = false;
    bool keeps_gradient = false;    ///< keep_gradient() was called
    bool gradient_is_kept = false;  ///< therefore, or by the operation that passed it on
    InlineFunction<void(Backward&)> backward;
  };
  bool any_requires_gradient(std::initializer_list<const Variable*> inputs) const;
  Node& add_node(const char* op, const Tensor& value,
                 std::initializer_list<const Variable*> inputs);
  Variable last_node(Tensor value);
  Tensor seed_gradient();
  Tensor gradient_slot(std::int32_t node, kernels::Store& store);
  Tensor flat_gradient_part(const Node& node) const;
  void check_usable(const char* op, const Variable& variable) const;
  Node& node_with_gradient(const char* op, const Variable& variable);

  friend Tape& common_tape(const char* op, std::initializer_list<const Variable*> variables);

  Context& context_;
  Mode mode_;
  std::uint64_t step_ = 1;  ///< raised by each reset; variables remember it
  std::vector<Node> nodes_;
  Tensor flat_gradient_;
  std::int32_t loss_ = -1;  ///< of the last backward()
  double seed_ = 1;
};

/// The tape all given variables are on; throws ShapeError, naming `op`, for variables of several
/// tapes, an undefined one, or one from before the tape's reset.
Tape& common_tape(const char* op, std::initializer_list<const Variable*> variables);

template <class Function>
Variable Tape::record(const char* op, Tensor value, std::initializer_list<const Variable*> inputs,
                      Function&& backward) {
  if (!any_requires_gradient(inputs)) {
    return constant(std::move(value));
  }
  add_node(op, value, inputs).backward = std::forward<Function>(backward);
  return last_node(std::move(value));
}

template <class T>
GradientSlot<T> Backward::slot(int index) {
  GradientSlot<T> slot;
  if (wants(index)) {
    slot.data = take_slot(index, slot.store).template data<T>();
  }
  return slot;
}

}  // namespace pisr
