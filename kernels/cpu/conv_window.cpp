#include "kernels/cpu/conv_window.h"

#include <algorithm>

namespace pisr::kernels::cpu {
namespace {

/// Elements [left, left + count) of the padded row; row is null for one of zeros.
template <class T>
void copy_row(const T* row, std::int64_t width, std::int64_t left, std::int64_t count,
              PaddingMode mode, T* out) {
  if (row == nullptr) {
    std::fill_n(out, count, T{0});
    return;
  }
  const std::int64_t before = std::clamp<std::int64_t>(-left, 0, count);
  const std::int64_t end = std::clamp<std::int64_t>(width - left, before, count);
  const bool replicate = mode == PaddingMode::replicate;
  std::fill_n(out, before, replicate ? row[0] : T{0});
  if (end > before) {
    std::copy_n(row + left + before, end - before, out + before);
  }
  std::fill_n(out + end, count - end, replicate ? row[width - 1] : T{0});
}

}  // namespace

Window::Window(int channels, int kernel_height, int kernel_width, int stride, std::int64_t rows,
               std::int64_t columns, int lanes)
    : channels_(channels),
      stride_(stride),
      phases_y_(std::min(kernel_height, stride)),
      phases_x_(std::min(kernel_width, stride)),
      rows_(rows + (kernel_height - 1) / stride),
      pitch_(round_up(round_up(columns, lanes) + (kernel_width - 1) / stride, lanes)),
      plane_(rows_ * pitch_) {
  // An odd number of vectors: planes a power of two apart would compete for few lines of the cache.
  if (plane_ / lanes % 2 == 0) {
    plane_ += lanes;
  }
}

template <class T>
void Window::fill(const ConvTiles<T>& tiles, const Planes<T>& planes, int channels,
                  std::int64_t top, std::int64_t left, T* row_buffer, T* window) const {
  const bool replicate = planes.padding_mode == PaddingMode::replicate;
  T* out = window;
  for (int c = 0; c < channels; ++c) {
    const T* const plane = planes.data + c * planes.height * planes.width;
    for (int i = 0; i < phases_y_; ++i, out += phases_x_ * plane_) {
      for (std::int64_t y = 0; y < rows_; ++y) {
        const std::int64_t row = top + y * stride_ + i;
        const std::int64_t near_row = std::clamp<std::int64_t>(row, 0, planes.height - 1);
        const T* const from =
            replicate || row == near_row ? plane + near_row * planes.width : nullptr;
        T* const to = out + y * pitch_;
        if (stride_ == 1) {
          copy_row(from, planes.width, left, pitch_, planes.padding_mode, to);
          continue;
        }
        copy_row(from, planes.width, left, pitch_ * stride_, planes.padding_mode, row_buffer);
        if (stride_ == 2 && phases_x_ == 2) {
          tiles.split_pairs(row_buffer, pitch_, to, to + plane_);
          continue;
        }
        for (int j = 0; j < phases_x_; ++j) {
          for (std::int64_t x = 0; x < pitch_; ++x) {
            to[j * plane_ + x] = row_buffer[x * stride_ + j];
          }
        }
      }
    }
  }
}

template void Window::fill(const ConvTiles<float>&, const Planes<float>&, int, std::int64_t,
                           std::int64_t, float*, float*) const;
template void Window::fill(const ConvTiles<double>&, const Planes<double>&, int, std::int64_t,
                           std::int64_t, double*, double*) const;

}  // namespace pisr::kernels::cpu
