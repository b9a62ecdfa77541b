#pragma once

#include "kernels/conv_args.h"
#include "kernels/cuda/conv/destination.h"
#include "kernels/launcher.h"

/// Convolutions of few channels to many in TF32, by tiles of the image: conv_tf32_tiles.h
/// multiplies eight channels at once and would leave most of a tensor core idle.
namespace pisr::kernels::PISR_CUDA_NAMESPACE {

/// Whether there is one group, fewer than eight channels to at least eight, and shared memory for
/// the weights of a patch.
bool tf32_patch_tiles_take_forward(const ConvSizes& sizes);

/// conv_forward of conv_primitives.h.
void tf32_patch_tiles_forward(Launcher& launcher, const ConvSizes& sizes, const float* large,
                              const float* weight, const Destination<float>& small);

}  // namespace pisr::kernels::PISR_CUDA_NAMESPACE
