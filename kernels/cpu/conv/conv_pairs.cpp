#include "kernels/cpu/conv/conv_pairs.h"

#include <algorithm>

namespace pisr::kernels::cpu {
namespace {

/// Three taps save most, and a single one saves nothing.
int piece_size(int remaining) {
  return remaining == 2 || remaining == 4 ? 2 : std::min(remaining, 3);
}

}  // namespace

PairRows::PairRows(Launcher& launcher, const Window& window, int channels, int kernel_height,
                   int stride, bool shorter_columns)
    : window_(window),
      channels_(channels),
      kernel_height_(kernel_height),
      stride_(stride),
      phases_x_(window.phases_x()) {
  pieces_ = launcher.scratch_array<RowPiece>(static_cast<std::size_t>(2 * kernel_height));
  const auto add_column = [&](int phase, int first, int taps) {
    for (int done = 0; done < taps;) {
      const int size = piece_size(taps - done);
      pieces_[count_++] = {phase, first + done, size, taps, slots_};
      slots_ += size + 1;
      done += size;
    }
  };
  for (int phase = 0; phase < std::min(stride, kernel_height); ++phase) {
    add_column(phase, 0, static_cast<int>(ceil_divide(kernel_height - phase, stride)));
  }
  if (shorter_columns) {
    add_column(0, 1, kernel_height - 1);
  }
  channel_stride_ = std::int64_t{phases_x_} * slots_ * window.pitch();
}

template <class T>
void PairRows::fill(const ConvVectorOps<T>& tiles, const T* window, std::int64_t row,
                    T* out) const {
  for (int c = 0; c < channels_; ++c) {
    for (int j = 0; j < phases_x_; ++j) {
      for (const RowPiece& piece : *this) {
        const T* const plane = window + window_.offset(c, piece.phase, j);
        PairSource<T> from{{}, window_.pitch(), 0, false};
        for (int i = 0; i <= piece.count; ++i) {
          const std::int64_t at =
              std::clamp<std::int64_t>(row + piece.first + i, 0, window_.rows() - 1);
          from.rows[static_cast<std::size_t>(i)] = plane + at * window_.pitch();
        }
        tiles.pair_rows(from, piece.count, 1, window_.pitch(), out + offset(c, j, piece.slot), 0);
      }
    }
  }
}

template <class T>
void PairRows::fill(const ConvVectorOps<T>& tiles, const Planes<T>& planes, int channels,
                    std::int64_t top, std::int64_t left, T* out) const {
  const bool replicate = planes.padding_mode == PaddingMode::replicate;
  for (int c = 0; c < channels; ++c) {
    for (const RowPiece& piece : *this) {
      PairSource<T> from{{}, planes.width, left, replicate};
      for (int i = 0; i <= piece.count; ++i) {
        const std::int64_t row = top + piece.phase + std::int64_t{piece.first + i} * stride_;
        from.rows[static_cast<std::size_t>(i)] =
            replicate || (row >= 0 && row < planes.height) ? planes.row(c, row) : nullptr;
      }
      tiles.pair_rows(from, piece.count, stride_, window_.pitch(), out + offset(c, 0, piece.slot),
                      slots_ * window_.pitch());
    }
    for (std::int64_t i = 0; i < 2 * stride_; ++i) {
      planes.prefetch(c, top + stride_ + kernel_height_ + i, left, window_.pitch() * stride_);
    }
  }
}

template void PairRows::fill(const ConvVectorOps<float>&, const float*, std::int64_t, float*) const;
template void PairRows::fill(const ConvVectorOps<double>&, const double*, std::int64_t,
                             double*) const;
template void PairRows::fill(const ConvVectorOps<float>&, const Planes<float>&, int, std::int64_t,
                             std::int64_t, float*) const;
template void PairRows::fill(const ConvVectorOps<double>&, const Planes<double>&, int, std::int64_t,
                             std::int64_t, double*) const;

}  // namespace pisr::kernels::cpu
