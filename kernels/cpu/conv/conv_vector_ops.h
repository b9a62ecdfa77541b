#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "kernels/conv_args.h"
#include "kernels/cpu/conv/winograd_ops.h"

/// The innermost loops of the convolutions, vectorised along the width of the image. A tap is only
/// an offset into a padded copy of the image (conv_window.h), so all shapes, strides and paddings
/// come down to two loops: `convolve` for an image, `weight_sums` for the gradient of the weight.
namespace pisr::kernels::cpu {

/// before[o, y, x] = bias[o]
///                   + sum over taps t of weights[o, t] input[offsets[t] + y input_pitch + x]
/// out[o, y, x] = activation(before[o, y, x])
///
/// Rows of the input are read up to a multiple of `ConvVectorOps::lanes` columns.
template <class T>
struct ConvolvePass {
  std::int64_t channels, rows, columns;
  const T* input;
  std::int64_t input_pitch;
  const std::ptrdiff_t* offsets;  ///< [taps]
  std::int64_t taps;
  /// Of WinogradOps::convolve: how many of the taps, in this order, belong to each component.
  std::array<std::int64_t, kWinogradComponents> component_taps;
  const T* weights;  ///< channels in blocks of block_channels(), each block [taps, channels]
  const T* bias;     ///< [channels]; may be null
  ActivationKind activation;
  const T* slopes;  ///< [channels], of prelu
  T* out;
  T* before;  ///< laid out like `out`; may be null
  std::int64_t out_pitch, out_channel_stride;
  Store store;
};

/// sums[o, t] += sum over y, x of small[o, y, x] large[offsets[t] + y large_pitch + x]
///
/// `columns` is a multiple of `ConvVectorOps::lanes`.
template <class T>
struct WeightPass {
  std::int64_t channels, rows, columns;
  const T* small;
  std::int64_t small_pitch, small_channel_stride;
  const T* large;
  std::int64_t large_pitch;
  const std::ptrdiff_t* offsets;  ///< [taps]
  std::int64_t taps;
  double* sums;  ///< [channels, taps]
};

/// A row of an image with what surrounds it: row[i] = data[left + i] where that is inside, `before`
/// in front of it, `after` behind it.
template <class T>
struct PaddedRow {
  const T* data;
  std::int64_t width, left;
  T before, after;

  T operator[](std::int64_t i) const {
    const std::int64_t at = left + i;
    return at < 0 ? before : at < width ? data[at] : after;
  }
};

template <class T>
struct ConvVectorOps {
  int lanes;          ///< elements of a vector
  int channel_block;  ///< channels of the largest block of `convolve`; at most kMostBlockChannels
  void (*convolve)(const ConvolvePass<T>&);
  void (*weight_sums)(const WeightPass<T>&);
  WinogradOps<T> winograd;
  /// out[i] = row[i] for i in [0, count), and anything in up to `lanes` elements behind
  void (*copy_row)(const PaddedRow<T>& row, std::int64_t count, T* out);
  /// even[i] = row[2 i], odd[i] = row[2 i + 1] for i in [0, count)
  void (*deinterleave_row)(const PaddedRow<T>& row, std::int64_t count, T* even, T* odd);
  /// row[2 i] = even[i], row[2 i + 1] = odd[i] for i in [0, count)
  void (*interleave)(const T* even, const T* odd, std::int64_t count, T* row, Store store);
  double (*sum)(const T* x, std::int64_t count);
};

/// The loops for the best instruction set of this machine; T is float or double.
template <class T>
const ConvVectorOps<T>& conv_vector_ops() noexcept;

/// The largest ConvVectorOps::channel_block of all instruction sets.
constexpr int kMostBlockChannels = 8;
/// Vectors of columns that `convolve` takes at once. Tasks have a multiple of them where they can.
constexpr int kTileVectors = 3;

/// The channels that `convolve` takes at once where `remaining` are left: as many as the largest
/// block has, otherwise 4 or 1.
inline int block_channels(std::int64_t remaining, int channel_block) {
  if (remaining >= channel_block) {
    return channel_block;
  }
  return remaining >= 4 ? 4 : 1;
}

}  // namespace pisr::kernels::cpu
