#pragma once

#include <algorithm>
#include <cmath>

#include "kernels/args.h"
#include "kernels/eigen/matrices-inl.h"
#include "kernels/launcher.h"

namespace pisr::kernels::eigen::PISR_EIGEN_LEVEL {
namespace {

/// A run of elements on the stack, at most kBlock. There Eigen's vectors and sums start at the
/// first element, wherever the operands lie: the same numbers give the same bits.
constexpr Index kBlock = 512;
template <class T>
using Block = Eigen::Array<T, Eigen::Dynamic, 1, Eigen::ColMajor, kBlock, 1>;

template <class T>
auto elements(T* data, Index count) {
  return matrix(data, count, 1, 1).array();
}

template <class T>
void store_block(const Block<T>& block, T* target, Store store) {
  if (store == Store::add) {
    elements(target, block.size()) += block;
  } else {
    elements(target, block.size()) = block;
  }
}

/// Calls body(task, first, count) for the blocks of `count` elements, in order within a task, which
/// is `part` of them.
template <class Body>
void for_each_block(Launcher& launcher, Index count, Index part, const Body& body) {
  if (count == 0) {
    return;
  }
  launcher.parallel_for((count + part - 1) / part, [&](std::int64_t task, int) {
    const Index end = std::min(count, (task + 1) * part);
    for (Index first = task * part; first < end; first += kBlock) {
      body(task, first, std::min(kBlock, end - first));
    }
  });
}
constexpr Index kPart = 32 * kBlock;  // worth a task

/// e^x, by halves: Eigen's ends at the smallest normal number.
template <class T>
Block<T> exponential(const Block<T>& x) {
  return (x / T(2)).exp().square();
}

template <class T>
Block<T> sigmoid(const Block<T>& x) {
  const Block<T> e = exponential<T>(-x.abs());  // never overflows
  return (x < T(0)).select(e, T(1)) / (T(1) + e);
}

/// log(1 + e^x)
template <class T>
Block<T> softplus(const Block<T>& x) {
  const Block<T> tail = exponential<T>(-x.abs()).log1p();
  return (x < T(0)).select(T(0), x) + tail;
}

template <class T>
Block<T> unary_value(const UnaryArgs<T>& a, const Block<T>& x) {
  switch (a.op) {
    case UnaryOp::relu:
      return (x < T(0)).select(T(0), x);
    case UnaryOp::leaky_relu:
      return (x > T(0)).select(x, a.parameter * x);
    case UnaryOp::sigmoid:
      return sigmoid(x);
    case UnaryOp::softplus:
      return a.parameter * softplus(x) + a.offset;
    case UnaryOp::exp:
      return exponential(x);
    case UnaryOp::log:  // x.log() takes the smallest numbers for larger ones
      return x.unaryExpr([](T value) { return std::log(value); });
    case UnaryOp::abs:
      return x.abs();
    case UnaryOp::reciprocal:
      return a.parameter / x;
    case UnaryOp::clamp:
      return (x < a.parameter).select(a.parameter, (x > a.high).select(a.high, x));
  }
  return x;
}

/// dy times the derivative at `saved`, which is x, or y where derivative_reads_y().
template <class T>
Block<T> unary_gradient(const UnaryBackwardArgs<T>& a, const Block<T>& saved, const Block<T>& dy) {
  switch (a.op) {
    case UnaryOp::relu:
      return (saved <= T(0)).select(T(0), dy);
    case UnaryOp::leaky_relu:
      return (saved > T(0)).select(dy, a.parameter * dy);
    case UnaryOp::sigmoid:
      return dy * saved * (T(1) - saved);
    case UnaryOp::softplus:
      return dy * a.parameter * sigmoid(saved);
    case UnaryOp::exp:
      return dy * saved;
    case UnaryOp::log:
      return dy / saved;
    case UnaryOp::abs:
      return (saved > T(0)).select(dy, (saved < T(0)).select(-dy, T(0) * dy));
    case UnaryOp::reciprocal:
      return dy * -a.parameter / saved / saved;
    case UnaryOp::clamp:
      return (saved >= a.parameter && saved <= a.high).select(dy, T(0));
  }
  return dy;
}

template <class T>
void unary(Launcher& launcher, const UnaryArgs<T>& a) {
  for_each_block(launcher, a.count, kPart, [&](Index, Index first, Index count) {
    const Block<T> x = elements(a.x + first, count);
    store_block(unary_value(a, x), a.y + first, Store::write);
  });
}

template <class T>
void unary_backward(Launcher& launcher, const UnaryBackwardArgs<T>& a) {
  const T* const read = derivative_reads_y(a.op) ? a.y : a.x;
  for_each_block(launcher, a.count, kPart, [&](Index, Index first, Index count) {
    const Block<T> saved = elements(read + first, count);
    const Block<T> dy = elements(a.dy + first, count);
    store_block(unary_gradient(a, saved, dy), a.dx + first, a.dx_store);
  });
}

template <class T>
void prelu(Launcher& launcher, const PreluArgs<T>& a) {
  for_each_block(launcher, a.batch * a.channels * a.inner, a.inner,
                 [&](Index plane, Index first, Index count) {
                   const T slope = a.slope[a.slopes == 1 ? 0 : plane % a.channels];
                   const Block<T> x = elements(a.x + first, count);
                   elements(a.y + first, count) = (x > T(0)).select(x, slope * x);
                 });
}

/// Not Eigen's sum(), which reads the first element before it asks for the size: GCC warns of it.
template <class T>
double sum_of(const Block<T>& block) {
  double sum = 0;
  for (Index i = 0; i < block.size(); ++i) {
    sum += static_cast<double>(block[i]);
  }
  return sum;
}

template <class T>
void prelu_backward(Launcher& launcher, const PreluBackwardArgs<T>& a) {
  const Index planes = a.batch * a.channels;
  auto* const dslope = launcher.scratch_array<double>(planes);
  auto* const dbias = launcher.scratch_array<double>(planes);
  std::fill_n(dslope, planes, 0.0);
  std::fill_n(dbias, planes, 0.0);
  for_each_block(launcher, planes * a.inner, a.inner, [&](Index plane, Index first, Index count) {
    const T slope = a.slope[a.slopes == 1 ? 0 : plane % a.channels];
    const Block<T> x = elements(a.x + first, count);
    const Block<T> dy = elements(a.dy + first, count);
    const Block<T> dx = (x > T(0)).select(dy, slope * dy);
    const Block<T> terms = (x > T(0)).select(T(0), x * dy);
    dslope[plane] += sum_of(terms);
    dbias[plane] += sum_of(dx);
    if (a.dx != nullptr) {
      store_block(dx, a.dx + first, a.dx_store);
    }
  });
  if (a.dslope != nullptr) {
    store_sums(dslope, planes / a.slopes, a.slopes, a.dslope, a.dslope_store);
  }
  if (a.dbias != nullptr) {
    store_sums(dbias, a.batch, a.channels, a.dbias, a.dbias_store);
  }
}

}  // namespace
}  // namespace pisr::kernels::eigen::PISR_EIGEN_LEVEL
