#include "kernels/cpu/conv_window.h"

#include <algorithm>

namespace pisr::kernels::cpu {
Window::Window(int channels, int kernel_height, int kernel_width, int stride, std::int64_t rows,
               std::int64_t columns, int lanes)
    : channels_(channels),
      stride_(stride),
      phases_y_(std::min(kernel_height, stride)),
      phases_x_(std::min(kernel_width, stride)),
      rows_(rows + (kernel_height - 1) / stride),
      columns_(round_up(columns, lanes) + (kernel_width - 1) / stride),
      pitch_(round_up(columns_, lanes)),
      plane_(rows_ * pitch_) {
  // An odd number of vectors: planes a power of two apart would compete for few lines of the cache.
  if (plane_ / lanes % 2 == 0) {
    plane_ += lanes;
  }
  size_ = std::int64_t{channels} * phases_y_ * phases_x_ * plane_ + lanes;
}

template <class T>
void Window::fill(const ConvTiles<T>& tiles, const Planes<T>& planes, int channels,
                  std::int64_t top, std::int64_t left, T* window) const {
  const bool replicate = planes.padding_mode == PaddingMode::replicate;
  T* out = window;
  for (int c = 0; c < channels; ++c) {
    const T* const plane = planes.data + c * planes.height * planes.width;
    for (int i = 0; i < phases_y_; ++i, out += phases_x_ * plane_) {
      for (std::int64_t y = 0; y < rows_; ++y) {
        const std::int64_t row = top + y * stride_ + i;
        const std::int64_t near_row = std::clamp<std::int64_t>(row, 0, planes.height - 1);
        const T* const data = plane + near_row * planes.width;
        PaddedRow<T> from{data, planes.width, left, T{0}, T{0}};
        if (replicate) {
          from.before = data[0];
          from.after = data[planes.width - 1];
        } else if (row != near_row) {
          from.width = 0;
        }
        T* const to = out + y * pitch_;
        if (stride_ == 1) {
          tiles.copy_row(from, columns_, to);
        } else if (stride_ == 2 && phases_x_ == 2) {
          tiles.split_row(from, columns_, to, to + plane_);
        } else {
          for (int j = 0; j < phases_x_; ++j) {
            for (std::int64_t x = 0; x < columns_; ++x) {
              to[j * plane_ + x] = from[x * stride_ + j];
            }
          }
        }
      }
    }
  }
}

template void Window::fill(const ConvTiles<float>&, const Planes<float>&, int, std::int64_t,
                           std::int64_t, float*) const;
template void Window::fill(const ConvTiles<double>&, const Planes<double>&, int, std::int64_t,
                           std::int64_t, double*) const;

}  // namespace pisr::kernels::cpu
