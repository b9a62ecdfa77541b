#include "kernels/cpu/conv_pairs.h"

#include <algorithm>

namespace pisr::kernels::cpu {
namespace {

/// Three taps save most, and a single one saves nothing.
int piece_size(int remaining) {
  return remaining == 2 || remaining == 4 ? 2 : std::min(remaining, 3);
}

}  // namespace

PairRows::PairRows(Queue& queue, const Window& window, int channels, int kernel_height, int stride,
                   bool shorter_columns)
    : window_(window), channels_(channels), stride_(stride), phases_x_(window.phases_x()) {
  pieces_ = queue.scratch_array<RowPiece>(static_cast<std::size_t>(2 * kernel_height));
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
void PairRows::fill(const ConvTiles<T>& tiles, const T* window, std::int64_t row, T* out) const {
  for (int c = 0; c < channels_; ++c) {
    for (int j = 0; j < phases_x_; ++j) {
      for (const RowPiece& piece : *this) {
        const T* const plane = window + window_.offset(c, piece.phase, j);
        std::array<const T*, 4> rows{};
        for (int i = 0; i <= piece.count; ++i) {
          const std::int64_t at =
              std::clamp<std::int64_t>(row + piece.first + i, 0, window_.rows() - 1);
          rows[static_cast<std::size_t>(i)] = plane + at * window_.pitch();
        }
        tiles.pair_rows(rows.data(), piece.count, window_.pitch(), out + offset(c, j, piece.slot));
      }
    }
  }
}

template void PairRows::fill(const ConvTiles<float>&, const float*, std::int64_t, float*) const;
template void PairRows::fill(const ConvTiles<double>&, const double*, std::int64_t, double*) const;

}  // namespace pisr::kernels::cpu
