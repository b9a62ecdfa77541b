#include "core/operand.h"
#include "core/ops.h"

namespace pisr {
namespace {

using kernels::KernelTable;
using kernels::Store;
using kernels::UnaryOp;

struct UnaryParameters {
  double parameter = 0, offset = 0, high = 0;
};

Variable unary(const char* name, UnaryOp op, const Variable& x, const UnaryParameters& p = {}) {
  Tape& tape = check_operands(name, {{"x", x}});
  const Tensor y = tape.result(x.shape(), x.dtype());
  with_type(x.dtype(), [&]<class T>() {
    tape.context().launch(&KernelTable<T>::unary,
                          {op, y.count(), static_cast<T>(p.parameter), x.value().data<T>(),
                           y.data<T>(), static_cast<T>(p.offset), static_cast<T>(p.high)});
  });
  return tape.record(
      name, y, {&x},
      [op, p, saved = kernels::derivative_reads_y(op) ? y : x.value()](Backward& backward) {
        with_type(saved.dtype(), [&]<class T>() {
          const bool reads_y = kernels::derivative_reads_y(op);
          const T* read = saved.data<T>();
          const auto dx = backward.slot<T>(0);
          backward.context().launch(&KernelTable<T>::unary_backward,
                                    {op, saved.count(), static_cast<T>(p.parameter),
                                     reads_y ? nullptr : read, reads_y ? read : nullptr,
                                     backward.dy<T>(), dx.data, dx.store, static_cast<T>(p.high)});
        });
      },
      {{"parameter", p.parameter}, {"offset", p.offset}, {"high", p.high}});
}

// scale x + offset
Variable affine(const char* name, const Variable& x, double scale, double offset) {
  Tape& tape = check_operands(name, {{"x", x}});
  const Tensor y = tape.result(x.shape(), x.dtype());
  with_type(x.dtype(), [&]<class T>() {
    tape.context().launch(&KernelTable<T>::affine,
                          {y.count(), static_cast<T>(scale), static_cast<T>(offset),
                           x.value().data<T>(), y.data<T>(), Store::write});
  });
  return tape.record(name, y, {&x},
                     [scale, count = y.count(), dtype = x.dtype()](Backward& backward) {
                       with_type(dtype, [&]<class T>() {
                         const auto dx = backward.slot<T>(0);
                         backward.context().launch(&KernelTable<T>::affine,
                                                   {count, static_cast<T>(scale), T{0},
                                                    backward.dy<T>(), dx.data, dx.store});
                       });
                     },
                     {{"factor", scale}, {"offset", offset}});
}

}  // namespace

Variable relu(const Variable& x) {
  return unary("relu", UnaryOp::relu, x);
}

Variable leaky_relu(const Variable& x, double slope) {
  return unary("leaky_relu", UnaryOp::leaky_relu, x, {.parameter = slope});
}

Variable sigmoid(const Variable& x) {
  return unary("sigmoid", UnaryOp::sigmoid, x);
}

Variable softplus(const Variable& x, double factor, double offset) {
  return unary("softplus", UnaryOp::softplus, x, {.parameter = factor, .offset = offset});
}

Variable exp(const Variable& x) {
  return unary("exp", UnaryOp::exp, x);
}

Variable log(const Variable& x) {
  return unary("log", UnaryOp::log, x);
}

Variable abs(const Variable& x) {
  return unary("abs", UnaryOp::abs, x);
}

Variable clamp(const Variable& x, double low, double high) {
  constexpr const char* kOp = "clamp";
  if (!(low <= high)) {
    throw ShapeError(message(kOp, ": low must not exceed high, got ", low, " and ", high));
  }
  return unary(kOp, UnaryOp::clamp, x, {.parameter = low, .high = high});
}

Variable prelu(const Variable& x, const Variable& slope) {
  constexpr const char* kOp = "prelu";
  Tape& tape = check_operands(kOp, {{"x", x}, {"slope", slope}});
  const Shape& shape = x.shape();
  const bool has_channels = shape.rank() >= 2;
  const std::int64_t channels = has_channels ? shape[1] : 1;
  if (!(slope.shape() == Shape{1}) && !(slope.shape() == Shape{channels})) {
    refuse_operands(kOp,
                    has_channels ? message("slope must have shape [1] or [", channels, "]")
                                 : "slope must have shape [1], as x has no channels",
                    {{"x", x}, {"slope", slope}});
  }
  const std::int64_t batch = has_channels ? shape[0] : 1;
  const std::int64_t inner = shape.count() / (batch * channels);
  const std::int64_t slopes = slope.shape()[0];
  const Tensor y = tape.result(shape, x.dtype());
  with_type(x.dtype(), [&]<class T>() {
    tape.context().launch(&KernelTable<T>::prelu,
                          {batch, channels, inner, slopes, x.value().data<T>(),
                           slope.value().data<T>(), y.data<T>()});
  });
  return tape.record(
      kOp, y, {&x, &slope},
      [batch, channels, inner, slopes, x = x.value(), slope = slope.value()](Backward& backward) {
        with_type(x.dtype(), [&]<class T>() {
          const auto dx = backward.slot<T>(0);
          const auto dslope = backward.slot<T>(1);
          const auto launch = [&](const GradientSlot<T>& x_slot,
                                  const GradientSlot<T>& slope_slot) {
            backward.context().launch(
                &KernelTable<T>::prelu_backward,
                {batch, channels, inner, slopes, x.data<T>(), slope.data<T>(), backward.dy<T>(),
                 x_slot.data, slope_slot.data, x_slot.store, slope_slot.store});
          };
          if (dx.data != nullptr && dx.data == dslope.data) {  // prelu(x, x): one after the other
            launch(dx, {});
            launch({}, dslope);
          } else {
            launch(dx, dslope);
          }
        });
      });
}

Variable operator+(const Variable& a, double b) {
  return affine("add", a, 1, b);
}

Variable operator+(double a, const Variable& b) {
  return affine("add", b, 1, a);
}

Variable operator-(const Variable& a, double b) {
  return affine("subtract", a, 1, -b);
}

Variable operator-(double a, const Variable& b) {
  return affine("subtract", b, -1, a);
}

Variable operator-(const Variable& a) {
  return affine("negate", a, -1, 0);
}

Variable operator*(const Variable& a, double b) {
  return affine("multiply", a, b, 0);
}

Variable operator*(double a, const Variable& b) {
  return affine("multiply", b, a, 0);
}

Variable operator/(const Variable& a, double b) {
  return affine("divide", a, 1 / b, 0);
}

Variable operator/(double a, const Variable& b) {
  return unary("divide", UnaryOp::reciprocal, b, {.parameter = a});
}

}  // namespace pisr
