#include "kernels/cuda/fsrcnn/fsrcnn_weights.h"
#include "kernels/cuda/fsrcnn/fused_fsrcnn.h"
#include "kernels/cuda/map.h"
#include "kernels/cuda/tensor_core.h"

namespace pisr::kernels::PISR_CUDA_NAMESPACE {
namespace {

using namespace fsrcnn;

constexpr int kStages = kMappings + 4;
constexpr int kShrinkStage = 1, kMappingStage = 2, kExpandStage = kMappings + 2;
constexpr int kDeconvolutionStage = kMappings + 3;

bool same_size_conv(const ChainStage<float>& stage, int inputs, int outputs, int kernel) {
  const ConvSizes& s = stage.sizes;
  return !stage.transposed && s.in_channels == inputs && s.out_channels == outputs &&
         s.kernel_height == kernel && s.kernel_width == kernel && s.stride == 1 &&
         s.padding == kernel / 2 && s.groups == 1 && s.padding_mode == PaddingMode::zero &&
         stage.activation.kind == ActivationKind::prelu;
}

bool enlarges(const ChainStage<float>& stage) {
  const ConvSizes& s = stage.sizes;
  return stage.transposed && s.in_channels == kFeatures && s.out_channels == 1 &&
         s.kernel_height == kKernel && s.kernel_width == kKernel && s.stride >= 2 &&
         s.stride <= 4 && s.padding == kKernel / 2 && s.groups == 1 &&
         s.out_height == s.in_height * s.stride && s.out_width == s.in_width * s.stride &&
         stage.activation.kind == ActivationKind::none;
}

struct StageWeights {
  const float* weight;
  const float* bias;
  const float* slopes;
  int slope_count;

  __device__ float coefficient(int channel, int channels, bool is_slope) const {
    if (channel >= channels) {
      return 0;
    }
    if (is_slope) {
      return slopes[slope_count == 1 ? 0 : channel];
    }
    return bias == nullptr ? 0.0F : bias[channel];
  }
};

// Computes one word of the packed weights at a time.
struct Pack {
  StageWeights stages[kStages];
  unsigned* packed;
  float* coefficients;

  __device__ float feature(int k, int channel) const {
    const int pair = k / 2, row = pair / 3, column = pair % 3 * 2 + k % 2;
    return row < 5 && column < 5 ? stages[0].weight[channel * 25 + row * 5 + column] : 0.0F;
  }
  __device__ float shrink(int k, int channel) const {
    return k < kFeatures && channel < kShrunk ? stages[kShrinkStage].weight[channel * kFeatures + k]
                                              : 0.0F;
  }
  __device__ float mapping(int layer, int k, int channel) const {
    const int tap = k / 16, input = k % 16;
    return input < kShrunk && channel < kShrunk
               ? stages[kMappingStage + layer].weight[(channel * kShrunk + input) * 9 + tap]
               : 0.0F;
  }
  __device__ float expand(int k, int channel) const {
    return k < kShrunk ? stages[kExpandStage].weight[channel * kShrunk + k] : 0.0F;
  }
  __device__ float deconvolution(int k, int tap) const {
    return k < kFeatures && tap < kTaps ? stages[kDeconvolutionStage].weight[k * kTaps + tap]
                                        : 0.0F;
  }

  // Word number `word` of the matrix with elements find(k, column).
  template <class Matrix, class Find>
  __device__ static unsigned pair(int word, const Find& find) {
    const int lane = word / 2 % 32, fragment = word / 64;
    const int column = fragment % Matrix::kColumnTiles * 8 + lane / 4;
    const int k = fragment / Matrix::kColumnTiles * 16 + word % 2 * 8 + lane % 4 * 2;
    return pack_halves(find(k, column), find(k + 1, column));
  }

  __device__ unsigned fragment_word(int word) const {
    const int fragment = word / 64;
    if (fragment < kShrinkAt) {
      return pair<Feature>(word, [&](int k, int n) { return feature(k, n); });
    }
    if (fragment < kMappingAt) {
      return pair<Shrink>(word - kShrinkAt * 64, [&](int k, int n) { return shrink(k, n); });
    }
    if (fragment < kExpandAt) {
      const int layer = (fragment - kMappingAt) / Mapping::kFragments;
      return pair<Mapping>(word - kMappingAt * 64 - layer * Mapping::kWords,
                           [&](int k, int n) { return mapping(layer, k, n); });
    }
    if (fragment < kDeconvolutionAt) {
      return pair<Expand>(word - kExpandAt * 64, [&](int k, int n) { return expand(k, n); });
    }
    return pair<Deconvolution>(word - kDeconvolutionAt * 64,
                               [&](int k, int n) { return deconvolution(k, n); });
  }

  __device__ float coefficient(int i) const {
    const int channel = i / 2;
    const bool is_slope = i % 2 != 0;
    if (channel < kShrinkChannel) {
      return stages[0].coefficient(channel, kFeatures, is_slope);
    }
    if (channel < kExpandChannel) {
      const int layer = (channel - kShrinkChannel) / 16;
      return stages[kShrinkStage + layer].coefficient((channel - kShrinkChannel) % 16, kShrunk,
                                                      is_slope);
    }
    if (channel < kAllChannels) {
      return stages[kExpandStage].coefficient(channel - kExpandChannel, kFeatures, is_slope);
    }
    const float* bias = stages[kDeconvolutionStage].bias;
    return i == kAllChannels * 2 && bias != nullptr ? bias[0] : 0.0F;
  }

  __device__ void operator()(std::int64_t, std::int64_t index) const {
    const int i = static_cast<int>(index);
    if (i < kAllFragments * 64) {
      packed[i] = fragment_word(i);
    } else {
      coefficients[i] = coefficient(i - kAllFragments * 64);
    }
  }
};

}  // namespace

bool fused_fsrcnn_takes(const ConvChainArgs<float>& args) {
  constexpr std::int64_t kMostImages = 65535;  // blocks along z
  if (args.count != kStages || args.stages[0].sizes.batch > kMostImages) {
    return false;
  }
  for (int i = 0; i < kMappings; ++i) {
    if (!same_size_conv(args.stages[kMappingStage + i], kShrunk, kShrunk, 3)) {
      return false;
    }
  }
  return same_size_conv(args.stages[0], 1, kFeatures, 5) &&
         same_size_conv(args.stages[kShrinkStage], kFeatures, kShrunk, 1) &&
         same_size_conv(args.stages[kExpandStage], kShrunk, kFeatures, 1) &&
         enlarges(args.stages[kDeconvolutionStage]);
}

void pack_fsrcnn(Launcher& launcher, const ConvChainArgs<float>& args, unsigned* packed) {
  Pack pack = {};
  for (int i = 0; i < kStages; ++i) {
    const ChainStage<float>& stage = args.stages[i];
    pack.stages[i] = {stage.weight, stage.bias, stage.activation.slopes,
                      stage.activation.slope_count};
  }
  pack.packed = packed;
  pack.coefficients = reinterpret_cast<float*>(packed);
  map(launcher, kFsrcnnWords, pack);
}

}  // namespace pisr::kernels::PISR_CUDA_NAMESPACE
