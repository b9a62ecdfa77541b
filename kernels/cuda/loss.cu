#include <cmath>
#include <cstdint>

#include "kernels/cuda/cuda.h"
#include "kernels/cuda/map.h"
#include "kernels/cuda/sums.h"

namespace pisr::kernels::PISR_CUDA_NAMESPACE {
namespace {

template <class T>
__device__ T sign(T x) {
  return x > 0 ? T(1) : x < 0 ? T(-1) : T(0);
}

// What one element adds to the loss.
template <class T>
struct LossTerm {
  LossArgs<T> a;
  __device__ T operator()(std::int64_t, std::int64_t i) const {
    const T difference = a.target[i] - a.location[i];
    switch (a.op) {
      case LossOp::l1:
        return std::abs(difference);
      case LossOp::laplace_nll:
        return std::log(2 * a.spread[i]) + std::abs(difference) / a.spread[i];
      case LossOp::gaussian_nll:
        return std::log(a.spread[i]) / 2 + difference * difference / (2 * a.spread[i]);
    }
    return 0;
  }
};

template <class T>
struct LossGradient {
  LossBackwardArgs<T> a;

  __device__ T by_difference(T difference, T spread) const {
    switch (a.op) {
      case LossOp::l1:
        return sign(difference);
      case LossOp::laplace_nll:
        return sign(difference) / spread;
      case LossOp::gaussian_nll:
        return difference / spread;
    }
    return 0;
  }

  __device__ T by_spread(T difference, T spread) const {
    return a.op == LossOp::laplace_nll
               ? 1 / spread - std::abs(difference) / (spread * spread)
               : 1 / (2 * spread) - difference * difference / (2 * spread * spread);
  }

  __device__ void operator()(std::int64_t, std::int64_t i) const {
    const T dy = *a.dy / static_cast<T>(a.count);
    const T difference = a.target[i] - a.location[i];
    const T spread = a.spread == nullptr ? T(1) : a.spread[i];
    const T gradient = dy * by_difference(difference, spread);
    if (a.dtarget != nullptr) {
      store(a.dtarget[i], gradient, a.dtarget_store);
    }
    if (a.dlocation != nullptr) {
      store(a.dlocation[i], -gradient, a.dlocation_store);
    }
    if (a.dspread != nullptr) {
      store(a.dspread[i], dy * by_spread(difference, spread), a.dspread_store);
    }
  }
};

}  // namespace

template <class T>
void loss(Queue& queue, const LossArgs<T>& args) {
  total_sums(queue, partial_sums(queue, 1, args.count, LossTerm<T>{args}), 1,
             StoreSum<T>{args.y, 1 / static_cast<double>(args.count), Store::write});
}

template <class T>
void loss_backward(Queue& queue, const LossBackwardArgs<T>& args) {
  map(queue, args.count, LossGradient<T>{args});
}

PISR_INSTANTIATE(loss, LossArgs)
PISR_INSTANTIATE(loss_backward, LossBackwardArgs)

}  // namespace pisr::kernels::PISR_CUDA_NAMESPACE
