#pragma once

#include <cstdint>

#include "kernels/conv_args.h"
#include "kernels/cuda/map.h"

namespace pisr::kernels::PISR_CUDA_NAMESPACE {

/// The destination of one channel, with its bias and slope already read.
template <class T>
struct ChannelDestination {
  T* y;
  T* before;
  Store store;
  bool is_relu;
  T bias, slope;  // -0 and 1 where there is none: x + -0 and 1 x have the bits of x

  __device__ __forceinline__ T activated(T value) const {
    const T scaled = slope * value;
    const T result = value > 0 ? value : scaled;
    return is_relu && value < 0 ? T(0) : result;
  }
  /// Applies the epilogue to `sum` and stores it in element `index`, counted over all channels.
  __device__ __forceinline__ void store_sum(std::int64_t index, T sum) const {
    const T value = sum + bias;
    if (before != nullptr) {
      before[index] = value;
    }
    PISR_CUDA_NAMESPACE::store(y[index], activated(value), store);
  }
};

/// Where the result of a convolution goes, and its epilogue: bias, then activation, then the store.
template <class T>
struct Destination {
  T* y;
  Store store = Store::write;
  const T* bias = nullptr;  ///< one per channel, or null
  Activation<T> activation = {};
  T* before = nullptr;  ///< the result before the activation, where it is wanted

  __device__ __forceinline__ ChannelDestination<T> of(int channel) const {
    const bool is_prelu = activation.kind == ActivationKind::prelu;
    return {y,
            before,
            store,
            activation.kind == ActivationKind::relu,
            bias == nullptr ? T(-0.0) : bias[channel],
            is_prelu ? activation.slopes[activation.slope_count == 1 ? 0 : channel] : T(1)};
  }
  __device__ void store_sum(int channel, std::int64_t index, T sum) const {
    of(channel).store_sum(index, sum);
  }
};

}  // namespace pisr::kernels::PISR_CUDA_NAMESPACE
