#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "hwy/cache_control.h"
#include "kernels/conv_args.h"
#include "kernels/cpu/conv/conv_vector_ops.h"

namespace pisr::kernels::cpu {

/// The planes of one image, or of one of its groups, and what surrounds them.
template <class T>
struct Planes {
  const T* data;  ///< [channels, height, width]
  std::int64_t height, width;
  PaddingMode padding_mode;

  /// The row y of a channel, or the one nearest to it where that is outside.
  const T* row(std::int64_t channel, std::int64_t y) const {
    return data + (channel * height + std::clamp<std::int64_t>(y, 0, height - 1)) * width;
  }
  /// Prefetches `count` elements of such a row from `left` on, as far as they are inside.
  void prefetch(std::int64_t channel, std::int64_t y, std::int64_t left, std::int64_t count) const {
    constexpr std::int64_t kLine = 64 / static_cast<std::int64_t>(sizeof(T));
    const T* const data_of_row = row(channel, y);
    for (std::int64_t i = std::max<std::int64_t>(left, 0); i < std::min(left + count, width);
         i += kLine) {
      hwy::Prefetch(data_of_row + i);
    }
  }
};

/// A padded copy of a rectangle of some planes, in which every tap of a strided convolution reads
/// consecutive elements. For each stride residue, the elements of a plane whose row and column
/// leave that residue when divided by the stride, the window has a plane of its own.
///
/// At the position [y, x] of the result, the tap [i, j] reads row stride y + i and column
/// stride x + j of the rectangle: row y + i / stride of the residue i % stride, columns alike.
class Window {
 public:
  Window() = default;
  /// For `rows` x `columns` positions; columns are rounded up to whole vectors.
  Window(int channels, int kernel_height, int kernel_width, int stride, std::int64_t rows,
         std::int64_t columns, int lanes);

  /// Elements of the copy.
  std::size_t size() const { return static_cast<std::size_t>(size_); }
  std::int64_t pitch() const { return pitch_; }
  /// Columns of a plane that are filled.
  std::int64_t columns() const { return columns_; }
  /// Rows of a plane.
  std::int64_t rows() const { return rows_; }
  /// Residues of the columns.
  int residues_x() const { return residues_x_; }
  /// From a channel to the next.
  std::int64_t channel_stride() const { return std::int64_t{residues_y_} * residues_x_ * plane_; }

  /// From the position [0, 0] to the element that the tap reads.
  std::ptrdiff_t offset(int channel, int i, int j) const {
    const std::int64_t plane =
        (std::int64_t{channel} * residues_y_ + i % stride_) * residues_x_ + j % stride_;
    return plane * plane_ + i / stride_ * pitch_ + j / stride_;
  }

  /// Copies the rectangle whose first element is at [top, left] of the planes, which may be
  /// outside, to `window`: the first `channels` of its channels.
  template <class T>
  void fill(const ConvVectorOps<T>& ops, const Planes<T>& planes, int channels, std::int64_t top,
            std::int64_t left, T* window) const;

 private:
  int stride_ = 1, residues_y_ = 1, residues_x_ = 1;
  std::int64_t rows_ = 0, columns_ = 0, pitch_ = 0, plane_ = 0, size_ = 0;
};

}  // namespace pisr::kernels::cpu
