#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/deferred_sum.h"
#include "kernels/store.h"
#include "kernels/weight_cache.h"

namespace pisr::kernels {

enum class PaddingMode { zero, replicate };

/// Sizes of a convolution; all have been checked by the caller.
///
/// conv2d:            output size = (input + 2 padding - kernel) / stride + 1
///   x [batch, in_channels, in_height, in_width], y [batch, out_channels, out_height, out_width],
///   weight [out_channels, in_channels / groups, kernel_height, kernel_width], bias [out_channels]
/// conv_transpose2d:  output size = (input - 1) stride - 2 padding + kernel + output_padding
///   the same, but weight [in_channels, out_channels / groups, kernel_height, kernel_width] and
///   zero padding only
struct ConvSizes {
  std::int64_t batch = 1;
  int in_channels = 1, in_height = 1, in_width = 1;
  int out_channels = 1, out_height = 1, out_width = 1;
  int kernel_height = 1, kernel_width = 1;
  int stride = 1;
  int padding = 0;
  int groups = 1;
  PaddingMode padding_mode = PaddingMode::zero;
};

/// The sizes of the conv2d whose data gradient is the conv_transpose2d of `sizes`.
inline ConvSizes transposed(const ConvSizes& sizes) {
  ConvSizes result = sizes;
  result.in_channels = sizes.out_channels;
  result.in_height = sizes.out_height;
  result.in_width = sizes.out_width;
  result.out_channels = sizes.in_channels;
  result.out_height = sizes.in_height;
  result.out_width = sizes.in_width;
  result.padding_mode = PaddingMode::zero;
  return result;
}

/// Elements of the output.
inline std::size_t output_count(const ConvSizes& sizes) {
  return static_cast<std::size_t>(sizes.batch) * sizes.out_channels * sizes.out_height *
         sizes.out_width;
}

enum class ActivationKind {
  none,   ///< x
  relu,   ///< x < 0 ? 0 : x
  prelu,  ///< x > 0 ? x : slope x
};

/// A function that is applied to each element of a result.
template <class T>
struct Activation {
  ActivationKind kind = ActivationKind::none;
  const T* slopes = nullptr;  ///< of prelu: one, or one per channel
  int slope_count = 0;
};

/// before = conv(x, weight) + bias, y = activation(before)
template <class T>
struct ConvArgs {
  ConvSizes sizes;
  const T* x;
  const T* weight;
  const T* bias;  ///< may be null
  T* y;
  Activation<T> activation = {};
  T* before = nullptr;           ///< may be null; the backward pass of the activation reads it
  WeightCache* cache = nullptr;  ///< for `weight`, where that never changes
};

/// dx = gradient of the input
template <class T>
struct ConvBackwardDataArgs {
  ConvSizes sizes;
  const T* dy;
  const T* weight;
  T* dx;
  Store dx_store;
};

/// dweight and dbias = gradients of the parameters
template <class T>
struct ConvBackwardWeightArgs {
  ConvSizes sizes;
  const T* x;
  const T* dy;
  T* dweight;  ///< may be null
  T* dbias;    ///< may be null
  Store dweight_store;
  Store dbias_store;
  DeferredSums<T>* deferred = nullptr;  ///< where not null, both may be deferred
};

/// Gradients of y = prelu(before), before = conv2d(x, weight) + bias, given conv.dy, that of y:
///   dz = before > 0 ? dy : slope dy, the gradient of before, from which conv's gradients follow
///   dslope = sum of before dy where before is not positive
template <class T>
struct ConvPreluBackwardArgs {
  ConvBackwardWeightArgs<T> conv;
  std::int64_t slopes;  ///< 1, or one per channel
  const T* before;
  const T* slope;
  T* dz;          ///< may be conv.dy; null only where neither it nor conv.dweight is wanted
  bool wants_dz;  ///< false: dz is only scratch memory of the kernel
  T* dslope;      ///< may be null
  Store dslope_store;
};

/// One convolution of a chain and its epilogue.
template <class T>
struct ChainStage {
  ConvSizes sizes;
  bool transposed;  ///< conv_transpose2d instead of conv2d
  const T* weight;
  const T* bias;  ///< may be null
  Activation<T> activation;
  WeightCache* cache = nullptr;  ///< as in ConvArgs
};

/// y = the stages, at least one, applied to x one after the other. The input of each has the size
/// of the output of the one before. The numbers are those of one kernel for each stage, but a back
/// end may keep what lies between two stages in its cache, a part of the image at a time.
template <class T>
struct ConvChainArgs {
  const ChainStage<T>* stages;
  int count;
  const T* x;
  T* y;
  /// For the weights, biases and slopes of all stages, where those never change.
  WeightCache* cache = nullptr;
  /// The rows of y that are wanted, [first_row, past_row); others may hold anything. Both 0: all.
  std::int64_t first_row = 0, past_row = 0;
};

}  // namespace pisr::kernels
