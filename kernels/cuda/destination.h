#pragma once

#include <cstdint>

#include "kernels/conv_args.h"
#include "kernels/cuda/map.h"

namespace pisr::kernels::PISR_CUDA_NAMESPACE {

template <class T>
__device__ T activate(const Activation<T>& activation, int channel, T x) {
  switch (activation.kind) {
    case ActivationKind::none:
      break;
    case ActivationKind::relu:
      return x < 0 ? T(0) : x;
    case ActivationKind::prelu:
      return x > 0 ? x : activation.slopes[activation.slope_count == 1 ? 0 : channel] * x;
  }
  return x;
}

/// Where the result of a convolution goes, and what is done to it on the way.
template <class T>
struct Destination {
  T* y;
  Store how = Store::write;
  const T* bias = nullptr;  ///< one per channel, or null
  Activation<T> activation = {};
  T* before = nullptr;  ///< the result before the activation, where it is wanted

  __device__ void store_sum(int channel, std::int64_t index, T sum) const {
    const T value = bias == nullptr ? sum : sum + bias[channel];
    if (before != nullptr) {
      before[index] = value;
    }
    store(y[index], activate(activation, channel, value), how);
  }
};

}  // namespace pisr::kernels::PISR_CUDA_NAMESPACE
