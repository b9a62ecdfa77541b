#include "kernels/cpu/conv/winograd.h"

#include <algorithm>

#include "kernels/cpu/conv/rounding.h"

namespace pisr::kernels::cpu {
namespace {

/// F(2,3) saves most, and F(2,1) saves nothing.
int piece_size(int remaining) {
  return remaining == 2 || remaining == 4 ? 2 : std::min(remaining, 3);
}

}  // namespace

bool use_winograd(const ConvGeometry& g) {
  constexpr int kLeastResults = 4;
  constexpr int kLeastTaps = 40;
  return g.kernel_height > g.stride &&
         std::int64_t{g.out_channels} * g.upscale * g.upscale >= kLeastResults &&
         std::int64_t{g.channels} * g.kernel_height * g.kernel_width >= kLeastTaps;
}

bool is_square(const ConvGeometry& g) {
  constexpr int kLeastChannels = 24;
  constexpr int kLeastResults = 8;
  return g.kernel_height == 3 && g.kernel_width == 3 && g.stride == 1 && g.upscale == 1 &&
         g.channels >= kLeastChannels && g.out_channels >= kLeastResults;
}

bool transforms_source(const ConvGeometry& g) {
  return g.stride <= 2 && g.kernel_width >= g.stride;
}

bool reads_inside(const ConvGeometry& g, std::int64_t y) {
  return g.top + y * g.stride >= 0 && g.top + (y + 1) * g.stride + g.kernel_height <= g.height;
}

InputTransform::InputTransform(Launcher& launcher, const Window& window, int channels,
                               int kernel_height, int stride, bool shorter_columns)
    : window_(window),
      channels_(channels),
      kernel_height_(kernel_height),
      stride_(stride),
      residues_x_(window.residues_x()) {
  pieces_ = launcher.scratch_array<WinogradPiece>(std::size_t{2} *
                                                  static_cast<std::size_t>(kernel_height));
  const auto add_column = [&](int residue, int first, int taps) {
    for (int done = 0; done < taps;) {
      const int size = piece_size(taps - done);
      pieces_[count_++] = {residue, first + done, size, taps, rows_};
      rows_ += size + 1;
      done += size;
    }
  };
  for (int residue = 0; residue < std::min(stride, kernel_height); ++residue) {
    add_column(residue, 0, static_cast<int>(ceil_divide(kernel_height - residue, stride)));
  }
  if (shorter_columns) {
    add_column(0, 1, kernel_height - 1);
  }
  channel_stride_ = std::int64_t{residues_x_} * rows_ * window.pitch();
}

InputTransform::InputTransform(const Window& window, int channels, std::int64_t columns, int lanes)
    : window_(window),
      pairs_(round_up(ceil_divide(columns, 2), lanes)),
      channels_(channels),
      kernel_height_(3) {}

template <class T>
void InputTransform::apply(const ConvVectorOps<T>& ops, const T* window, std::int64_t row,
                           std::int64_t column, T* out) const {
  if (is_square()) {
    for (int c = 0; c < channels_; ++c) {
      WinogradInputRows<T> from{{}, window_.pitch(), column, false};
      for (int i = 0; i < 4; ++i) {
        const std::int64_t at = std::clamp<std::int64_t>(row + i, 0, window_.rows() - 1);
        from.rows[static_cast<std::size_t>(i)] =
            window + window_.offset(c, 0, 0) + at * window_.pitch();
      }
      ops.winograd.square_transform(from, pairs_, out + square_offset(c, 0), component_stride());
    }
    return;
  }
  for (int c = 0; c < channels_; ++c) {
    for (int j = 0; j < residues_x_; ++j) {
      for (const WinogradPiece& piece : *this) {
        const T* const plane = window + window_.offset(c, piece.residue, j);
        WinogradInputRows<T> from{{}, window_.pitch(), 0, false};
        for (int i = 0; i <= piece.taps; ++i) {
          const std::int64_t at =
              std::clamp<std::int64_t>(row + piece.first + i, 0, window_.rows() - 1);
          from.rows[static_cast<std::size_t>(i)] = plane + at * window_.pitch();
        }
        ops.winograd.input_transform(from, piece.taps, 1, window_.pitch(),
                                     out + offset(c, j, piece.first_row), 0);
      }
    }
  }
}

template <class T>
void InputTransform::apply(const ConvVectorOps<T>& ops, const Planes<T>& planes, int channels,
                           std::int64_t top, std::int64_t left, T* out) const {
  const bool replicate = planes.padding_mode == PaddingMode::replicate;
  const auto row_of = [&](int c, std::int64_t row) {
    return replicate || (row >= 0 && row < planes.height) ? planes.row(c, row) : nullptr;
  };
  for (int c = 0; c < channels; ++c) {
    if (is_square()) {
      const WinogradInputRows<T> from{
          {row_of(c, top), row_of(c, top + 1), row_of(c, top + 2), row_of(c, top + 3)},
          planes.width,
          left,
          replicate};
      ops.winograd.square_transform(from, pairs_, out + square_offset(c, 0), component_stride());
    }
    for (const WinogradPiece& piece : *this) {
      WinogradInputRows<T> from{{}, planes.width, left, replicate};
      for (int i = 0; i <= piece.taps; ++i) {
        from.rows[static_cast<std::size_t>(i)] =
            row_of(c, top + piece.residue + std::int64_t{piece.first + i} * stride_);
      }
      ops.winograd.input_transform(from, piece.taps, stride_, window_.pitch(),
                                   out + offset(c, 0, piece.first_row), rows_ * window_.pitch());
    }
    // What the next two rows of positions read besides.
    for (std::int64_t i = 0; i < std::int64_t{2} * stride_; ++i) {
      planes.prefetch(c, top + stride_ + kernel_height_ + i, left, window_.pitch() * stride_);
    }
  }
}

InputTransform input_transform(Launcher& launcher, const ConvGeometry& geometry,
                               const Window& window, std::int64_t columns, int lanes) {
  if (is_square(geometry)) {
    return {window, geometry.channels, columns, lanes};
  }
  return use_winograd(geometry)
             ? InputTransform(launcher, window, geometry.channels, geometry.kernel_height,
                              geometry.stride, geometry.shorter_columns)
             : InputTransform();
}

template void InputTransform::apply(const ConvVectorOps<float>&, const float*, std::int64_t,
                                    std::int64_t, float*) const;
template void InputTransform::apply(const ConvVectorOps<double>&, const double*, std::int64_t,
                                    std::int64_t, double*) const;
template void InputTransform::apply(const ConvVectorOps<float>&, const Planes<float>&, int,
                                    std::int64_t, std::int64_t, float*) const;
template void InputTransform::apply(const ConvVectorOps<double>&, const Planes<double>&, int,
                                    std::int64_t, std::int64_t, double*) const;

}  // namespace pisr::kernels::cpu
