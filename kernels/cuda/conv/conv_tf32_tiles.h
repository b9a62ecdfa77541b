#pragma once

#include "kernels/conv_args.h"
#include "kernels/cuda/conv/destination.h"
#include "kernels/launcher.h"
#include "kernels/weight_cache.h"

/// Direct convolutions in TF32 by tiles of the image (tile_job.h): a block has 16 x 16 results and
/// loads the window of the source under them once. An implicit GEMM would load each pixel once per
/// tap. One group, and at least eight channels on both sides, or in the source of a transposed one.
namespace pisr::kernels::PISR_CUDA_NAMESPACE {

/// Whether there is one group, enough channels, and shared memory for the taps.
bool tf32_tiles_take_forward(const ConvSizes& sizes);
bool tf32_tiles_take_transpose(const ConvSizes& sizes);

/// conv_forward and conv_transpose (zero padding only) of conv_primitives.h.
void tf32_tiles_forward(Launcher& launcher, const ConvSizes& sizes, const float* large,
                        const Weight<float>& weight, const Destination<float>& small);
void tf32_tiles_transpose(Launcher& launcher, const ConvSizes& sizes, const float* small,
                          const Weight<float>& weight, const Destination<float>& large);

}  // namespace pisr::kernels::PISR_CUDA_NAMESPACE
