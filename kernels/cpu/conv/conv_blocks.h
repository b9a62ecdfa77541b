#pragma once

#include <algorithm>
#include <cstdint>

#include "kernels/cpu/conv/conv_filter.h"
#include "kernels/cpu/conv/conv_tiles.h"
#include "kernels/cpu/conv/conv_window.h"

namespace pisr::kernels::cpu {

/// Results of one row of positions, [block, block, out_channels, pitch].
template <class T>
struct BlockRow {
  const T* results;
  std::int64_t pitch;
  std::int64_t row, column;  ///< of the first position
  std::int64_t count;
};

/// Puts the results where they belong in `image` [out_channels, out_height, out_width], leaving out
/// those that lie outside.
template <class T>
void store_blocks(const ConvVectorOps<T>& tiles, const ConvGeometry& positions,
                  const BlockRow<T>& from, T* image, Store store) {
  const int block = positions.block;
  const int channels = positions.out_channels;
  const std::int64_t width = positions.out_width;
  const std::int64_t left = from.column * block - positions.cut;
  // The positions all of whose pixels are inside.
  const std::int64_t first =
      std::min(from.count, ceil_divide(std::max<std::int64_t>(-left, 0), block));
  const std::int64_t end = std::clamp((width - left) / block, first, from.count);
  for (int i = 0; i < block; ++i) {
    const std::int64_t y = from.row * block + i - positions.cut;
    if (y < 0 || y >= positions.out_height) {
      continue;
    }
    for (int c = 0; c < channels; ++c) {
      T* const row = image + (std::int64_t{c} * positions.out_height + y) * width;
      const T* const results = from.results + (std::int64_t{i} * block * channels + c) * from.pitch;
      const auto store_positions = [&](std::int64_t begin, std::int64_t past) {
        for (std::int64_t x = begin; x < past; ++x) {
          for (int j = 0; j < block; ++j) {
            const std::int64_t column = left + x * block + j;
            if (column >= 0 && column < width) {
              const T value = results[j * channels * from.pitch + x];
              row[column] = store == Store::add ? row[column] + value : value;
            }
          }
        }
      };
      if (block == 2) {
        tiles.join_pairs(results + first, results + channels * from.pitch + first, end - first,
                         row + left + 2 * first, store);
        store_positions(0, first);
        store_positions(end, from.count);
      } else {
        store_positions(0, from.count);
      }
    }
  }
}

/// One row of positions, and the window of its first one.
template <class T>
struct PositionRow {
  const T* input;
  std::int64_t row, column, count;
};

/// Elements that convolve_blocks needs for rows of up to `columns` positions; none where a position
/// is a pixel and results need no joining.
inline std::int64_t joined_size(const ConvGeometry& positions, std::int64_t columns) {
  const std::int64_t pixels = std::int64_t{positions.block} * positions.block;
  return pixels == 1 ? 0 : pixels * positions.out_channels * columns;
}

/// Computes the results of one row of positions of a group, or of a pair of rows, each position a
/// block of pixels, and puts them into the image y [out_channels, out_height, out_width] and, where
/// it is not null, `before`. joined has joined_size(positions, pitch) elements, pitch >= count, for
/// each row of the two images.
template <class T>
class BlockRows {
 public:
  BlockRows(const ConvVectorOps<T>& tiles, const ConvGeometry& positions,
            const FilterBanks<T>& banks, std::int64_t group, T* joined, std::int64_t pitch)
      : tiles_(tiles),
        positions_(positions),
        banks_(banks),
        group_(group),
        joined_(joined),
        pitch_(pitch) {}

  void compute(const PositionRow<T>& from, T* y, T* before, Store store) const {
    run(banks_.rows, from, before != nullptr,
        [&](const ConvolvePass<T>& pass) { tiles_.convolve(pass); });
    put(from, 0, y, before, store);
  }

  void compute_pair(const PositionRow<T>& from, PairChoice wanted, T* y, T* before,
                    Store store) const {
    run(banks_.pairs, from, before != nullptr,
        [&](const ConvolvePass<T>& pass) { tiles_.convolve_pair(pass, wanted); });
    PositionRow<T> row = from;
    if (wanted.first) {
      put(row, 0, y, before, store);
    }
    ++row.row;
    if (wanted.second) {
      put(row, 1, y, before, store);
    }
  }

 private:
  T* joined(int row, bool is_before) const {
    return joined_ + (2 * row + (is_before ? 1 : 0)) * joined_size(positions_, pitch_);
  }

  template <class Convolve>
  void run(const FilterBank<T>& bank, const PositionRow<T>& from, bool has_before,
           const Convolve& convolve) const {
    std::int64_t out = 0;
    for (std::int64_t f = 0; f < bank.count; ++f) {
      ConvolvePass<T> p = pass_of(bank.filters[f], group_);
      p.rows = 1;
      p.columns = from.count;
      p.input = from.input;
      p.out = joined(0, false) + out;
      p.before = has_before ? joined(0, true) + out : nullptr;
      p.out_pitch = joined(1, false) - joined(0, false);
      p.out_channel_stride = pitch_;
      p.store = Store::write;
      convolve(p);
      out += bank.filters[f].channels * pitch_;
    }
  }

  void put(const PositionRow<T>& from, int row, T* y, T* before, Store store) const {
    const BlockRow<T> results{joined(row, false), pitch_, from.row, from.column, from.count};
    store_blocks(tiles_, positions_, results, y, store);
    if (before != nullptr) {
      const BlockRow<T> kept{joined(row, true), pitch_, from.row, from.column, from.count};
      store_blocks(tiles_, positions_, kept, before, store);
    }
  }

  const ConvVectorOps<T>& tiles_;
  const ConvGeometry& positions_;
  const FilterBanks<T>& banks_;
  std::int64_t group_;
  T* joined_;
  std::int64_t pitch_;
};

}  // namespace pisr::kernels::cpu
