// Infinities, NaN and the ends of the range: a network that diverges has to be seen to.

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "kernels/table.h"
#include "tests/catch.h"
#include "tests/kernels/emulated.h"
#include "tests/kernels/instruction_sets.h"
#include "tests/kernels/test_launcher.h"

namespace pisr::kernels {
namespace {

template <class T>
std::vector<T> special_values() {
  using Limits = std::numeric_limits<T>;
  return {Limits::quiet_NaN(),
          Limits::infinity(),
          -Limits::infinity(),
          T(0),
          -T(0),
          Limits::max(),
          -Limits::max(),
          Limits::min(),
          -Limits::min(),
          Limits::denorm_min(),
          T(1),
          T(-1),
          T(0.5),
          T(700),
          T(-700),
          T(88.5),
          T(-90),
          T(20)};
}

template <class T>
void check_same_kind(const std::vector<T>& x, const std::vector<T>& got,
                     const std::vector<T>& wanted) {
  for (std::size_t i = 0; i < x.size(); ++i) {
    INFO("of " << x[i] << ": " << got[i] << ", wanted " << wanted[i]);
    if (std::isnan(wanted[i])) {
      CHECK(std::isnan(got[i]));
    } else if (std::isinf(wanted[i])) {
      CHECK(got[i] == wanted[i]);
    } else {
      const T rounding = std::numeric_limits<T>::epsilon();
      CHECK(std::abs(got[i] - wanted[i]) <=
            8 * rounding * std::abs(wanted[i]) + 2 * std::numeric_limits<T>::denorm_min());
    }
  }
}

template <class T>
void check_unary(UnaryOp op) {
  const std::vector<T> x = special_values<T>();
  const auto count = static_cast<std::int64_t>(x.size());
  const std::vector<T> ones(x.size(), T(1));
  const bool reads_y = derivative_reads_y(op);
  const auto run = [&](const KernelTable<T>& table, const std::vector<T>& y_for_backward) {
    TestLauncher launcher;
    std::vector<std::vector<T>> results(2, std::vector<T>(x.size()));
    table.unary(launcher, {op, count, T(0.5), x.data(), results[0].data(), T(0), T(1)});
    table.unary_backward(launcher, {op, count, T(0.5), x.data(), y_for_backward.data(), ones.data(),
                                    results[1].data(), Store::write, T(1)});
    return results;
  };
  const auto y = run(naive_kernels<T>(), ones)[0];
  const auto wanted = run(naive_kernels<T>(), reads_y ? y : ones);
  for (const auto* table :
       {&cpu_kernels<T>(), &eigen_kernels<T>(), &emulated_cuda::kernel_table<T>()}) {
    const auto got = run(*table, reads_y ? y : ones);
    check_same_kind(x, got[0], wanted[0]);
    check_same_kind(x, got[1], wanted[1]);
  }
}

template <class T>
void check_losses_and_sums() {
  for (const T bad : {std::numeric_limits<T>::quiet_NaN(), std::numeric_limits<T>::infinity()}) {
    std::vector<T> x(100, T(1)), spread(100, T(1));
    x[57] = bad;
    TestLauncher launcher;
    T y = 0;
    for (const LossOp op : {LossOp::l1, LossOp::laplace_nll, LossOp::gaussian_nll}) {
      const T* last = op == LossOp::l1 ? nullptr : spread.data();
      cpu_kernels<T>().loss(launcher, {op, 100, x.data(), spread.data(), last, &y});
      CHECK(!std::isfinite(y));
    }
    cpu_kernels<T>().sum(launcher, {100, 1, x.data(), &y});
    CHECK(!std::isfinite(y));
    double squares = 0;
    cpu_kernels<T>().sum_squares(launcher, {100, x.data(), &squares});
    CHECK(!std::isfinite(squares));
    cpu_kernels<T>().plane_statistic(launcher,
                                     {PlaneStatistic::standard_deviation, 1, 100, x.data(), &y});
    CHECK(!std::isfinite(y));
  }
}

}  // namespace

TEST_CASE("CPU kernels treat infinities and NaN as the naive ones do") {
  for_each_instruction_set([] {
    for (const UnaryOp op :
         {UnaryOp::relu, UnaryOp::leaky_relu, UnaryOp::sigmoid, UnaryOp::softplus, UnaryOp::exp,
          UnaryOp::log, UnaryOp::abs, UnaryOp::reciprocal, UnaryOp::clamp}) {
      INFO("op " << static_cast<int>(op));
      check_unary<float>(op);
      check_unary<double>(op);
    }
    check_losses_and_sums<float>();
    check_losses_and_sums<double>();
  });
}

TEST_CASE("the deviation of equal elements is exactly 0, and so is its gradient") {
  for_each_instruction_set([] {
    const std::vector<double> x(1001, 0.1), dy = {1};
    const std::vector<float> x_float(1001, 0.1F);
    TestLauncher launcher;
    double y = -1;
    float y_float = -1;
    cpu_kernels<double>().plane_statistic(
        launcher, {PlaneStatistic::standard_deviation, 1, 1001, x.data(), &y});
    cpu_kernels<float>().plane_statistic(
        launcher, {PlaneStatistic::standard_deviation, 1, 1001, x_float.data(), &y_float});
    CHECK(y == 0);
    CHECK(y_float == 0);
    std::vector<double> dx(1001, -1);
    cpu_kernels<double>().plane_statistic_backward(
        launcher, {PlaneStatistic::standard_deviation, 1, 1001, x.data(), &y, dy.data(), dx.data(),
                   Store::write});
    CHECK(dx == std::vector<double>(1001, 0));
  });
}

}  // namespace pisr::kernels
