#pragma once

#include "kernels/conv_args.h"
#include "kernels/cuda/conv/destination.h"
#include "kernels/launcher.h"

/// Convolutions of few channels to many in TF32 by tiles of the image: what conv_tiles.h leaves,
/// which multiplies eight channels at once.
namespace pisr::kernels::PISR_CUDA_NAMESPACE {

/// One group, less than eight channels to at least eight, shared memory for the patches' weights.
bool patch_tiles_take_forward(const ConvSizes& sizes);

/// As conv_primitives.h.
void patch_tiles_forward(Launcher& launcher, const ConvSizes& sizes, const float* large,
                         const float* weight, const Destination<float>& small);

}  // namespace pisr::kernels::PISR_CUDA_NAMESPACE
