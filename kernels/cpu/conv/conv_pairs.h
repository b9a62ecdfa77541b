#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "kernels/cpu/conv/conv_tiles.h"
#include "kernels/cpu/conv/conv_window.h"
#include "kernels/launcher.h"

/// Two rows of results from fewer products than one by one (S. Winograd, Arithmetic Complexity of
/// Computations, 1980). Of one column of a kernel, three taps g in rows below each other give
///
///   y0 = g0 r0 + g1 r1 + g2 r2 = (m + d) + g0 (r0 - r2)    m = (g0 + g1 + g2) / 2 * (r1 + r2)
///   y1 = g0 r1 + g1 r2 + g2 r3 = (m - d) + g2 (r3 - r1)    d = (g0 - g1 + g2) / 2 * (r2 - r1)
///
/// with four products in place of six, and two taps
///
///   y0 = g0 r0 + g1 r1 = m + g0 (r0 - r1)                  m = (g0 + g1) r1
///   y1 = g0 r1 + g1 r2 = m + g1 (r2 - r1)
///
/// with three in place of four. Longer columns are cut into such pieces. A pair begins at an even
/// row of the image, and y0 and y1 can be had one without the other, in the same bits: they depend
/// neither on tiles nor on what lies outside their own window.
namespace pisr::kernels::cpu {

/// One to three taps of a column.
struct RowPiece {
  int phase;   ///< of the window
  int first;   ///< row of the window that the first tap reads for the first row of a pair
  int count;   ///< of taps
  int column;  ///< taps of the whole column
  int slot;    ///< the first of the rows that `PairRows` makes for it
};

/// Of the parts of a sum, see ConvolvePass: the row of those made for a piece of `count` taps that
/// `part` reads, or -1.
inline int row_of_part(int count, int part) {
  constexpr std::array<std::array<int, 4>, 3> kRows = {
      {{-1, -1, 0, 1}, {1, -1, 0, 2}, {1, 2, 0, 3}}};
  return kRows[static_cast<std::size_t>(count - 1)][static_cast<std::size_t>(part)];
}

/// The rows that the products of a pair read, for all channels of a window.
class PairRows {
 public:
  PairRows() = default;
  /// For columns of `taps` rows of a window: in each of its phases of rows, or in columns of one
  /// less as well, which then end in the same row.
  PairRows(Launcher& launcher, const Window& window, int channels, int kernel_height, int stride,
           bool shorter_columns);

  bool empty() const { return count_ == 0; }
  const RowPiece* begin() const { return pieces_; }
  const RowPiece* end() const { return pieces_ + count_; }
  /// Of all pieces together.
  int slots() const { return slots_; }
  std::size_t size() const { return static_cast<std::size_t>(channels_ * channel_stride_); }

  /// To the row `slot` of a channel, for the column j of the kernel.
  std::ptrdiff_t offset(int channel, int j, int slot) const {
    return channel * channel_stride_ + (j % stride_ * slots_ + slot) * window_.pitch() +
           j / stride_;
  }

  /// Makes the rows of the pair of positions whose first is `row` of the window. Where the window
  /// lacks a row, results that would need it are not to be used.
  template <class T>
  void fill(const ConvVectorOps<T>& tiles, const T* window, std::int64_t row, T* out) const;

  /// The same without a window (ConvGeometry::pairs_read_planes), for the pair whose window would
  /// begin at [top, left] of the planes, which may be outside; for the first `channels` channels.
  template <class T>
  void fill(const ConvVectorOps<T>& tiles, const Planes<T>& planes, int channels, std::int64_t top,
            std::int64_t left, T* out) const;

 private:
  Window window_;
  RowPiece* pieces_ = nullptr;
  int count_ = 0, channels_ = 0, slots_ = 0;
  int kernel_height_ = 0, stride_ = 1, phases_x_ = 1;
  std::int64_t channel_stride_ = 0;
};

}  // namespace pisr::kernels::cpu
