#pragma once

#include "kernels/conv_args.h"
#include "kernels/cpu/conv/packed_filter.h"
#include "kernels/launcher.h"

/// The three products of a convolution, from which all six convolution kernels are made.
///
/// A convolution relates an image `large` [batch, in_channels, in_height, in_width], an image
/// `small` [batch, out_channels, out_height, out_width] and a weight [out_channels,
/// in_channels / groups, kernel_height, kernel_width]; the sizes are those of conv2d. Which image
/// is the input is up to the caller: conv_transpose2d is `conv_transpose`, its data gradient
/// `conv_forward`.
namespace pisr::kernels::cpu {

/// Where the result of a product goes. There is an epilogue only with Store::write.
template <class T>
struct Destination {
  T* y;
  Store store = Store::write;
  Epilogue<T> epilogue = {};
  T* before = nullptr;  ///< what the activation is applied to; may be null
};

/// small[o, y, x] = bias[o] + sum over c, i, j of weight[o, c, i, j]
///                             large[c, stride y + i - padding, stride x + j - padding]
template <class T>
void conv_forward(Launcher& launcher, const ConvSizes& sizes, const T* large, const T* weight,
                  const Destination<T>& small);

/// The transpose of conv_forward as a linear map: each element of `small`, times the weight, is
/// added to the elements of `large` that it is computed from there. With replicate padding there
/// must be no epilogue.
template <class T>
void conv_transpose(Launcher& launcher, const ConvSizes& sizes, const T* small, const T* weight,
                    const Destination<T>& large);

/// weight[o, c, i, j] = sum over images, y, x of small[o, y, x]
///                      large[c, stride y + i - padding, stride x + j - padding]
template <class T>
void conv_weight_gradient(Launcher& launcher, const ConvSizes& sizes, const T* large,
                          const T* small, T* weight, Store store);

/// The same by the transposed transforms of winograd.h.
template <class T>
void winograd_weight_gradient(Launcher& launcher, const ConvSizes& sizes, const T* large,
                              const T* small, T* weight, Store store);

/// y[c] = sum of x[:, c, :] over images and pixels, x [batch, channels, inner]
template <class T>
void sum_channels(Launcher& launcher, std::int64_t batch, std::int64_t channels, std::int64_t inner,
                  const T* x, T* y, Store store);

}  // namespace pisr::kernels::cpu
