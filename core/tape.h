#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <utility>
#include <vector>

#include "core/context.h"
#include "core/inline_function.h"
#include "core/parameter.h"
#include "core/tape_observer.h"
#include "core/tensor.h"
#include "kernels/export.h"

namespace pisr {

class Tape;
class Backward;

/// A value in a computation: a tensor and its place on a tape. Cheap to copy; valid until the tape
/// is reset. Operations on it are in core/ops.h.
class PISR_CORE_API Variable {
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
  std::uint64_t step_ = 0;  ///< the tape's step when it was made
};

/// Where a backward function puts the gradient of one input. The first gradient of a value
/// overwrites the memory, later ones are added to it. `data` is null where no gradient is needed.
template <class T>
struct GradientSlot {
  T* data = nullptr;
  kernels::Store store = kernels::Store::write;
};

/// What a node's backward function sees.
class PISR_CORE_API Backward {
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
  /// Where to put the gradient of input `index`. A backward function must ask exactly once for each
  /// input that needs a gradient, and fill the slot; anything else is std::logic_error. Where one
  /// value was given twice, both slots are the same memory and the second adds to the first: fill
  /// them one after the other.
  template <class T>
  GradientSlot<T> slot(int index);
  /// Replaces slot() where an operation computed `gradient` together with its result of one
  /// element: passes dy * gradient on. Launches nothing where dy is 1 and the input has no other
  /// gradient.
  void pass(int index, const Tensor& gradient);
  bool wants(int index) const noexcept;
  /// Where a kernel may defer the sums that make up these inputs' gradients until the end of
  /// backward(). Null on the CPU, and where an input that needs a gradient is not a parameter,
  /// since its gradient is read before the end.
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
  Tensor dy_;           ///< undefined for the loss until it is asked for
  unsigned taken_ = 0;  ///< bit i: slot i was asked for
};

/// Reverse-mode differentiation, for one thread at a time. Nodes lie in a flat vector in the order
/// of their creation, and backward() is one loop from the last to the first. So the order of
/// summation is fixed and reruns give equal bits. The first gradient of a value is written, later
/// ones are added, and gradients that nobody needs are skipped. Results and gradients lie in the
/// context's arena until reset().
class PISR_CORE_API Tape {
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
  /// A value whose gradient gradient() returns after backward().
  Variable leaf(Tensor value);
  /// A parameter: its gradient is added to the flat gradient given to backward(). A constant where
  /// it is not trainable.
  Variable parameter(const Parameter& parameter);

  /// Gradients of `seed` * loss, loss having one element. Those of the parameters are ADDED to
  /// `flat_gradient` [total], each at its offset. It may be undefined when the loss depends on no
  /// parameter. Can be called again for other variables of the same tape. Throws ShapeError for a
  /// loss of several elements, one that no gradient can flow into, an inference tape, and a flat
  /// gradient that a parameter does not fit into.
  void backward(const Variable& loss, const Tensor& flat_gradient = {}, double seed = 1.0);
  /// Makes backward() keep the gradient of an operation's result. Otherwise its memory is reused
  /// once the gradient has been passed on. Throws ShapeError for a constant.
  void keep_gradient(const Variable& variable);
  /// The gradient that the last backward() computed for a leaf, a parameter or a result named by
  /// keep_gradient(); zeros where none arrived. A parameter's is its part of the flat gradient,
  /// including what was there before. Throws ShapeError for a constant and for other results.
  Tensor gradient(const Variable& variable);

  /// Forgets all nodes and resets the arena: the start of the next step.
  void reset();

  /// For operations: memory for a result, where the context runs. On an inference tape it is
  /// used again as soon as no handle to the result is left, so that a long network takes little.
  Tensor result(Shape shape, DType dtype) {
    return mode_ == Mode::inference ? context_.arena().counted_tensor(shape, dtype)
                                    : context_.arena().tensor(shape, dtype);
  }
  /// For operations: whether record() with these inputs will remember a backward function, and with
  /// it what that function keeps.
  bool records(std::initializer_list<const Variable*> inputs) const {
    return any_requires_gradient(inputs);
  }
  /// For operations: records that `value` was computed from `inputs` (at most 4; null or undefined
  /// for an absent one) and how to pass its gradient on. `backward` is called as
  /// backward(Backward&) and must fill each slot that needs a gradient.
  /// `attributes` are for an observer.
  template <class Function>
  Variable record(const char* op, Tensor value, std::initializer_list<const Variable*> inputs,
                  Function&& backward, std::initializer_list<Attribute> attributes = {});

  /// Tells `observer`, which must outlive this, of each operation from now on; null ends it.
  void set_observer(TapeObserver* observer) noexcept { observer_ = observer; }
  /// For an operation that is made of others: the observer is told of it as a whole.
  template <class Work>
  Variable observed_as_one(const char* op, std::initializer_list<const Variable*> inputs,
                           std::initializer_list<Attribute> attributes, Work&& work);

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
  TapeObserver* observer_ = nullptr;
};

/// The tape of all given variables. Throws ShapeError, naming `op`, for variables of several tapes,
/// an undefined one, or one from before the tape's reset.
PISR_CORE_API Tape& common_tape(const char* op, std::initializer_list<const Variable*> variables);

template <class Function>
Variable Tape::record(const char* op, Tensor value, std::initializer_list<const Variable*> inputs,
                      Function&& backward, std::initializer_list<Attribute> attributes) {
  Variable result;
  if (any_requires_gradient(inputs)) {
    add_node(op, value, inputs).backward = std::forward<Function>(backward);
    result = last_node(std::move(value));
  } else {
    result = constant(std::move(value));
  }
  if (observer_ != nullptr) {
    observer_->observe(op, inputs, attributes, result);
  }
  return result;
}

template <class Work>
Variable Tape::observed_as_one(const char* op, std::initializer_list<const Variable*> inputs,
                               std::initializer_list<Attribute> attributes, Work&& work) {
  struct Restored {
    Tape& tape;
    TapeObserver* observer;
    ~Restored() { tape.observer_ = observer; }
  };
  Variable result;
  {
    const Restored restored{*this, std::exchange(observer_, nullptr)};
    result = std::forward<Work>(work)();
  }
  if (observer_ != nullptr) {
    observer_->observe(op, inputs, attributes, result);
  }
  return result;
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
