#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

#include "kernels/conv_args.h"
#include "kernels/cuda/conv/destination.h"
#include "kernels/cuda/runtime/language.h"
#include "kernels/deferred_sum.h"
#include "kernels/launcher.h"
#include "kernels/precision.h"
#include "kernels/weight_cache.h"

/// The three products of a convolution, as in kernels/cpu/conv/conv_primitives.h: a convolution
/// relates an image `large` [batch, in_channels, in_height, in_width], an image `small` [batch,
/// out_channels, out_height, out_width] and a weight [out_channels, in_channels / groups,
/// kernel_height, kernel_width]. Each is a matrix product per group, computed in tiles (product.h).
namespace pisr::kernels::PISR_CUDA_NAMESPACE {

/// small = conv2d(large, weight)
template <class T>
void conv_forward(Launcher& launcher, const ConvSizes& sizes, const T* large,
                  const Weight<T>& weight, const Destination<T>& small, Precision precision);

/// large = the transposed map of conv_forward; with replicate padding only the store may be chosen
/// in the destination.
template <class T>
void conv_transpose(Launcher& launcher, const ConvSizes& sizes, const T* small,
                    const Weight<T>& weight, const Destination<T>& large, Precision precision);

/// The gradient of the weight, complete once `later` is finished (deferred_sums.h).
template <class T>
void conv_weight_gradient(Launcher& launcher, const ConvSizes& sizes, const T* large,
                          const T* small, T* weight, Store store, DeferredSums<T>* deferred,
                          Precision precision);

/// conv2d_prelu_backward_weight where one kernel can do it, which reads and computes dz once.
/// False, and nothing is done, where several blocks would have to compute the same dz.
template <class T>
bool prelu_to_weight(Launcher& launcher, const ConvPreluBackwardArgs<T>& args, Precision precision);

/// A count that kernels keep in 32 bits. Throws std::length_error, naming it, if it is too large.
inline int count_32(std::int64_t count, const char* what) {
  constexpr std::int64_t kMost = 0x7FFFFFFF - 4096;  // tiles reach beyond the end
  if (count > kMost) {
    throw std::length_error(std::string("cuda: a convolution over more than 2^31 ") + what);
  }
  return static_cast<int>(count);
}

}  // namespace pisr::kernels::PISR_CUDA_NAMESPACE
