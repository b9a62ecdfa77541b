#include <cmath>
#include <cstdint>

#include "core/operand.h"
#include "core/ops.h"
#include "tests/catch.h"
#include "tests/gradcheck.h"

namespace pisr {
namespace {

// 1. The kernels: pointers and sizes, no Tensor.

/// y = sqrt(x^2 + epsilon^2), element by element: |x| without its kink (Charbonnier et al., 1994).
template <class T>
struct CharbonnierArgs {
  std::int64_t count;
  T epsilon;
  const T* x;
  T* y;
};

/// dx = dy x / y
template <class T>
struct CharbonnierBackwardArgs {
  std::int64_t count;
  const T* x;
  const T* y;
  const T* dy;
  T* dx;
  kernels::Store dx_store;
};

// The number of elements alone decides how they are cut into tasks, so that the result is the same
// for any number of threads.
template <class Function>
void for_each_element(kernels::Launcher& launcher, std::int64_t count, Function function) {
  constexpr std::int64_t kChunk = 16384;
  launcher.parallel_for((count + kChunk - 1) / kChunk, [&](std::int64_t task, int) {
    const std::int64_t end = std::min(count, (task + 1) * kChunk);
    for (std::int64_t i = task * kChunk; i < end; ++i) {
      function(i);
    }
  });
}

template <class T>
void charbonnier_kernel(kernels::Launcher& launcher, const CharbonnierArgs<T>& a) {
  for_each_element(launcher, a.count, [&](std::int64_t i) {
    a.y[i] = std::sqrt(a.x[i] * a.x[i] + a.epsilon * a.epsilon);
  });
}

template <class T>
void charbonnier_backward_kernel(kernels::Launcher& launcher, const CharbonnierBackwardArgs<T>& a) {
  for_each_element(launcher, a.count, [&](std::int64_t i) {
    const T gradient = a.dy[i] * a.x[i] / a.y[i];
    a.dx[i] = a.dx_store == kernels::Store::add ? a.dx[i] + gradient : gradient;
  });
}

// 2. The operation: checks, result, and how to pass a gradient on.

Variable charbonnier(const Variable& x, double epsilon) {
  Tape& tape = check_operands("charbonnier", {{"x", x}});
  if (!(epsilon > 0)) {
    throw ShapeError(message("charbonnier: epsilon must be positive, got ", epsilon));
  }
  const Tensor y = tape.result(x.shape(), x.dtype());
  with_type(x.dtype(), [&]<class T>() {
    tape.context().launch(&charbonnier_kernel<T>,
                          {y.count(), static_cast<T>(epsilon), x.value().data<T>(), y.data<T>()});
  });
  return tape.record("charbonnier", y, {&x}, [x = x.value(), y](Backward& backward) {
    with_type(y.dtype(), [&]<class T>() {
      const auto dx = backward.slot<T>(0);
      backward.context().launch(
          &charbonnier_backward_kernel<T>,
          {y.count(), x.data<T>(), y.data<T>(), backward.dy<T>(), dx.data, dx.store});
    });
  });
}

}  // namespace

// 3. The test: values, gradient, a wrong argument.

TEST_CASE("charbonnier", "[ops]") {
  Context context;
  Tape tape(context);
  const Variable x = tape.leaf(Tensor::from(std::vector<double>{-4, 0, 3}, {3}));
  CHECK(charbonnier(x, 3).value().values<double>()[0] == Approx(5));
  CHECK(charbonnier(x, 3).value().values<double>()[1] == Approx(3));
  CHECK_THROWS_WITH(charbonnier(x, 0), "charbonnier: epsilon must be positive, got 0");

  const GradientReport report = check_gradient(
      context,
      [](Tape&, const std::vector<Variable>& inputs) { return charbonnier(inputs[0], 0.5); },
      {Tensor::from(std::vector<double>{-2, -0.1, 0, 0.3, 1}, {5})});
  CAPTURE(report.where);
  CHECK(report.passed());
}

}  // namespace pisr
