#include "kernels/cpu/conv/conv_window.h"

#include <algorithm>

#include "kernels/cpu/conv/rounding.h"

namespace pisr::kernels::cpu {
namespace {

/// How far rows are prefetched.
constexpr std::int64_t kRowsAhead = 8;

}  // namespace

Window::Window(int channels, int kernel_height, int kernel_width, int stride, std::int64_t rows,
               std::int64_t columns, int lanes)
    : stride_(stride),
      residues_y_(std::min(kernel_height, stride)),
      residues_x_(std::min(kernel_width, stride)),
      rows_(rows + (kernel_height - 1) / stride),
      columns_(round_up(columns, lanes) + (kernel_width - 1) / stride),
      pitch_(round_up(columns_, lanes)),
      plane_(rows_ * pitch_) {
  // An odd number of vectors: planes a power of two apart would compete for a few sets of the
  // cache.
  if (plane_ / lanes % 2 == 0) {
    plane_ += lanes;
  }
  size_ = std::int64_t{channels} * residues_y_ * residues_x_ * plane_ + lanes;
}

template <class T>
void Window::fill(const ConvVectorOps<T>& ops, const Planes<T>& planes, int channels,
                  std::int64_t top, std::int64_t left, T* window) const {
  const bool replicate = planes.padding_mode == PaddingMode::replicate;
  const std::int64_t source_rows = rows_ * stride_;
  T* out = window;
  for (int c = 0; c < channels; ++c, out += plane_ * residues_y_ * residues_x_) {
    // In the order of the source: it comes from further away than the window.
    for (std::int64_t i = 0; i < source_rows; ++i) {
      const std::int64_t ahead = i + kRowsAhead;
      if (ahead < source_rows) {
        planes.prefetch(c, top + ahead, left, columns_ * stride_);
      } else if (c + 1 < channels) {
        planes.prefetch(c + 1, top + ahead - source_rows, left, columns_ * stride_);
      }
      if (i % stride_ >= residues_y_) {
        continue;
      }
      const T* const data = planes.row(c, top + i);
      PaddedRow<T> from{data, planes.width, left, T{0}, T{0}};
      if (replicate) {
        from.before = data[0];
        from.after = data[planes.width - 1];
      } else if (top + i < 0 || top + i >= planes.height) {
        from.width = 0;
      }
      T* const to = out + i % stride_ * residues_x_ * plane_ + i / stride_ * pitch_;
      if (stride_ == 1) {
        ops.copy_row(from, columns_, to);
      } else if (stride_ == 2 && residues_x_ == 2) {
        ops.deinterleave_row(from, columns_, to, to + plane_);
      } else {
        for (int j = 0; j < residues_x_; ++j) {
          for (std::int64_t x = 0; x < columns_; ++x) {
            to[j * plane_ + x] = from[x * stride_ + j];
          }
        }
      }
    }
  }
}

template void Window::fill(const ConvVectorOps<float>&, const Planes<float>&, int, std::int64_t,
                           std::int64_t, float*) const;
template void Window::fill(const ConvVectorOps<double>&, const Planes<double>&, int, std::int64_t,
                           std::int64_t, double*) const;

}  // namespace pisr::kernels::cpu
