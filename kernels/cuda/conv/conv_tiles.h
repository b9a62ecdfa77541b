#pragma once

#include "kernels/conv_args.h"
#include "kernels/cuda/conv/destination.h"
#include "kernels/prepared_weight.h"
#include "kernels/queue.h"

/// Convolutions of one group in TF32 by tiles of the image: a block brings the part of the source
/// image that its 16 x 16 results look at into shared memory once, channels by channels, and
/// multiplies it with all taps there. product.h would read each pixel once for each tap.
namespace pisr::kernels::PISR_CUDA_NAMESPACE {

/// Whether there are enough channels, and shared memory for the taps.
bool tiles_take_to_small(const ConvSizes& sizes);
bool tiles_take_to_large(const ConvSizes& sizes);

/// As conv_primitives.h; to_large with zero padding only.
void tiles_to_small(Queue& queue, const ConvSizes& sizes, const float* large,
                    const Weight<float>& weight, const Destination<float>& small);
void tiles_to_large(Queue& queue, const ConvSizes& sizes, const float* small,
                    const Weight<float>& weight, const Destination<float>& large);

}  // namespace pisr::kernels::PISR_CUDA_NAMESPACE
