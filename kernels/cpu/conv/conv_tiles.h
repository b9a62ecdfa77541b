#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "kernels/conv_args.h"

/// The innermost loops of the convolutions, vectorised along the image width. All shapes, strides
/// and paddings come down to two of them, because a tap is only an offset into a padded copy of the
/// image: `convolve` for both images, `weight_sums` for the weight.
namespace pisr::kernels::cpu {

inline std::int64_t ceil_divide(std::int64_t a, std::int64_t b) {
  return (a + b - 1) / b;
}
inline std::int64_t round_up(std::int64_t a, std::int64_t multiple) {
  return ceil_divide(a, multiple) * multiple;
}

/// before[o, y, x] = bias[o] + sum over taps t of weight[o, t] input[offsets[t] + y input_pitch +
/// x] out = activation(before)
///
/// Rows of the input are read up to a multiple of `ConvVectorOps::lanes` columns.
template <class T>
struct ConvolvePass {
  std::int64_t channels, rows, columns;
  const T* input;
  std::int64_t input_pitch;
  const std::ptrdiff_t* offsets;  ///< [taps]
  std::int64_t taps;
  std::array<std::int64_t, 4> part_taps;  ///< of `convolve_pair`: which taps belong to which part
  const T* weights;  ///< channels in blocks of `channel_block`, each [taps, block]
  const T* bias;     ///< [channels], may be null
  ActivationKind activation;
  const T* slopes;  ///< [channels], of prelu
  T* out;
  T* before;  ///< laid out like `out`; may be null
  std::int64_t out_pitch, out_channel_stride;
  Store store;
};

/// Which of the two rows of a pair are wanted.
struct PairChoice {
  bool first, second;
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

/// `before` for elements in front of `data`, `after` for those behind it; row[i] = data[left + i].
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

/// Rows of a plane below each other, from which those of a pair are made.
template <class T>
struct PairSource {
  std::array<const T*, 4> rows;  ///< as many as are read; null for a row of zeros
  std::int64_t width;
  std::int64_t left;  ///< element of each that the first column reads; may be outside
  bool replicate;     ///< what lies outside a row is its nearest element, else 0
};

template <class T>
struct ConvVectorOps {
  int lanes;          ///< elements of a vector
  int largest_block;  ///< channels of the largest block of `convolve`
  void (*convolve)(const ConvolvePass<T>&);
  /// Two rows at once (conv_pairs.h): of the sums m, d, a, b over the taps of the four parts, the
  /// first row gets (m + d) + a and the second (m - d) + b in place of the sum over all taps.
  void (*convolve_pair)(const ConvolvePass<T>&, PairChoice wanted);
  /// The rows that a piece of 1 to 3 taps reads: r0 and r1, or r0 - r1, r1 and r2 - r1, or r0 - r2,
  /// r1 + r2, r2 - r1 and r3 - r1, one after the other in `out`; `columns` is a multiple of
  /// `lanes`. Of two phases, the first takes the elements left, left + 2, ..., the second those
  /// between, and its rows begin `phase_stride` elements behind the first one's.
  void (*pair_rows)(const PairSource<T>& from, int taps, int phases, std::int64_t columns, T* out,
                    std::int64_t phase_stride);
  /// What those rows are multiplied with for the gradient of the weight: first + second,
  /// first - second, first and second, each `stride` elements behind the other and filled up with
  /// zeros to a multiple of `lanes`. `second` may be null, for zeros.
  void (*pair_factors)(const T* first, const T* second, std::int64_t count, std::int64_t stride,
                       T* out);
  void (*weight_sums)(const WeightPass<T>&);
  /// out[i] = row[i] for i in [0, count), and anything in up to `lanes` elements behind
  void (*copy_row)(const PaddedRow<T>& row, std::int64_t count, T* out);
  /// even[i] = row[2 i], odd[i] = row[2 i + 1] for i in [0, count)
  void (*split_row)(const PaddedRow<T>& row, std::int64_t count, T* even, T* odd);
  /// row[2 i] = even[i], row[2 i + 1] = odd[i] for i in [0, count)
  void (*join_pairs)(const T* even, const T* odd, std::int64_t count, T* row, Store store);
  double (*sum)(const T* x, std::int64_t count);
};

/// The loops for the best instruction set of this machine; T is float or double.
template <class T>
const ConvVectorOps<T>& conv_tiles() noexcept;

/// The channels that `convolve` takes at once where `remaining` are left.
inline int channel_block(std::int64_t remaining, int largest) {
  if (remaining >= largest) {
    return largest;
  }
  return remaining >= 4 ? 4 : 1;
}

}  // namespace pisr::kernels::cpu
