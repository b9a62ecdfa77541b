#pragma once

#include <cstdint>
#include <string>

#include "kernels/conv_args.h"
#include "kernels/cuda/conv/destination.h"
#include "kernels/cuda/language.h"
#include "kernels/deferred_sum.h"
#include "kernels/device.h"
#include "kernels/launcher.h"
#include "kernels/precision.h"
#include "kernels/weight_cache.h"

/// The three products of a convolution, as in kernels/cpu/conv/conv_primitives.h. They relate an
/// image `large` [batch, in_channels, in_height, in_width], an image `small` [batch, out_channels,
/// out_height, out_width] and a weight [out_channels, in_channels / groups, kernel_height,
/// kernel_width]. README.md says which family of kernels computes which shape.
namespace pisr::kernels::PISR_CUDA_NAMESPACE {

/// small = conv2d(large, weight)
template <class T>
void conv_forward(Launcher& launcher, const ConvSizes& sizes, const T* large,
                  const Weight<T>& weight, const Destination<T>& small, Precision precision);

/// large = the transposed map of conv_forward. With replicate padding the destination has no bias,
/// no activation and no `before`.
template <class T>
void conv_transpose(Launcher& launcher, const ConvSizes& sizes, const T* small,
                    const Weight<T>& weight, const Destination<T>& large, Precision precision);

/// The gradient of the weight. Where `deferred` is not null, its last sum is left there
/// (deferred_sums.h).
template <class T>
void conv_weight_gradient(Launcher& launcher, const ConvSizes& sizes, const T* large,
                          const T* small, T* weight, Store store, DeferredSums<T>* deferred,
                          Precision precision);

/// conv2d_prelu_backward_weight as one kernel that computes dz once. Does nothing and returns false
/// where several blocks would have to compute the same dz.
template <class T>
bool conv_prelu_weight_gradient(Launcher& launcher, const ConvPreluBackwardArgs<T>& args,
                                Precision precision);

/// `count` as an int for the kernels. Throws SizeLimitError, naming `what`, if it is too large.
inline int count_32(std::int64_t count, const char* what) {
  constexpr std::int64_t kMost = 0x7FFFFFFF - 4096;  // tiles may reach beyond the end
  if (count > kMost) {
    throw SizeLimitError("cuda: a convolution over at most " + std::to_string(kMost) + " " + what +
                         " is possible, got " + std::to_string(count));
  }
  return static_cast<int>(count);
}

}  // namespace pisr::kernels::PISR_CUDA_NAMESPACE
