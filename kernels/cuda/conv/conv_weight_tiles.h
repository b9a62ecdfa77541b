#pragma once

#include "kernels/conv_args.h"
#include "kernels/deferred_sum.h"
#include "kernels/launcher.h"
#include "kernels/precision.h"

/// The gradient of a convolution's weight by tiles of the small image: a block brings them, and
/// what they look at in the large image, into shared memory once and multiplies them there with all
/// taps, on tensor cores in TF32 or in float.
namespace pisr::kernels::PISR_CUDA_NAMESPACE {

/// Whether there is one group, and shared memory for a tile.
bool tiles_take_weight_gradient(const ConvSizes& sizes, Precision precision);
/// Whether one block has all channels of the large image, so that a PReLU's gradient behind the
/// convolution is computed once.
bool tiles_take_prelu_weight_gradient(const ConvSizes& sizes, Precision precision);

/// As conv_primitives.h.
void tiles_weight_gradient(Launcher& launcher, const ConvSizes& sizes, const float* large,
                           const float* small, float* weight, Store store,
                           DeferredSums<float>* deferred, Precision precision);
void tiles_prelu_weight_gradient(Launcher& launcher, const ConvPreluBackwardArgs<float>& args,
                                 Precision precision);

}  // namespace pisr::kernels::PISR_CUDA_NAMESPACE
