#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "kernels/conv_args.h"
#include "kernels/cpu/conv/conv_pairs.h"
#include "kernels/cpu/conv/conv_tiles.h"
#include "kernels/launcher.h"

/// The two products of a convolution whose result is an image, in one form. A position [y, x] of
/// the result reads a dense window of the source at [stride y, stride x]. Towards the small image
/// the window strides by the stride of the convolution and a position is a pixel. Towards the large
/// one it strides by 1, and a position is a block of stride x stride pixels: for each remainder r
/// of the rows (and of the columns alike) only the taps i = r + stride m reach the large image,
/// from the position y - m.
namespace pisr::kernels::cpu {

/// Where positions read and what they hold. Channels are those of one group.
struct ConvGeometry {
  std::int64_t batch;
  int groups;
  int channels, height, width;  ///< of the source
  PaddingMode padding_mode;
  int kernel_height, kernel_width, stride;
  std::int64_t top, left;  ///< where the window of the first position begins in the source
  std::int64_t rows, columns;
  int out_channels, out_height, out_width;
  int block;             ///< a position holds block x block pixels of the result ...
  std::int64_t cut;      ///< ... and the first one begins at [-cut, -cut] of it
  bool shorter_columns;  ///< some pixels of a block are reached by one row of taps less

  /// Whether a position reads no other pixel of the source than its own.
  bool is_pointwise() const {
    return kernel_height == 1 && kernel_width == 1 && stride == 1 && top == 0 && left == 0 &&
           rows == height && columns == width;
  }

  /// Whether rows are computed in pairs (conv_pairs.h): where a column has several taps, enough
  /// results share the rows that have to be made for it, and sums are long enough to be cut.
  bool in_pairs() const {
    constexpr int kLeastResults = 4;
    constexpr int kLeastTaps = 40;
    return kernel_height > stride && out_channels * block * block >= kLeastResults &&
           channels * kernel_height * kernel_width >= kLeastTaps;
  }

  /// Whether what a pair reads can be made from the source itself; else it takes a window.
  bool pairs_read_planes() const { return stride <= 2 && kernel_width >= stride; }

  /// Whether all that the rows y and y + 1 read is inside the source. At its border, the sums of a
  /// pair are larger than their results, whose rounding errors grow with them.
  bool pair_is_inside(std::int64_t y) const {
    return top + y * stride >= 0 && top + (y + 1) * stride + kernel_height <= height;
  }
};

ConvGeometry positions_to_small(const ConvSizes& sizes);
ConvGeometry positions_to_large(const ConvSizes& sizes);

/// A result with the same taps for all its channels, in every group.
template <class T>
struct Filter {
  std::int64_t channels, taps;
  std::array<std::int64_t, 4> part_taps;  ///< of a pair of rows
  const std::ptrdiff_t* offsets;          ///< [taps], into the window or the rows of a pair
  const T* weights;                       ///< [groups, channels, taps], in blocks of channels
  const T* bias;                          ///< [groups, channels], or null
  ActivationKind activation;
  const T* slopes;  ///< [groups, channels], of prelu
};

/// What a pass over some rows of a group takes from its filter.
template <class T>
ConvolvePass<T> pass_of(const Filter<T>& filter, std::int64_t group) {
  ConvolvePass<T> pass{};
  pass.channels = filter.channels;
  pass.offsets = filter.offsets;
  pass.taps = filter.taps;
  pass.part_taps = filter.part_taps;
  pass.weights = filter.weights + group * filter.channels * filter.taps;
  pass.bias = filter.bias == nullptr ? nullptr : filter.bias + group * filter.channels;
  pass.activation = filter.activation;
  pass.slopes = filter.slopes == nullptr ? nullptr : filter.slopes + group * filter.channels;
  return pass;
}

/// The filters of all block x block x out_channels results of a position, in this order.
template <class T>
struct FilterBank {
  const Filter<T>* filters;
  std::int64_t count;
};

/// Those for rows one by one, and those for pairs of rows where positions come in pairs.
template <class T>
struct FilterBanks {
  FilterBank<T> rows, pairs;
};

/// From the position [0, 0] of a window to the element that the tap [i, j] of a channel reads.
using TapOffset = FunctionRef<std::ptrdiff_t(int channel, int i, int j)>;

/// Where the taps of a filter read.
struct TapSource {
  TapOffset offset;       ///< for positions one by one
  const PairRows& pairs;  ///< for positions in pairs of rows; else empty
};

/// The rows of a pair for positions that come in pairs.
PairRows pair_rows_of(Launcher& launcher, const ConvGeometry& positions, const Window& window);

/// What follows the sum of products.
template <class T>
struct Epilogue {
  const T* bias = nullptr;  ///< one for each channel of the result; may be null
  Activation<T> activation = {};
};

/// Weights [out_channels, in_channels / groups, kernel_height, kernel_width] of `sizes` in the
/// order of `ConvolvePass`, in scratch memory.
template <class T>
FilterBanks<T> filters_to_small(Launcher& launcher, const ConvSizes& sizes, const T* weight,
                                const Epilogue<T>& epilogue, const TapSource& source);
template <class T>
FilterBanks<T> filters_to_large(Launcher& launcher, const ConvSizes& sizes, const T* weight,
                                const Epilogue<T>& epilogue, const TapSource& source);

}  // namespace pisr::kernels::cpu
