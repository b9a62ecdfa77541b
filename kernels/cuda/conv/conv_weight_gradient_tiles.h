#pragma once

#include "kernels/conv_args.h"
#include "kernels/deferred_sum.h"
#include "kernels/launcher.h"
#include "kernels/precision.h"

/// The weight gradient by tiles of the small image, in fp32 and in TF32: a block loads a tile and
/// the window of the large image under it into shared memory once, and multiplies them for all
/// taps.
namespace pisr::kernels::PISR_CUDA_NAMESPACE {

/// Whether there is one group, and shared memory holds a tile.
bool tiles_take_weight_gradient(const ConvSizes& sizes, Precision precision);
/// Whether one block also has all channels of the large image, so that the gradient of a PReLU
/// behind the convolution is computed once.
bool tiles_take_prelu_weight_gradient(const ConvSizes& sizes, Precision precision);

/// conv_weight_gradient and conv_prelu_weight_gradient of conv_primitives.h.
void tiles_weight_gradient(Launcher& launcher, const ConvSizes& sizes, const float* large,
                           const float* small, float* weight, Store store,
                           DeferredSums<float>* deferred, Precision precision);
void tiles_prelu_weight_gradient(Launcher& launcher, const ConvPreluBackwardArgs<float>& args,
                                 Precision precision);

}  // namespace pisr::kernels::PISR_CUDA_NAMESPACE
