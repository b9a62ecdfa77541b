#include <optional>

#include "core/operand.h"
#include "core/ops.h"

namespace pisr {
namespace {

using kernels::BinaryOp;
using kernels::Broadcast;
using kernels::KernelTable;

// How b is broadcast over a; empty where it does not fit.
std::optional<Broadcast> broadcast_of(const Shape& a, const Shape& b) {
  if (b == a) {
    return Broadcast::same;
  }
  if (b.count() == 1) {
    return Broadcast::scalar;
  }
  if (a.rank() >= 2 && b == Shape{a[1]}) {
    return Broadcast::channel;
  }
  if (a.rank() == 4 && b == Shape{a[0], a[1], 1, 1}) {
    return Broadcast::plane;
  }
  return std::nullopt;
}

struct Sizes {
  BinaryOp op;
  Broadcast broadcast;
  std::int64_t batch = 1, channels = 1, inner = 1;
};

template <class T>
void binary_backward(Backward& backward, const Sizes& sizes, const Tensor& a, const Tensor& b) {
  const auto da = backward.slot<T>(0);
  const auto db = backward.slot<T>(1);
  const auto launch = [&](const GradientSlot<T>& first, const GradientSlot<T>& second) {
    backward.context().launch(
        &KernelTable<T>::binary_backward,
        {sizes.op, sizes.broadcast, sizes.batch, sizes.channels, sizes.inner,
         a.defined() ? a.data<T>() : nullptr, b.defined() ? b.data<T>() : nullptr, backward.dy<T>(),
         first.data, second.data, first.store, second.store});
  };
  if (da.data == db.data) {  // x * x: one after the other
    launch(da, {});
    launch({}, db);
  } else {
    launch(da, db);
  }
}

Variable binary(const char* name, BinaryOp op, const Variable& a, const Variable& b) {
  Tape& tape = check_operands(name, {{"a", a}, {"b", b}});
  const std::optional<Broadcast> broadcast = broadcast_of(a.shape(), b.shape());
  if (!broadcast) {
    refuse_operands(name,
                    "b must have the shape of a, one element, one per channel [c] or one per plane "
                    "[n,c,1,1]",
                    {{"a", a}, {"b", b}});
  }
  const std::int64_t count = a.shape().count();
  Sizes sizes{op, *broadcast};
  if (*broadcast == Broadcast::channel || *broadcast == Broadcast::plane) {
    sizes.batch = a.shape()[0];
    sizes.channels = a.shape()[1];
  }
  sizes.inner = count / (sizes.batch * sizes.channels);
  const Tensor y = tape.result(a.shape(), a.dtype());
  with_type(a.dtype(), [&]<class T>() {
    tape.context().launch(&KernelTable<T>::binary,
                          {op, sizes.broadcast, sizes.batch, sizes.channels, sizes.inner,
                           a.value().data<T>(), b.value().data<T>(), y.data<T>()});
  });
  const bool reads_operands = op == BinaryOp::multiply || op == BinaryOp::divide;
  return tape.record(name, y, {&a, &b},
                     [sizes, dtype = a.dtype(), a = reads_operands ? a.value() : Tensor(),
                      b = reads_operands ? b.value() : Tensor()](Backward& backward) {
                       with_type(dtype,
                                 [&]<class T>() { binary_backward<T>(backward, sizes, a, b); });
                     });
}

}  // namespace

Variable operator+(const Variable& a, const Variable& b) {
  return binary("add", BinaryOp::add, a, b);
}

Variable operator-(const Variable& a, const Variable& b) {
  return binary("subtract", BinaryOp::subtract, a, b);
}

Variable operator*(const Variable& a, const Variable& b) {
  return binary("multiply", BinaryOp::multiply, a, b);
}

Variable operator/(const Variable& a, const Variable& b) {
  return binary("divide", BinaryOp::divide, a, b);
}

}  // namespace pisr
