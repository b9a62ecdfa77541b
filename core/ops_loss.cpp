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
  // One value given twice has one gradient: one after the other is then added to it.
  if (same(dtarget, dlocation) || same(dtarget, dspread) || same(dlocation, dspread)) {
    launch(dtarget, {}, {});
    launch({}, dlocation, {});
    launch({}, {}, dspread);
  } else {
    launch(dtarget, dlocation, dspread);
  }
}

// `spread` is undefined for l1. The operands are checked.
Variable loss(const char* name, LossOp op, const Variable& target, const Variable& location,
              const Variable& spread) {
  Tape& tape = target.tape();
  const Tensor y = tape.result({1}, target.dtype());
  with_type(y.dtype(), [&]<class T>() {
    tape.context().launch(
        &KernelTable<T>::loss,
        {op, target.shape().count(), target.value().data<T>(), location.value().data<T>(),
         spread.defined() ? spread.value().data<T>() : nullptr, y.data<T>()});
  });
  return tape.record(name, y, {&target, &location, &spread},
                     [op, target = target.value(), location = location.value(),
                      spread = spread.value()](Backward& backward) {
                       with_type(target.dtype(), [&]<class T>() {
                         loss_backward<T>(backward, op, target, location, spread);
                       });
                     });
}

}  // namespace

Variable l1_loss(const Variable& x, const Variable& target) {
  constexpr const char* kOp = "l1_loss";
  const std::initializer_list<Operand> operands{{"x", x}, {"target", target}};
  check_operands(kOp, operands);
  check_same_shape(kOp, operands);
  return loss(kOp, LossOp::l1, target, x, {});
}

Variable laplace_nll(const Variable& target, const Variable& location, const Variable& scale) {
  constexpr const char* kOp = "laplace_nll";
  const std::initializer_list<Operand> operands{
      {"target", target}, {"location", location}, {"scale", scale}};
  check_operands(kOp, operands);
  check_same_shape(kOp, operands);
  return loss(kOp, LossOp::laplace_nll, target, location, scale);
}

Variable gaussian_nll(const Variable& target, const Variable& location, const Variable& variance) {
  constexpr const char* kOp = "gaussian_nll";
  const std::initializer_list<Operand> operands{
      {"target", target}, {"location", location}, {"variance", variance}};
  check_operands(kOp, operands);
  check_same_shape(kOp, operands);
  return loss(kOp, LossOp::gaussian_nll, target, location, variance);
}

}  // namespace pisr
