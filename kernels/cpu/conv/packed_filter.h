#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "kernels/conv_args.h"
#include "kernels/cpu/conv/conv_geometry.h"
#include "kernels/cpu/conv/conv_vector_ops.h"
#include "kernels/cpu/conv/winograd.h"
#include "kernels/launcher.h"

/// The weights of a convolution in the order in which ConvolvePass reads them.
namespace pisr::kernels::cpu {

/// Weights of results that have the same taps in all channels and groups, and what follows the sum
/// of products.
template <class T>
struct PackedFilter {
  std::int64_t channels, taps;
  std::array<std::int64_t, kWinogradComponents> component_taps;  ///< as in ConvolvePass
  const std::ptrdiff_t* offsets;  ///< [taps], into the window or the transformed rows
  const T* weights;               ///< [groups, channels, taps], in blocks of channels
  const T* bias;                  ///< [groups, channels]; may be null
  ActivationKind activation;
  const T* slopes;  ///< [groups, channels], of prelu
};

/// What a pass over some rows of a group takes from its filter.
template <class T>
ConvolvePass<T> pass_of(const PackedFilter<T>& filter, std::int64_t group) {
  ConvolvePass<T> pass{};
  pass.channels = filter.channels;
  pass.offsets = filter.offsets;
  pass.taps = filter.taps;
  pass.component_taps = filter.component_taps;
  pass.weights = filter.weights + group * filter.channels * filter.taps;
  pass.bias = filter.bias == nullptr ? nullptr : filter.bias + group * filter.channels;
  pass.activation = filter.activation;
  pass.slopes = filter.slopes == nullptr ? nullptr : filter.slopes + group * filter.channels;
  return pass;
}

/// The filters that together give all upscale x upscale x out_channels results of a position, in
/// this order.
template <class T>
struct FilterBank {
  const PackedFilter<T>* filters;
  std::int64_t count;
};

/// For rows one by one and, where the convolution uses Winograd, for two at a time.
template <class T>
struct ConvFilters {
  FilterBank<T> direct, winograd;
};

/// From the position [0, 0] of a window to the element that the tap [i, j] of a channel reads.
using TapOffset = FunctionRef<std::ptrdiff_t(int channel, int i, int j)>;

/// Where the taps read.
struct TapSource {
  TapOffset offset;                 ///< in the window
  const InputTransform& transform;  ///< empty unless the convolution uses Winograd
};

/// What follows the sum of products.
template <class T>
struct Epilogue {
  const T* bias = nullptr;  ///< one for each channel of the result; may be null
  Activation<T> activation = {};
};

/// Packs weights [out_channels, in_channels / groups, kernel_height, kernel_width] of `sizes` for
/// conv_forward and conv_transpose (conv_primitives.h), into scratch memory.
template <class T>
ConvFilters<T> conv_forward_filters(Launcher& launcher, const ConvSizes& sizes, const T* weight,
                                    const Epilogue<T>& epilogue, const TapSource& source);
template <class T>
ConvFilters<T> conv_transpose_filters(Launcher& launcher, const ConvSizes& sizes, const T* weight,
                                      const Epilogue<T>& epilogue, const TapSource& source);

}  // namespace pisr::kernels::cpu
