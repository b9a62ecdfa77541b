#pragma once

#include "kernels/cuda/fsrcnn/fused_fsrcnn.h"
#include "kernels/cuda/language.h"

/// The layout of the packed weights of fused_fsrcnn.h.
namespace pisr::kernels::PISR_CUDA_NAMESPACE::fsrcnn {

constexpr int kFeatures = 56, kShrunk = 12, kMappings = 4;
constexpr int kKernel = 9;  ///< of the transposed convolution
constexpr int kTaps = kKernel * kKernel;

/// A matrix [kDepth, kColumns] of halves as fragments b (tensor_core.h): 16 rows of 8 columns are
/// 64 words, lane after lane. All columns of 16 rows come before the next 16 rows. Where a layer
/// has other sizes the matrix is padded with zeros.
template <int kDepth, int kColumns>
struct Packed {
  static constexpr int kSteps = kDepth / 16, kColumnTiles = kColumns / 8;
  static constexpr int kFragments = kSteps * kColumnTiles;
  static constexpr int kWords = kFragments * 64;
};

// The features' patch is 5 rows of 3 pairs of neighbours, the sixth column zero; the mappings'
// depth is 9 taps of 16 channels.
using Feature = Packed<32, kFeatures>;
using Shrink = Packed<64, 16>;
using Mapping = Packed<9 * 16, 16>;
using Expand = Packed<16, kFeatures>;
using Deconvolution = Packed<64, 88>;

/// In fragments.
constexpr int kFeatureAt = 0;
constexpr int kShrinkAt = kFeatureAt + Feature::kFragments;
constexpr int kMappingAt = kShrinkAt + Shrink::kFragments;
constexpr int kExpandAt = kMappingAt + kMappings * Mapping::kFragments;
constexpr int kDeconvolutionAt = kExpandAt + Expand::kFragments;
constexpr int kAllFragments = kDeconvolutionAt + Deconvolution::kFragments;

/// Bias and slope of each channel, layer after layer, then the bias of the output.
constexpr int kFeatureChannel = 0;
constexpr int kShrinkChannel = kFeatureChannel + kFeatures;
constexpr int kMappingChannel = kShrinkChannel + 16;
constexpr int kExpandChannel = kMappingChannel + kMappings * 16;
constexpr int kAllChannels = kExpandChannel + kFeatures;

static_assert(kAllFragments * 64 + kAllChannels * 2 + 4 == kFsrcnnWords);

}  // namespace pisr::kernels::PISR_CUDA_NAMESPACE::fsrcnn
