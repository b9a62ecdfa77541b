#pragma once

#include <algorithm>
#include <cstdint>

#include "kernels/cpu/conv/conv_geometry.h"
#include "kernels/cpu/conv/conv_vector_ops.h"
#include "kernels/cpu/conv/rounding.h"

namespace pisr::kernels::cpu {

/// Results of one row of positions: [upscale, upscale, out_channels, pitch], a channel for each
/// pixel of a position.
template <class T>
struct DepthRow {
  const T* results;
  std::int64_t pitch;
  std::int64_t row, column;  ///< of the first position
  std::int64_t count;        ///< of positions
};

/// Elements of a DepthRow of `pitch` columns; none where a position is one pixel, which needs no
/// depth to space.
inline std::int64_t depth_row_size(const ConvGeometry& geometry, std::int64_t pitch) {
  const std::int64_t pixels = std::int64_t{geometry.upscale} * geometry.upscale;
  return pixels == 1 ? 0 : pixels * geometry.out_channels * pitch;
}

/// Depth to space: stores each pixel of the positions in its place of `image` [out_channels,
/// out_height, out_width]; pixels outside the image are left out.
template <class T>
void depth_to_space(const ConvVectorOps<T>& ops, const ConvGeometry& geometry,
                    const DepthRow<T>& from, T* image, Store store) {
  const int upscale = geometry.upscale;
  const int channels = geometry.out_channels;
  const std::int64_t width = geometry.out_width;
  const std::int64_t left = from.column * upscale - geometry.crop;
  // The positions all of whose pixels are inside.
  const std::int64_t first =
      std::min(from.count, ceil_divide(std::max<std::int64_t>(-left, 0), upscale));
  const std::int64_t end = std::clamp((width - left) / upscale, first, from.count);
  for (int i = 0; i < upscale; ++i) {
    const std::int64_t y = from.row * upscale + i - geometry.crop;
    if (y < 0 || y >= geometry.out_height) {
      continue;
    }
    for (int c = 0; c < channels; ++c) {
      T* const row = image + (c * geometry.out_height + y) * width;
      const T* const results =
          from.results + (std::int64_t{i} * upscale * channels + c) * from.pitch;
      const auto store_positions = [&](std::int64_t begin, std::int64_t past) {
        for (std::int64_t x = begin; x < past; ++x) {
          for (int j = 0; j < upscale; ++j) {
            const std::int64_t column = left + x * upscale + j;
            if (column >= 0 && column < width) {
              const T value = results[j * channels * from.pitch + x];
              row[column] = store == Store::add ? row[column] + value : value;
            }
          }
        }
      };
      if (upscale == 2) {
        ops.interleave(results + first, results + channels * from.pitch + first, end - first,
                       row + (left + 2 * first), store);
        store_positions(0, first);
        store_positions(end, from.count);
      } else {
        store_positions(0, from.count);
      }
    }
  }
}

}  // namespace pisr::kernels::cpu
