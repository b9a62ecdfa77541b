#include <cmath>
#include <cstdint>

#include "kernels/cuda/kernels.h"
#include "kernels/cuda/map.h"

namespace pisr::kernels::PISR_CUDA_NAMESPACE {
namespace {

template <class T>
__device__ T sigmoid(T x) {
  const T e = std::exp(-std::abs(x));
  return x < 0 ? e / (1 + e) : 1 / (1 + e);
}

template <class T>
struct Unary {
  UnaryArgs<T> a;
  __device__ T value(T x) const {
    switch (a.op) {
      case UnaryOp::relu:
        return x < 0 ? T(0) : x;
      case UnaryOp::leaky_relu:
        return x > 0 ? x : a.parameter * x;
      case UnaryOp::sigmoid:
        return sigmoid(x);
      case UnaryOp::softplus:
        return a.parameter * ((x < 0 ? T(0) : x) + std::log1p(std::exp(-std::abs(x)))) + a.offset;
      case UnaryOp::exp:
        return std::exp(x);
      case UnaryOp::log:
        return std::log(x);
      case UnaryOp::abs:
        return std::abs(x);
      case UnaryOp::reciprocal:
        return a.parameter / x;
      case UnaryOp::clamp:
        return x < a.parameter ? a.parameter : x > a.high ? a.high : x;
    }
    return x;
  }
  __device__ void operator()(std::int64_t, std::int64_t i) const { a.y[i] = value(a.x[i]); }
};

template <class T>
struct UnaryBackward {
  UnaryBackwardArgs<T> a;
  __device__ T derivative(T saved) const {
    switch (a.op) {
      case UnaryOp::relu:
        return saved <= 0 ? T(0) : T(1);
      case UnaryOp::leaky_relu:
        return saved > 0 ? T(1) : a.parameter;
      case UnaryOp::sigmoid:
        return saved * (1 - saved);
      case UnaryOp::softplus:
        return a.parameter * sigmoid(saved);
      case UnaryOp::exp:
        return saved;
      case UnaryOp::log:
        return 1 / saved;
      case UnaryOp::abs:
        return saved > 0 ? T(1) : saved < 0 ? T(-1) : T(0);
      case UnaryOp::reciprocal:
        return -a.parameter / saved / saved;
      case UnaryOp::clamp:
        return saved >= a.parameter && saved <= a.high ? T(1) : T(0);
    }
    return 0;
  }
  __device__ void operator()(std::int64_t, std::int64_t i) const {
    const T* const saved = derivative_reads_y(a.op) ? a.y : a.x;
    store(a.dx[i], a.dy[i] * derivative(saved[i]), a.dx_store);
  }
};

template <class T>
struct Affine {
  AffineArgs<T> a;
  __device__ void operator()(std::int64_t, std::int64_t i) const {
    store(a.y[i], a.scale * a.x[i] + a.offset, a.y_store);
  }
};

template <class T>
struct BroadcastScalar {
  BroadcastScalarArgs<T> a;
  __device__ void operator()(std::int64_t, std::int64_t i) const {
    store(a.dx[i], a.scale * *a.dy, a.dx_store);
  }
};

}  // namespace

template <class T>
void unary(Launcher& launcher, const UnaryArgs<T>& args) {
  map(launcher, args.count, Unary<T>{args});
}

template <class T>
void unary_backward(Launcher& launcher, const UnaryBackwardArgs<T>& args) {
  map(launcher, args.count, UnaryBackward<T>{args});
}

template <class T>
void affine(Launcher& launcher, const AffineArgs<T>& args) {
  map(launcher, args.count, Affine<T>{args});
}

template <class T>
void broadcast_scalar(Launcher& launcher, const BroadcastScalarArgs<T>& args) {
  map(launcher, args.count, BroadcastScalar<T>{args});
}

PISR_INSTANTIATE(unary, UnaryArgs)
PISR_INSTANTIATE(unary_backward, UnaryBackwardArgs)
PISR_INSTANTIATE(affine, AffineArgs)
PISR_INSTANTIATE(broadcast_scalar, BroadcastScalarArgs)

}  // namespace pisr::kernels::PISR_CUDA_NAMESPACE
