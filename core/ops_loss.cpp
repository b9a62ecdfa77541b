#include <array>
#include <cstddef>

#include "core/operand.h"
#include "core/ops.h"

namespace pisr {
namespace {

using kernels::KernelTable;
using kernels::LossOp;

template <class T>
void loss_backward(Backward& backward, LossOp op, const Tensor& target, const Tensor& location,
                   const Tensor& spread) {
  const GradientSlot<T> dtarget = backward.slot<T>(0);
  const GradientSlot<T> dlocation = backward.slot<T>(1);
  const GradientSlot<T> dspread = spread.defined() ? backward.slot<T>(2) : GradientSlot<T>{};
  const auto launch = [&](const GradientSlot<T>& first, const GradientSlot<T>& second,
                          const GradientSlot<T>& third) {
    backward.context().launch(
        &KernelTable<T>::loss_backward,
        {op, target.count(), target.data<T>(), location.data<T>(),
         spread.defined() ? spread.data<T>() : nullptr, backward.dy<T>(), first.data, second.data,
         third.data, first.store, second.store, third.store});
  };
  const auto same = [](const GradientSlot<T>& a, const GradientSlot<T>& b) {
    return a.data != nullptr && a.data == b.data;
  };
  // A value given twice has one gradient: the launches write and add to it in turn.
  if (same(dtarget, dlocation) || same(dtarget, dspread) || same(dlocation, dspread)) {
    launch(dtarget, {}, {});
    launch({}, dlocation, {});
    launch({}, {}, dspread);
  } else {
    launch(dtarget, dlocation, dspread);
  }
}

template <class T>
kernels::LossArgs<T> loss_args(const LossTerm& term, const Tensor& y) {
  return {term.op,
          term.target.shape().count(),
          term.target.value().data<T>(),
          term.location.value().data<T>(),
          term.spread.defined() ? term.spread.value().data<T>() : nullptr,
          y.data<T>()};
}

Variable loss(const LossTerm& term) {
  Tape& tape = term.target.tape();
  const Tensor y = tape.result({1}, term.target.dtype());
  with_type(y.dtype(), [&]<class T>() {
    tape.context().launch(&KernelTable<T>::loss, loss_args<T>(term, y));
  });
  return tape.record(term.name, y, {&term.target, &term.location, &term.spread},
                     [op = term.op, target = term.target.value(), location = term.location.value(),
                      spread = term.spread.value()](Backward& backward) {
                       with_type(target.dtype(), [&]<class T>() {
                         loss_backward<T>(backward, op, target, location, spread);
                       });
                     });
}

LossTerm checked_term(const char* name, LossOp op, const Variable& target, const Variable& location,
                      const Variable& spread, std::initializer_list<Operand> operands) {
  check_operands(name, operands);
  check_same_shape(name, operands);
  return {name, op, target, location, spread};
}

// The gradients that weighted_loss computes together with its losses, one for each operand that
// needs it.
class TermGradients {
 public:
  static constexpr std::size_t kMost = 4;  // inputs of an operation

  // Memory for the gradient of `operand`; undefined where it needs none.
  Tensor add(const Variable& operand) {
    if (!operand.requires_gradient()) {
      return {};
    }
    inputs_[count_] = &operand;
    return gradients_[count_++] = operand.tape().result(operand.shape(), operand.dtype());
  }
  Variable record(Tape& tape, const Tensor& total) const {
    return tape.record("weighted_loss", total, {inputs_[0], inputs_[1], inputs_[2], inputs_[3]},
                       [gradients = gradients_](Backward& backward) {
                         for (std::size_t i = 0; i < kMost && gradients[i].defined(); ++i) {
                           backward.pass(static_cast<int>(i), gradients[i]);
                         }
                       });
  }

 private:
  std::array<const Variable*, kMost> inputs_{};
  std::array<Tensor, kMost> gradients_;
  std::size_t count_ = 0;
};

WeightedLoss loss_by_loss(const LossTerm& first, const LossTerm& second, double weight) {
  const Variable one = loss(first);
  if (!second.target.defined()) {
    return {one, detach(one), {}};
  }
  const Variable two = loss(second);
  return {weight == 0 ? one : one + weight * two, detach(one), detach(two)};
}

template <class T>
WeightedLoss loss_at_once(const LossTerm& first, const LossTerm& second, double weight) {
  Tape& tape = first.target.tape();
  const Tensor total = tape.result({1}, first.target.dtype());
  kernels::WeightedLossArgs<T> args{};
  args.total = total.data<T>();
  TermGradients gradients;
  const auto add = [&](const LossTerm& term, double its_weight) -> Variable {
    if (!term.target.defined()) {
      return {};
    }
    const auto place = [&](const Variable& operand) -> T* {
      const Tensor gradient = its_weight == 0 ? Tensor() : gradients.add(operand);
      return gradient.defined() ? gradient.data<T>() : nullptr;
    };
    const Tensor y = tape.result({1}, term.target.dtype());
    args.terms[args.count++] = {loss_args<T>(term, y), static_cast<T>(its_weight),
                                place(term.target), place(term.location), place(term.spread)};
    return tape.constant(y);
  };
  const Variable one = add(first, 1), two = add(second, weight);
  tape.context().launch(&KernelTable<T>::weighted_loss, args);
  return {gradients.record(tape, total), one, two};
}

}  // namespace

LossTerm l1_term(const Variable& x, const Variable& target) {
  return checked_term("l1_loss", LossOp::l1, target, x, {}, {{"x", x}, {"target", target}});
}

LossTerm laplace_term(const Variable& target, const Variable& location, const Variable& scale) {
  return checked_term("laplace_nll", LossOp::laplace_nll, target, location, scale,
                      {{"target", target}, {"location", location}, {"scale", scale}});
}

LossTerm gaussian_term(const Variable& target, const Variable& location, const Variable& variance) {
  return checked_term("gaussian_nll", LossOp::gaussian_nll, target, location, variance,
                      {{"target", target}, {"location", location}, {"variance", variance}});
}

Variable l1_loss(const Variable& x, const Variable& target) {
  return loss(l1_term(x, target));
}

Variable laplace_nll(const Variable& target, const Variable& location, const Variable& scale) {
  return loss(laplace_term(target, location, scale));
}

Variable gaussian_nll(const Variable& target, const Variable& location, const Variable& variance) {
  return loss(gaussian_term(target, location, variance));
}

WeightedLoss weighted_loss(const LossTerm& first, const LossTerm& second, double weight) {
  Tape& tape = check_operands("weighted_loss", {{"first", first.target}});
  std::size_t gradients = 0;
  for (const LossTerm* term : {&first, &second}) {
    for (const Variable* operand : {&term->target, &term->location, &term->spread}) {
      gradients += operand->requires_gradient() ? 1 : 0;
    }
  }
  if (second.target.defined()) {
    check_operands("weighted_loss", {{"first", first.target}, {"second", second.target}});
  }
  if (tape.context().device() == nullptr || gradients > TermGradients::kMost) {
    return loss_by_loss(first, second, weight);
  }
  return with_type(first.target.dtype(),
                   [&]<class T>() { return loss_at_once<T>(first, second, weight); });
}

}  // namespace pisr
