#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/conv_args.h"
#include "kernels/cuda/runtime/language.h"
#include "kernels/launcher.h"

/// FSRCNN(56, 12, 4) (Dong, Loy, Tang, ECCV 2016) from input to output in one kernel, on tensor
/// cores: weights and activations are rounded to half precision, sums are in float. What lies
/// between two layers never leaves a multiprocessor. For inference.
///
/// Let |N| be the network with the magnitudes of its weights. Each rounding changes a number by at
/// most 2^-11 of it (or 2^-25), so the result differs by no more than about 2^-11 of |N| for each
/// of the 15 numbers that a path through the network rounds (7 activations, 8 weights). Activations
/// beyond 65504 become infinite.
namespace pisr::kernels::PISR_CUDA_NAMESPACE {

/// Whether the chain is FSRCNN(56, 12, 4): feature 5x5 1 -> 56, shrink 1x1 56 -> 12, four times 3x3
/// 12 -> 12, expand 1x1 12 -> 56, each with a PReLU, and a transposed convolution 9x9 56 -> 1 with
/// stride 2, 3 or 4, padding 4 and a result that many times as large as the input.
bool fused_fsrcnn_takes(const ConvChainArgs<float>& args);

/// Words of the packed weights: fragments b of tensor_core.h, then coefficients in float.
constexpr std::size_t kFsrcnnWords = 9668;

/// Rounds and orders the weights of such a chain into `packed` (device memory, kFsrcnnWords,
/// aligned to 16 bytes).
void pack_fsrcnn(Launcher& launcher, const ConvChainArgs<float>& args, unsigned* packed);

/// y [batch, 1, height scale, width scale] = the network applied to x [batch, 1, height, width].
struct FusedFsrcnnArgs {
  std::int64_t batch;  ///< at most 65535
  int height, width, scale;
  const float* x;
  const unsigned* packed;  ///< by pack_fsrcnn
  float* y;
};
void fused_fsrcnn(Launcher& launcher, const FusedFsrcnnArgs& args);

/// conv_chain: these two where fused_fsrcnn_takes the chain, else stage by stage in TF32.
void conv_chain_fp16(Launcher& launcher, const ConvChainArgs<float>& args);

}  // namespace pisr::kernels::PISR_CUDA_NAMESPACE
