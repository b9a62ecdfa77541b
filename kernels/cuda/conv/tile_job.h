#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/conv_args.h"
#include "kernels/cuda/conv/destination.h"
#include "kernels/cuda/fast_divide.h"
#include "kernels/cuda/language.h"

/// What all direct convolutions by tiles of the image share, in fp32 and in TF32. A block owns a
/// rectangle of results. It loads the window of the source under them into shared memory, a chunk
/// of channels at a time. There it applies all taps to the window. One group only.
namespace pisr::kernels::PISR_CUDA_NAMESPACE {

/// The results that use the same taps: all of them, or with the stride of a transposed convolution
/// one residue class of rows and of columns (stride_residue.h). Result (row, column) sums over taps
/// (i, j), which are counted in the direction of the source. It reads source[row step + first_y +
/// i, column step + first_x + j].
struct TileResidue {
  int rows, columns;
  int first_y, first_x, taps_y, taps_x;
  int offset_y, offset_x;         // of its first result in the target
  int weight_row, weight_column;  // of its first tap in the kernel
  std::int64_t packed_at;         // word at which its packed weights begin

  FastDivide divide_taps, divide_row;  // by taps() and taps_x, at least 1; set by fit_tile

  __host__ __device__ int taps() const { return taps_y * taps_x; }
};

/// A convolution as a set of residues, and the layout of its tiles in shared memory.
struct TileJob {
  static constexpr int kMostStride = 4, kMostResidues = kMostStride * kMostStride;

  int residue_count;
  const float* source;
  int channels, source_height, source_width;
  int step;         // in the source, between neighbouring results
  bool replicate;   // padding mode; otherwise zero
  int filters;      // channels of the results; with cells, channels times pixels of a cell
  int target_step;  // in the target, between neighbouring results
  int target_channels, target_height, target_width;
  int kernel_height, kernel_width;
  int weight_step;                // in the kernel, between neighbouring taps
  FastDivide cell, cell_columns;  // pixels and columns of a cell (merged_transpose_job), or 1
  int weight_of_filter, weight_of_channel;
  Destination<float> target;
  TileResidue residues[kMostResidues];

  // Chosen by fit_tile.
  int rows_of_tile, columns_of_tile;            // of results
  int tiles_x, tiles;                           // of the largest residue
  int tile_height;                              // of the source's tile
  FastDivide tile_width;                        // of the source's tile
  FastDivide divide_step;                       // by step
  FastDivide float4s_of_row;                    // row_pitch / 4
  int columns_of_step, row_pitch, plane_pitch;  // of the source's tile, in floats
  int filters_of_block, blocks_of_filters;
  int filter_pitch;          // words of weights for a channel and a tap
  int padded_channels;       // rounded up to what is multiplied at once
  int chunk;                 // channels in shared memory at once
  int most_taps;             // of a residue
  std::size_t shared_bytes;  // for a chunk of the source and its weights

  /// Words of the weights of a chunk: channels, taps and filters of a block.
  __host__ __device__ int weights_of_chunk() const { return chunk * most_taps * filter_pitch; }
  /// Words of all weights of a residue, one block of filters after the other.
  __host__ __device__ std::int64_t weights_of_residue() const {
    return std::int64_t{blocks_of_filters} * padded_channels * most_taps * filter_pitch;
  }

  /// Channel and pixel of the cell of filter number channel cell + row cell_columns + column.
  struct Filter {
    int channel, row, column;
  };
  __device__ __forceinline__ Filter find(int filter) const {
    const int channel = cell.quotient(filter), pixel = filter - channel * cell.divisor();
    const int row = cell_columns.quotient(pixel);
    return {channel, row, pixel - row * cell_columns.divisor()};
  }

  /// Where the weights of a filter are; a thread computes it once for all taps.
  struct FilterWeights {
    int first;        // index of the filter's first weight
    int row, column;  // of the first tap in the kernel; outside it if there is no such filter
  };
  __device__ __forceinline__ FilterWeights weights_of(const TileResidue& residue,
                                                      int filter) const {
    constexpr int kOutside = -(1 << 30);
    if (filter >= filters) {
      return {0, kOutside, 0};
    }
    const Filter place = find(filter);
    return {place.channel * weight_of_filter, residue.weight_row + place.row,
            residue.weight_column + place.column};
  }
  /// The index of a tap's weight. Negative where the weight is zero: outside the kernel, and for
  /// filters and channels that are padding.
  __device__ __forceinline__ int find_weight(const FilterWeights& of, int channel, int i,
                                             int j) const {
    const int row = of.row + i * weight_step, column = of.column + j * weight_step;
    const bool exists = channel < channels &&
                        static_cast<unsigned>(row) < static_cast<unsigned>(kernel_height) &&
                        static_cast<unsigned>(column) < static_cast<unsigned>(kernel_width);
    return exists ? of.first + channel * weight_of_channel + row * kernel_width + column : -1;
  }

  /// Where the results of a filter go in one image; a thread computes it once.
  struct FilterTarget {
    int rows, columns;   // of the target, from the filter's pixel of a cell on; 0: no filter
    std::int64_t first;  // index of that pixel of the first cell
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

  /// Applies the epilogue to the results of kRows neighbouring rows and of the columns `column`,
  /// column + gap, ... and stores them. Results beyond the target are dropped.
  template <int kRows, int kColumns>
  __device__ __forceinline__ void store(const TileResidue& residue, const FilterTarget& to, int row,
                                        int column, int gap, float (&sums)[kRows][kColumns]) const {
    const int first_y = row * target_step + residue.offset_y;
    const int first_x = column * target_step + residue.offset_x;
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
    if (target.store == Store::add) {
      for_each(target.y + first, [](const float& pixel, float& sum) { sum += pixel; });
    }
    for_each(target.y + first, [](float& pixel, float sum) { pixel = sum; });
  }
};

/// conv_forward and conv_transpose (zero padding only) as jobs without source and target. The
/// stride is at most kMostStride.
TileJob forward_job(const ConvSizes& sizes);
TileJob transpose_job(const ConvSizes& sizes);

/// transpose_job for few channels, with all residues merged into one. A cell of merged x merged
/// pixels of the small image covers a cell of the large one, `side` = stride merged pixels wide.
/// The pixels of that large cell become filters of one result: in_channels side^2 of them. All of
/// them read the same window of small pixels. Row u of the small image, counted from the cell's
/// first, contributes to row r of the large cell by kernel row r + padding - stride u. Outside the
/// kernel the weight is zero.
TileJob merged_transpose_job(const ConvSizes& sizes, int merged);

/// The tiles that a kernel asks for.
struct TileShape {
  int rows, columns;           // of results, of a block
  int filters;                 // of a block
  int channels;                // multiplied at once; a chunk is a multiple of it
  int plane_unit, plane_rest;  // plane_pitch is plane_rest modulo plane_unit
  std::size_t most_shared;     // bytes that a block may use
  int filter_pitch = 0;        // words of weights for a channel and a tap; 0: as many as filters
  int row_pitch = 0;           // of the source's tile, at least; 0: as narrow as possible
};

/// Chooses the layout of the tiles, and the number of channels of source and weights that shared
/// memory holds at once. Returns false if it holds none.
bool fit_tile(TileJob& job, const TileShape& shape);

/// [tiles of all images, blocks of filters, residues]
dim3 tile_blocks(const TileJob& job, std::int64_t batch);

/// Which results belong to this block of tile_blocks.
struct TilePlace {
  std::int64_t image;
  int row, column;  // of the first result, in the residue

  __device__ __forceinline__ explicit TilePlace(const TileJob& job)
      : image(blockIdx.x / job.tiles) {
    const int place = static_cast<int>(blockIdx.x) % job.tiles;
    row = place / job.tiles_x * job.rows_of_tile;
    column = place % job.tiles_x * job.columns_of_tile;
  }
};

/// `job` with its source and its target.
inline TileJob with_images(TileJob job, const float* source, const Destination<float>& target) {
  job.source = source;
  job.target = target;
  return job;
}

}  // namespace pisr::kernels::PISR_CUDA_NAMESPACE
