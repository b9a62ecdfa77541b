#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "kernels/instantiate.h"
#include "kernels/naive/naive.h"
#include "kernels/naive/store.h"

namespace pisr::kernels::naive {
namespace {

double sigmoid(double x) {
  const double e = std::exp(-std::abs(x));
  return x < 0 ? e / (1 + e) : 1 / (1 + e);
}

template <class T>
double unary_value(const UnaryArgs<T>& a, double x) {
  const double parameter = a.parameter;
  switch (a.op) {
    case UnaryOp::relu:
      return x < 0 ? 0 : x;
    case UnaryOp::leaky_relu:
      return x > 0 ? x : parameter * x;
    case UnaryOp::sigmoid:
      return sigmoid(x);
    case UnaryOp::softplus:
      return parameter * ((x < 0 ? 0 : x) + std::log1p(std::exp(-std::abs(x)))) + a.offset;
    case UnaryOp::exp:
      return std::exp(x);
    case UnaryOp::log:
      return std::log(x);
    case UnaryOp::abs:
      return std::abs(x);
    case UnaryOp::reciprocal:
      return parameter / x;
    case UnaryOp::clamp:
      return x < parameter ? parameter : x > a.high ? static_cast<double>(a.high) : x;
  }
  return std::numeric_limits<double>::quiet_NaN();
}

template <class T>
double unary_derivative(const UnaryBackwardArgs<T>& a, std::int64_t i) {
  const double saved = derivative_reads_y(a.op) ? a.y[i] : a.x[i];
  switch (a.op) {
    case UnaryOp::relu:
      return saved <= 0 ? 0 : 1;
    case UnaryOp::leaky_relu:
      return saved > 0 ? 1 : a.parameter;
    case UnaryOp::sigmoid:
      return saved * (1.0 - saved);
    case UnaryOp::softplus:
      return a.parameter * sigmoid(saved);
    case UnaryOp::exp:
      return saved;
    case UnaryOp::log:
      return 1.0 / saved;
    case UnaryOp::abs:
      return saved > 0 ? 1 : saved < 0 ? -1 : 0;
    case UnaryOp::reciprocal:
      return -static_cast<double>(a.parameter) / saved / saved;
    case UnaryOp::clamp:
      return saved >= a.parameter && saved <= a.high ? 1 : 0;
  }
  return std::numeric_limits<double>::quiet_NaN();
}

double binary_value(BinaryOp op, double a, double b) {
  switch (op) {
    case BinaryOp::add:
      return a + b;
    case BinaryOp::subtract:
      return a - b;
    case BinaryOp::multiply:
      return a * b;
    case BinaryOp::divide:
      return a / b;
  }
  return std::numeric_limits<double>::quiet_NaN();
}

// The operands are read through functions because add and subtract may come without them.
template <class A, class B>
double gradient_of_first(BinaryOp op, A, B b, double dy) {
  switch (op) {
    case BinaryOp::add:
    case BinaryOp::subtract:
      return dy;
    case BinaryOp::multiply:
      return dy * b();
    case BinaryOp::divide:
      return dy / b();
  }
  return std::numeric_limits<double>::quiet_NaN();
}

template <class A, class B>
double gradient_of_second(BinaryOp op, A a, B b, double dy) {
  switch (op) {
    case BinaryOp::add:
      return dy;
    case BinaryOp::subtract:
      return -dy;
    case BinaryOp::multiply:
      return dy * a();
    case BinaryOp::divide:
      return -dy * a() / b() / b();
  }
  return std::numeric_limits<double>::quiet_NaN();
}

// Which element of the second operand meets element i of the first.
template <class Args>
std::int64_t broadcast_index(const Args& a, std::int64_t i) {
  switch (a.broadcast) {
    case Broadcast::same:
      return i;
    case Broadcast::channel:
      return i / a.inner % a.channels;
    case Broadcast::plane:
      return i / a.inner;
    case Broadcast::scalar:
      return 0;
  }
  return 0;
}

template <class Args>
std::int64_t broadcast_count(const Args& a) {
  switch (a.broadcast) {
    case Broadcast::same:
      return a.batch * a.channels * a.inner;
    case Broadcast::channel:
      return a.channels;
    case Broadcast::plane:
      return a.batch * a.channels;
    case Broadcast::scalar:
      return 1;
  }
  return 0;
}

}  // namespace

template <class T>
void unary(Launcher&, const UnaryArgs<T>& a) {
  for (std::int64_t i = 0; i < a.count; ++i) {
    store(a.y[i], unary_value(a, a.x[i]), Store::write);
  }
}

template <class T>
void unary_backward(Launcher&, const UnaryBackwardArgs<T>& a) {
  for (std::int64_t i = 0; i < a.count; ++i) {
    store(a.dx[i], a.dy[i] * unary_derivative(a, i), a.dx_store);
  }
}

template <class T>
void affine(Launcher&, const AffineArgs<T>& a) {
  for (std::int64_t i = 0; i < a.count; ++i) {
    store(a.y[i], static_cast<double>(a.scale) * a.x[i] + a.offset, a.y_store);
  }
}

template <class T>
void binary(Launcher&, const BinaryArgs<T>& a) {
  for (std::int64_t i = 0; i < a.batch * a.channels * a.inner; ++i) {
    store(a.y[i], binary_value(a.op, a.a[i], a.b[broadcast_index(a, i)]), Store::write);
  }
}

template <class T>
void binary_backward(Launcher&, const BinaryBackwardArgs<T>& a) {
  std::vector<double> db(a.db == nullptr ? 0 : broadcast_count(a));
  for (std::int64_t i = 0; i < a.batch * a.channels * a.inner; ++i) {
    const std::int64_t j = broadcast_index(a, i);
    const auto first = [&] { return static_cast<double>(a.a[i]); };
    const auto second = [&] { return static_cast<double>(a.b[j]); };
    if (a.da != nullptr) {
      store(a.da[i], gradient_of_first(a.op, first, second, a.dy[i]), a.da_store);
    }
    if (a.db != nullptr) {
      db[j] += gradient_of_second(a.op, first, second, a.dy[i]);
    }
  }
  store_all(a.db, db, a.db_store);
}

template <class T>
void prelu(Launcher&, const PreluArgs<T>& a) {
  for (std::int64_t i = 0; i < a.batch * a.channels * a.inner; ++i) {
    const double slope = a.slope[a.slopes == 1 ? 0 : i / a.inner % a.channels];
    store(a.y[i], a.x[i] > 0 ? a.x[i] : slope * a.x[i], Store::write);
  }
}

template <class T>
void prelu_backward(Launcher&, const PreluBackwardArgs<T>& a) {
  std::vector<double> dslope(a.slopes), dbias(a.channels);
  for (std::int64_t i = 0; i < a.batch * a.channels * a.inner; ++i) {
    const std::int64_t channel = i / a.inner % a.channels;
    const std::int64_t j = a.slopes == 1 ? 0 : channel;
    const double dy = a.dy[i];  // before dx, which may be the same memory
    const double dx = a.x[i] > 0 ? dy : static_cast<double>(a.slope[j]) * dy;
    if (a.dx != nullptr) {
      store(a.dx[i], dx, a.dx_store);
    }
    dbias[channel] += static_cast<T>(dx);
    dslope[j] += a.x[i] > 0 ? 0 : static_cast<double>(a.x[i]) * dy;
  }
  store_all(a.dslope, dslope, a.dslope_store);
  store_all(a.dbias, dbias, a.dbias_store);
}

PISR_INSTANTIATE(unary, UnaryArgs)
PISR_INSTANTIATE(unary_backward, UnaryBackwardArgs)
PISR_INSTANTIATE(affine, AffineArgs)
PISR_INSTANTIATE(binary, BinaryArgs)
PISR_INSTANTIATE(binary_backward, BinaryBackwardArgs)
PISR_INSTANTIATE(prelu, PreluArgs)
PISR_INSTANTIATE(prelu_backward, PreluBackwardArgs)

}  // namespace pisr::kernels::naive
