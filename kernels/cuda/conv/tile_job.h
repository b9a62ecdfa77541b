#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/conv_args.h"
#include "kernels/cuda/conv/destination.h"
#include "kernels/cuda/fast_divide.h"
#include "kernels/cuda/runtime/language.h"

/// What convolutions of one group by tiles of the image have in common, whatever multiplies: a
/// block owns a rectangle of results, brings the part of the source that they look at into shared
/// memory, channels by channels, and meets it with all taps there.
namespace pisr::kernels::PISR_CUDA_NAMESPACE {

/// Results that meet the same taps: result (row, column) sums over taps (i, j), counted in the
/// direction of the source, source (row step + first_y + i, column step + first_x + j).
struct TilePhase {
  int rows, columns;
  int first_y, first_x, taps_y, taps_x;
  int offset_y, offset_x;         // of its first result in the target
  int weight_row, weight_column;  // of its first tap in the kernel
  std::int64_t packed_at;         // of its weights in those the kernel made for itself, in words

  FastDivide divide_taps, divide_row;  // by taps and taps_x, or 1; fit_tile sets them

  __host__ __device__ int taps() const { return taps_y * taps_x; }
};

/// A convolution as phases, and how its tiles lie in shared memory.
struct TileJob {
  static constexpr int kMostStride = 4, kMostPhases = kMostStride * kMostStride;

  int phase_count;
  const float* source;
  int channels, source_height, source_width;
  int step;         // from a result's source to that of the next
  bool replicate;   // the padding
  int filters;      // results' channels, or what stands for them in merged_to_large_job
  int target_step;  // from a result's place in the target to the next
  int target_channels, target_height, target_width;
  int kernel_height, kernel_width;
  int weight_step;                // from a tap to the next in the kernel
  FastDivide cell, cell_columns;  // pixels of a channel that are filters of one result
  int weight_of_filter, weight_of_channel;
  Destination<float> target;
  TilePhase phases[kMostPhases];

  // What fit_tile decides.
  int rows_of_tile, columns_of_tile;  // of results
  int tiles_x, tiles;                 // of the largest phase
  int tile_height;                    // of the source's tile
  FastDivide tile_width;              // of the source's tile
  FastDivide divide_step;
  FastDivide fours_of_row;                      // row_pitch / 4
  int columns_of_step, row_pitch, plane_pitch;  // of the source's tile, in floats
  int filters_of_block, blocks_of_filters;
  int filter_pitch;          // words of the weights of a channel and tap
  int padded_channels;       // with those that fill up the last group
  int chunk;                 // channels in shared memory at once
  int most_taps;             // of a phase
  std::size_t shared_bytes;  // of a chunk of the source and of its weights

  /// Words of the weights of a chunk, [channels, taps, filters of a block] in any order.
  __host__ __device__ int weights_of_chunk() const { return chunk * most_taps * filter_pitch; }
  /// Words of all weights of a phase, those of a block of filters together.
  __host__ __device__ std::int64_t weights_of_phase() const {
    return std::int64_t{blocks_of_filters} * padded_channels * most_taps * filter_pitch;
  }

  /// Filter number (channel cell + row) cell_columns + column.
  struct Filter {
    int channel, row, column;
  };
  __device__ __forceinline__ Filter find(int filter) const {
    const int channel = cell.quotient(filter), pixel = filter - channel * cell.divisor();
    const int row = cell_columns.quotient(pixel);
    return {channel, row, pixel - row * cell_columns.divisor()};
  }

  /// The weights of a filter; found once for all that a thread needs of it.
  struct FilterWeights {
    int first;        // of its kernel, of all channels
    int row, column;  // of the first tap in the kernel; outside, if there is no such filter
  };
  __device__ __forceinline__ FilterWeights weights_of(const TilePhase& phase, int filter) const {
    constexpr int kOutside = -(1 << 30);
    if (filter >= filters) {
      return {0, kOutside, 0};
    }
    const Filter place = find(filter);
    return {place.channel * weight_of_filter, phase.weight_row + place.row,
            phase.weight_column + place.column};
  }
  /// Where the weight of a tap is; negative, for a zero, outside the kernel and for filters and
  /// channels that only fill up.
  __device__ __forceinline__ int find_weight(const FilterWeights& of, int channel, int i,
                                             int j) const {
    const int row = of.row + i * weight_step, column = of.column + j * weight_step;
    const bool exists = channel < channels &&
                        static_cast<unsigned>(row) < static_cast<unsigned>(kernel_height) &&
                        static_cast<unsigned>(column) < static_cast<unsigned>(kernel_width);
    return exists ? of.first + channel * weight_of_channel + row * kernel_width + column : -1;
  }

  /// Where the results of a filter go, of one image; found once for all that a thread has of it.
  struct FilterTarget {
    int rows, columns;   // of the target, from the filter's pixel of a cell on; none: no filter
    std::int64_t first;  // that pixel of the first cell
    ChannelDestination<float> channel;
  };
  __device__ __forceinline__ FilterTarget target_of(std::int64_t image, int filter) const {
    const bool exists = filter < filters;
    const Filter place = find(exists ? filter : 0);
    const std::int64_t plane = image * target_channels + place.channel;
    return {exists ? target_height - place.row : 0, target_width - place.column,
            (plane * target_height + place.row) * target_width + place.column,
            target.of(place.channel)};
  }

  /// Stores a result; those beyond the target are dropped.
  __device__ __forceinline__ void store(const TilePhase& phase, const FilterTarget& to, int row,
                                        int column, float sum) const {
    float sums[1][1] = {{sum}};
    store(phase, to, row, column, 0, sums);
  }
  /// Stores the results of kRows neighbouring rows and of columns `column`, column + gap, ... What
  /// is the same for all is asked once.
  template <int kRows, int kColumns>
  __device__ __forceinline__ void store(const TilePhase& phase, const FilterTarget& to, int row,
                                        int column, int gap, float (&sums)[kRows][kColumns]) const {
    const int first_y = row * target_step + phase.offset_y;
    const int first_x = column * target_step + phase.offset_x;
    const std::int64_t first = to.first + std::int64_t{first_y} * target_width + first_x;
    const int next_row = target_step * target_width, next_column = target_step * gap;
    const auto for_each = [&](float* pixel, const auto& body) {
      PISR_UNROLL
      for (int i = 0; i < kRows; ++i, pixel += next_row) {
        PISR_UNROLL
        for (int j = 0; j < kColumns; ++j) {
          if (first_y + i * target_step < to.rows && first_x + j * next_column < to.columns) {
            body(pixel[j * next_column], sums[i][j]);
          }
        }
      }
    };
    PISR_UNROLL
    for (int i = 0; i < kRows; ++i) {
      PISR_UNROLL
      for (int j = 0; j < kColumns; ++j) {
        sums[i][j] += to.channel.bias;
      }
    }
    if (target.before != nullptr) {
      for_each(target.before + first, [](float& pixel, float sum) { pixel = sum; });
    }
    PISR_UNROLL
    for (int i = 0; i < kRows; ++i) {
      PISR_UNROLL
      for (int j = 0; j < kColumns; ++j) {
        sums[i][j] = to.channel.activated(sums[i][j]);
      }
    }
    if (target.how == Store::add) {
      for_each(target.y + first, [](const float& pixel, float& sum) { sum += pixel; });
    }
    for_each(target.y + first, [](float& pixel, float sum) { pixel = sum; });
  }
};

/// small = conv2d(large) and large = the transposed map of it with zero padding, as jobs without
/// source and target. No stride beyond kMostStride.
TileJob to_small_job(const ConvSizes& sizes);
TileJob to_large_job(const ConvSizes& sizes);

/// to_large_job for few channels, without phases. A cell of merged x merged pixels of the small
/// image and the cell of side = stride merged pixels of the large one that begins at the same place
/// make one result, whose filters are the pixels of the large cell: in_channels side^2. All look at
/// the same window of small pixels, and where one does not meet a pixel its weight is zero: row u
/// of the small image, counted from the cell's first, and row r of the large cell meet in row
/// r + padding - stride u of the kernel.
TileJob merged_to_large_job(const ConvSizes& sizes, int merged);

/// What a kernel's tiles are like.
struct TileShape {
  int rows, columns;           // of results, of a block
  int filters;                 // of a block
  int channels;                // of the least that is multiplied at once
  int plane_unit, plane_rest;  // plane_pitch is plane_rest modulo plane_unit
  std::size_t most_shared;     // bytes of a block
  int filter_pitch = 0;        // words of the weights of a channel and tap; 0: as many as filters
  int row_pitch = 0;           // of the source's tile; 0: as narrow as it can be
};

/// Decides how tiles lie and how many channels of the source and of the weights fit. Whether any
/// do.
bool fit_tile(TileJob& job, const TileShape& shape);

/// [tiles of all images, blocks of filters, phases]
dim3 tile_blocks(const TileJob& job, std::int64_t batch);

/// Which results a block of tile_blocks has.
struct TilePlace {
  std::int64_t image;
  int row, column;  // of the first result, in the phase

  __device__ __forceinline__ explicit TilePlace(const TileJob& job)
      : image(blockIdx.x / job.tiles) {
    const int place = static_cast<int>(blockIdx.x) % job.tiles;
    row = place / job.tiles_x * job.rows_of_tile;
    column = place % job.tiles_x * job.columns_of_tile;
  }
};

/// Starts to bring what the results of this block look at into shared memory, [chunk, plane_pitch],
/// in a plane row after row, in a row first the columns 0, step, 2 step ..., then 1, step + 1, ...:
/// neighbouring results read neighbouring numbers. The chunk's channels start with first_channel.
template <int kThreads>
__device__ __forceinline__ void load_tile(const TileJob& job, const TilePhase& phase,
                                          const TilePlace& place, int first_channel, float* tile) {
  const int width = job.tile_width.divisor();
  const int first_y = place.row * job.step + phase.first_y;
  const int first_x = place.column * job.step + phase.first_x;
  const std::int64_t plane = std::int64_t{job.source_height} * job.source_width;
  const float* image = job.source + (place.image * job.channels + first_channel) * plane;
  const int left = job.channels - first_channel, channels = left < job.chunk ? left : job.chunk;
  for (int i = static_cast<int>(threadIdx.x); i < job.tile_height * width; i += kThreads) {
    const int row = job.tile_width.quotient(i), column = i - row * width;
    int y = first_y + row, x = first_x + column;
    if (job.replicate) {
      y = y < 0 ? 0 : y < job.source_height ? y : job.source_height - 1;
      x = x < 0 ? 0 : x < job.source_width ? x : job.source_width - 1;
    }
    const int shift = job.divide_step.quotient(column);
    float* target =
        tile + row * job.row_pitch + (column - shift * job.step) * job.columns_of_step + shift;
    int channel = 0;
    if (y >= 0 && y < job.source_height && x >= 0 && x < job.source_width) {
      const float* source = image + std::int64_t{y} * job.source_width + x;
      for (; channel < channels; ++channel, source += plane, target += job.plane_pitch) {
        copy_async(target, source);
      }
    }
    for (; channel < job.chunk; ++channel, target += job.plane_pitch) {
      *target = 0;
    }
  }
}

/// load_tile by 16 bytes. For that the tile's rows begin lead_of(phase) columns before the first
/// that is needed, so that four columns are in the image or none.
__host__ __device__ __forceinline__ int lead_of(const TilePhase& phase) {
  return phase.first_x & 3;
}
/// Whether that can be: most images are as wide as a multiple of four. After fit_tile.
bool can_load_fours(const TileJob& job);
/// The first `channels` of the chunk; those up to `filled` become zeros.
template <int kThreads>
__device__ __forceinline__ void load_fours(const TileJob& job, const TilePhase& phase,
                                           const TilePlace& place, int first_channel, int channels,
                                           int filled, float* tile) {
  const int fours = job.fours_of_row.divisor();
  const std::int64_t plane = std::int64_t{job.source_height} * job.source_width / 4;
  const auto* image = reinterpret_cast<const float4*>(job.source) +
                      (place.image * job.channels + first_channel) * plane;
  for (int i = static_cast<int>(threadIdx.x); i < job.tile_height * fours; i += kThreads) {
    const int row = job.fours_of_row.quotient(i), column = (i - row * fours) * 4;
    const int y = place.row + phase.first_y + row;
    const int x = place.column + phase.first_x - lead_of(phase) + column;
    auto* target = reinterpret_cast<float4*>(tile) + i;
    int channel = 0;
    if (y >= 0 && y < job.source_height && x >= 0 && x < job.source_width) {
      const float4* source = image + (std::int64_t{y} * job.source_width + x) / 4;
      for (; channel < channels; ++channel, source += plane, target += job.plane_pitch / 4) {
        copy_async(target, source);
      }
    }
    for (; channel < filled; ++channel, target += job.plane_pitch / 4) {
      *target = float4{0, 0, 0, 0};
    }
  }
}

/// Starts to copy `words`, a multiple of four and aligned to 16 bytes, into shared memory.
template <int kThreads>
__device__ __forceinline__ void load_words(const float* source, int words, float* target) {
  for (int i = static_cast<int>(threadIdx.x); i < words / 4; i += kThreads) {
    copy_async(reinterpret_cast<float4*>(target) + i, reinterpret_cast<const float4*>(source) + i);
  }
}

}  // namespace pisr::kernels::PISR_CUDA_NAMESPACE
