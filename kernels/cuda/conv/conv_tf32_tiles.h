#pragma once

#include "kernels/conv_args.h"
#include "kernels/cuda/conv/destination.h"
#include "kernels/launcher.h"
#include "kernels/weight_cache.h"

/// Convolutions of one group in TF32 by tiles of the image: a block brings the part of the source
/// image that its 16 x 16 results look at into shared memory once, channels by channels, and
/// multiplies it with all taps there. product.h would read each pixel once for each tap.
namespace pisr::kernels::PISR_CUDA_NAMESPACE {

/// Whether there are enough channels, and shared memory for the taps.
bool tf32_tiles_take_forward(const ConvSizes& sizes);
bool tf32_tiles_take_transpose(const ConvSizes& sizes);

/// As conv_primitives.h; to_large with zero padding only.
void tf32_tiles_forward(Launcher& launcher, const ConvSizes& sizes, const float* large,
                        const Weight<float>& weight, const Destination<float>& small);
void tf32_tiles_transpose(Launcher& launcher, const ConvSizes& sizes, const float* small,
                          const Weight<float>& weight, const Destination<float>& large);

}  // namespace pisr::kernels::PISR_CUDA_NAMESPACE
