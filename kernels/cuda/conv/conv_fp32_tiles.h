#pragma once

#include "kernels/conv_args.h"
#include "kernels/cuda/conv/destination.h"
#include "kernels/launcher.h"
#include "kernels/weight_cache.h"

/// Direct convolutions in fp32 by tiles of the image (tile_job.h): ordinary multiply-adds, with the
/// sums of several rows and filters in a thread's registers. One group only.
namespace pisr::kernels::PISR_CUDA_NAMESPACE {

/// Whether there is one group, the stride is at most TileJob::kMostStride and the taps fit into
/// shared memory.
bool fp32_tiles_take_forward(const ConvSizes& sizes);
bool fp32_tiles_take_transpose(const ConvSizes& sizes);

/// conv_forward and conv_transpose (zero padding only) of conv_primitives.h.
void fp32_tiles_forward(Launcher& launcher, const ConvSizes& sizes, const float* large,
                        const Weight<float>& weight, const Destination<float>& small);
void fp32_tiles_transpose(Launcher& launcher, const ConvSizes& sizes, const float* small,
                          const Weight<float>& weight, const Destination<float>& large);

}  // namespace pisr::kernels::PISR_CUDA_NAMESPACE
