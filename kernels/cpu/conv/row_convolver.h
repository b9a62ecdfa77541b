#pragma once

#include <cstdint>

#include "kernels/cpu/conv/conv_geometry.h"
#include "kernels/cpu/conv/conv_vector_ops.h"
#include "kernels/cpu/conv/depth_to_space.h"
#include "kernels/cpu/conv/packed_filter.h"
#include "kernels/cpu/conv/winograd.h"

namespace pisr::kernels::cpu {

/// A rectangle of positions.
struct PositionTile {
  std::int64_t row, rows, column, columns;
};

/// What the rows of a tile read.
///
/// window_row(y) gives the window of the first position of the row y; where there is no input
/// transform, the rows after it lie `pitch` behind each other. transformed_rows(y) applies the
/// input transform for the rows y and y + 1 and gives its result. Both are valid until the next
/// call.
template <class WindowRow, class TransformedRows>
struct RowSource {
  std::int64_t pitch;
  WindowRow window_row;
  TransformedRows transformed_rows;
};
template <class WindowRow, class TransformedRows>
RowSource(std::int64_t, WindowRow, TransformedRows) -> RowSource<WindowRow, TransformedRows>;

/// Where pixels go: the first one of a tile to y[0].
template <class T>
struct PixelTarget {
  T* y;
  T* before;  ///< laid out like y; may be null
  std::int64_t pitch, channel_stride;
  Store store;
};

/// How many columns before a tile F(2 x 2, 3 x 3) begins, with an even one of the image.
inline int skipped_columns(const PositionTile& tile) {
  return static_cast<int>(tile.column % 2);
}

/// Computes tiles of one group of one image, rows one by one or, by Winograd, two at a time.
template <class T>
class RowConvolver {
 public:
  /// depth has 4 depth_row_size(geometry, depth_pitch) elements: for two rows, of the result and of
  /// what the activation is applied to. No tile has more than depth_pitch columns.
  RowConvolver(const ConvGeometry& geometry, const InputTransform& transform,
               const ConvFilters<T>& filters, std::int64_t group, T* depth,
               std::int64_t depth_pitch)
      : geometry_(geometry),
        transform_(transform),
        filters_(filters),
        group_(group),
        depth_(depth),
        depth_pitch_(depth_pitch) {}

  /// For positions that are one pixel each.
  template <class Source>
  void to_pixels(const Source& source, const PositionTile& tile,
                 const PixelTarget<T>& target) const {
    const auto pass = [&](const FilterBank<T>& bank, const T* input, std::int64_t y,
                          std::int64_t rows) {
      ConvolvePass<T> p = pass_of(bank.filters[0], group_);
      p.rows = rows;
      p.columns = tile.columns;
      p.input = input;
      p.input_pitch = source.pitch;
      const std::int64_t first = (y - tile.row) * target.pitch;
      p.out = target.y + first;
      p.before = target.before == nullptr ? nullptr : target.before + first;
      p.out_pitch = target.pitch;
      p.out_channel_stride = target.channel_stride;
      p.store = target.store;
      return p;
    };
    if (transform_.empty()) {
      ops_.convolve(pass(filters_.direct, source.window_row(tile.row), tile.row, tile.rows));
      return;
    }
    for_each_row(
        geometry_, tile.row, tile.row + tile.rows,
        [&](std::int64_t y) { ops_.convolve(pass(filters_.direct, source.window_row(y), y, 1)); },
        [&](std::int64_t y, WantedRows wanted) {
          ConvolvePass<T> two = pass(filters_.winograd, source.transformed_rows(y), y, 2);
          if (!transform_.is_square()) {
            ops_.winograd.convolve(two, wanted);
            return;
          }
          const int skipped = skipped_columns(tile);
          two.columns += skipped;
          two.out -= skipped;
          two.before = two.before == nullptr ? nullptr : two.before - skipped;
          ops_.winograd.square_convolve(two, wanted, skipped > 0);
        });
  }

  /// For positions of several pixels: by depth to space into the image y [out_channels, out_height,
  /// out_width] of the group and, where it is not null, into `before`.
  template <class Source>
  void to_image(const Source& source, const PositionTile& tile, T* y, T* before,
                Store store) const {
    const auto direct = [&](std::int64_t row) {
      const T* const input = source.window_row(row);
      for_each_pass(filters_.direct, input, tile.columns, before != nullptr,
                    [&](const ConvolvePass<T>& pass) { ops_.convolve(pass); });
      put(0, row, tile, y, before, store);
    };
    if (transform_.empty()) {
      for (std::int64_t row = tile.row; row < tile.row + tile.rows; ++row) {
        direct(row);
      }
      return;
    }
    for_each_row(geometry_, tile.row, tile.row + tile.rows, direct,
                 [&](std::int64_t row, WantedRows wanted) {
                   const T* const input = source.transformed_rows(row);
                   for_each_pass(
                       filters_.winograd, input, tile.columns, before != nullptr,
                       [&](const ConvolvePass<T>& pass) { ops_.winograd.convolve(pass, wanted); });
                   if (wanted.upper) {
                     put(0, row, tile, y, before, store);
                   }
                   if (wanted.lower) {
                     put(1, row + 1, tile, y, before, store);
                   }
                 });
  }

 private:
  T* depth(int row, bool is_before) const {
    return depth_ + (2 * row + (is_before ? 1 : 0)) * depth_row_size(geometry_, depth_pitch_);
  }

  template <class Run>
  void for_each_pass(const FilterBank<T>& bank, const T* input, std::int64_t columns,
                     bool has_before, const Run& run) const {
    std::int64_t out = 0;
    for (std::int64_t f = 0; f < bank.count; ++f) {
      ConvolvePass<T> p = pass_of(bank.filters[f], group_);
      p.rows = 1;
      p.columns = columns;
      p.input = input;
      p.out = depth(0, false) + out;
      p.before = has_before ? depth(0, true) + out : nullptr;
      p.out_pitch = depth(1, false) - depth(0, false);
      p.out_channel_stride = depth_pitch_;
      p.store = Store::write;
      run(p);
      out += bank.filters[f].channels * depth_pitch_;
    }
  }

  void put(int depth_row, std::int64_t row, const PositionTile& tile, T* y, T* before,
           Store store) const {
    const auto put_one = [&](bool is_before, T* image) {
      const DepthRow<T> from{depth(depth_row, is_before), depth_pitch_, row, tile.column,
                             tile.columns};
      depth_to_space(ops_, geometry_, from, image, store);
    };
    put_one(false, y);
    if (before != nullptr) {
      put_one(true, before);
    }
  }

  const ConvVectorOps<T>& ops_ = conv_vector_ops<T>();
  const ConvGeometry& geometry_;
  const InputTransform& transform_;
  const ConvFilters<T>& filters_;
  std::int64_t group_;
  T* depth_;
  std::int64_t depth_pitch_;
};

}  // namespace pisr::kernels::cpu
