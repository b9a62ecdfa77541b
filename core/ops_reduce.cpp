#include "core/operand.h"
#include "core/ops.h"

namespace pisr {
namespace {

using kernels::KernelTable;
using kernels::PlaneStatistic;

// scale * sum of x
Variable scaled_sum(const char* name, const Variable& x, double scale) {
  Tape& tape = x.tape();
  const Tensor y = tape.result({1}, x.dtype());
  with_type(x.dtype(), [&]<class T>() {
    tape.context().launch(&KernelTable<T>::sum, {x.shape().count(), static_cast<T>(scale),
                                                 x.value().data<T>(), y.data<T>()});
  });
  return tape.record(name, y, {&x},
                     [scale, count = x.shape().count(), dtype = x.dtype()](Backward& backward) {
                       with_type(dtype, [&]<class T>() {
                         const auto dx = backward.slot<T>(0);
                         backward.context().launch(
                             &KernelTable<T>::broadcast_scalar,
                             {count, static_cast<T>(scale), backward.dy<T>(), dx.data, dx.store});
                       });
                     });
}

Variable plane_statistic(const char* name, PlaneStatistic statistic, const Variable& x) {
  Tape& tape = check_operands(name, {{"x", x}});
  check_rank(name, {"x", x}, 4);
  const std::int64_t planes = x.shape()[0] * x.shape()[1];
  const std::int64_t inner = x.shape()[2] * x.shape()[3];
  const Tensor y = tape.result({x.shape()[0], x.shape()[1], 1, 1}, x.dtype());
  with_type(x.dtype(), [&]<class T>() {
    tape.context().launch(&KernelTable<T>::plane_statistic,
                          {statistic, planes, inner, x.value().data<T>(), y.data<T>()});
  });
  return tape.record(
      name, y, {&x}, [statistic, planes, inner, x = x.value(), y](Backward& backward) {
        with_type(y.dtype(), [&]<class T>() {
          const auto dx = backward.slot<T>(0);
          backward.context().launch(&KernelTable<T>::plane_statistic_backward,
                                    {statistic, planes, inner, x.data<T>(), y.data<T>(),
                                     backward.dy<T>(), dx.data, dx.store});
        });
      });
}

}  // namespace

Variable sum(const Variable& x) {
  check_operands("sum", {{"x", x}});
  return scaled_sum("sum", x, 1);
}

Variable mean(const Variable& x) {
  check_operands("mean", {{"x", x}});
  return scaled_sum("mean", x, 1 / static_cast<double>(x.shape().count()));
}

Variable global_mean(const Variable& x) {
  return plane_statistic("global_mean", PlaneStatistic::mean, x);
}

Variable global_standard_deviation(const Variable& x) {
  return plane_statistic("global_standard_deviation", PlaneStatistic::standard_deviation, x);
}

Variable block_mean(const Variable& x, int factor) {
  constexpr const char* kOp = "block_mean";
  Tape& tape = check_operands(kOp, {{"x", x}});
  check_rank(kOp, {"x", x}, 4);
  const Shape& shape = x.shape();
  if (factor < 1) {
    throw ShapeError(message(kOp, ": factor must be at least 1, got ", factor));
  }
  if (shape[2] % factor != 0 || shape[3] % factor != 0) {
    refuse_operands(kOp, message("height and width must be multiples of ", factor), {{"x", x}});
  }
  const std::int64_t planes = shape[0] * shape[1];
  const std::int64_t height = shape[2] / factor;
  const std::int64_t width = shape[3] / factor;
  const Tensor y = tape.result({shape[0], shape[1], height, width}, x.dtype());
  with_type(x.dtype(), [&]<class T>() {
    tape.context().launch(&KernelTable<T>::block_mean,
                          {planes, height, width, factor, x.value().data<T>(), y.data<T>()});
  });
  return tape.record(kOp, y, {&x},
                     [planes, height, width, factor, dtype = x.dtype()](Backward& backward) {
                       with_type(dtype, [&]<class T>() {
                         const auto dx = backward.slot<T>(0);
                         backward.context().launch(
                             &KernelTable<T>::block_mean_backward,
                             {planes, height, width, factor, backward.dy<T>(), dx.data, dx.store});
                       });
                     },
                     {{"factor", factor}});
}

}  // namespace pisr
