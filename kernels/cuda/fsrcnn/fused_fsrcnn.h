#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/conv_args.h"
#include "kernels/cuda/language.h"
#include "kernels/launcher.h"

/// FSRCNN(56, 12, 4) (Dong, Loy, Tang, ECCV 2016) from input to output in one kernel, for
/// inference. Weights and activations are rounded to half precision, sums are in float, on tensor
/// cores. What lies between two layers never leaves a multiprocessor.
///
/// Error: a path through the network rounds 15 numbers (7 activations, 8 weights), each by at most
/// 2^-11 of it (or 2^-25). Let |N| be the network with the magnitudes of its weights. The result
/// then differs by at most about 15 2^-11 of |N|. Activations beyond 65504 become infinite.
namespace pisr::kernels::PISR_CUDA_NAMESPACE {

/// Whether the chain is FSRCNN(56, 12, 4), each convolution but the last followed by a PReLU:
///   feature 5x5 1 -> 56; shrink 1x1 56 -> 12; four mappings 3x3 12 -> 12; expand 1x1 12 -> 56;
///   a transposed convolution 9x9 56 -> 1, padding 4, whose stride, 2, 3 or 4, is the scale.
bool fused_fsrcnn_takes(const ConvChainArgs<float>& args);

/// Words of the packed weights: fragments b of tensor_core.h, then coefficients in float.
constexpr std::size_t kFsrcnnWords = 9668;

/// Rounds the weights of such a chain and packs them into `packed`, kFsrcnnWords of device memory
/// aligned to 16 bytes.
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

/// conv_chain: fused where fused_fsrcnn_takes the chain, otherwise stage by stage in TF32.
void conv_chain_fp16(Launcher& launcher, const ConvChainArgs<float>& args);

}  // namespace pisr::kernels::PISR_CUDA_NAMESPACE
