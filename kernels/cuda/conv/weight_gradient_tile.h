#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/conv_args.h"
#include "kernels/cuda/conv/fused_prelu_gradient.h"
#include "kernels/cuda/fast_divide.h"
#include "kernels/cuda/language.h"

/// The tiles of conv_weight_gradient_tiles.h: 16 x 16 pixels of the small image in all filters of
/// the block, and the window under them of the large image in all its channels. `Accumulator`
/// (weight_gradient_accumulators.h) multiplies them; its `rounded` is applied to each number once.
namespace pisr::kernels::PISR_CUDA_NAMESPACE {

constexpr int kTileThreads = 256, kTileWarps = kTileThreads / kWarpSize;
constexpr int kTileSide = 16, kTilePixels = kTileSide * kTileSide;
constexpr int kSmallPitch = kTilePixels + 4;  ///< words of a filter; 4 modulo 32: no bank conflicts

struct WeightTileJob {
  ConvSizes sizes;
  const float* large;
  const float* small;
  float* partial;  // [parts, out_channels, in_channels, taps]
  int parts, tiles_x, tiles;
  std::int64_t all_tiles;
  int channels;  // of the large image, for a block
  FastDivide stride, taps, rows;
  // The large tile, [channels, plane_pitch], laid out as in tile_loads.h.
  int columns_of_step, row_pitch, plane_pitch;
  FastDivide tile_width, tile_pixels;

  /// A row of the tile holds the columns 0, stride, 2 stride, ..., then 1, stride + 1, ...
  __device__ __forceinline__ int place_in_row(int column) const {
    const int whole = stride.quotient(column);
    return (column - whole * stride.divisor()) * columns_of_step + whole;
  }

  /// Where, in the large tile, a row of the product finds the number that pixel 0 of the small tile
  /// is multiplied with. Row r is channel r % channels at tap r / channels; padding repeats row 0.
  __device__ int distance(int row) const {
    const int existing = row < rows.divisor() ? row : 0;
    const int tap = existing / channels, channel = existing - tap * channels;
    const int i = tap / sizes.kernel_width, j = tap - i * sizes.kernel_width;
    return channel * plane_pitch + i * row_pitch + place_in_row(j);
  }
};

template <class Accumulator>
__device__ __forceinline__ void load_large(const WeightTileJob& job, std::int64_t image,
                                           int first_channel, int first_y, int first_x,
                                           float* tile) {
  const ConvSizes& sizes = job.sizes;
  const std::int64_t plane = std::int64_t{sizes.in_height} * sizes.in_width;
  const float* const source = job.large + (image * sizes.in_channels + first_channel) * plane;
  const int left = sizes.in_channels - first_channel;
  const int channels = job.channels < left ? job.channels : left;
  constexpr int kChannelsAtOnce = 4;  // loaded by a thread, for one pixel
  const int loads = (channels + kChannelsAtOnce - 1) / kChannelsAtOnce * job.tile_pixels.divisor();
  for (int i = static_cast<int>(threadIdx.x); i < loads; i += kTileThreads) {
    const int some = job.tile_pixels.quotient(i), pixel = i - some * job.tile_pixels.divisor();
    const int row = job.tile_width.quotient(pixel);
    const int column = pixel - row * job.tile_width.divisor();
    int y = first_y + row, x = first_x + column;
    if (sizes.padding_mode == PaddingMode::replicate) {
      y = y < 0 ? 0 : y < sizes.in_height ? y : sizes.in_height - 1;
      x = x < 0 ? 0 : x < sizes.in_width ? x : sizes.in_width - 1;
    }
    const bool inside = y >= 0 && y < sizes.in_height && x >= 0 && x < sizes.in_width;
    const int channel = some * kChannelsAtOnce, here = channels - channel;
    const float* from = source + channel * plane + std::int64_t{y} * sizes.in_width + x;
    float* to = tile + channel * job.plane_pitch + row * job.row_pitch + job.place_in_row(column);
    float values[kChannelsAtOnce] = {};
    PISR_UNROLL
    for (int k = 0; k < kChannelsAtOnce; ++k, from += plane) {
      if (inside && k < here) {
        values[k] = *from;
      }
    }
    PISR_UNROLL
    for (int k = 0; k < kChannelsAtOnce; ++k, to += job.plane_pitch) {
      if (k < here) {
        *to = Accumulator::rounded(values[k]);
      }
    }
  }
}

/// What the tiles of a part add to dslope and dbias of one filter.
struct PreluSums {
  double of_slope, of_bias;
};

/// The tile of the small image. A warp loads every eighth filter.
template <class Accumulator, bool kPrelu>
class SmallTile {
 public:
  // `sums` [filters of the block] is in shared memory; only the warp of a filter touches its sums.
  __device__ SmallTile(const WeightTileJob& job, const FusedPreluGradient<float>& prelu,
                       int first_filter, PreluSums* sums)
      : job_(job), prelu_(prelu), first_filter_(first_filter), sums_(sums) {
    if (kPrelu && lane() == 0) {
      for (int filter = warp(); filter < Accumulator::kFilters; filter += kTileWarps) {
        sums[filter] = {};
      }
    }
  }

  __device__ __forceinline__ void load(std::int64_t image, int first_y, int first_x, float* tile) {
    const ConvSizes& sizes = job_.sizes;
    const int y = first_y + lane() / kTileSide, x = first_x + lane() % kTileSide;
    for (int filter = warp(); filter < Accumulator::kFilters; filter += kTileWarps) {
      const int channel = first_filter_ + filter;
      const std::int64_t at =
          ((image * sizes.out_channels + channel) * sizes.out_height + y) * sizes.out_width + x;
      const bool in_columns = channel < sizes.out_channels && x < sizes.out_width;
      bool there[kPieces];
      float values[kPieces] = {};
      PISR_UNROLL
      for (int p = 0; p < kPieces; ++p) {
        there[p] = in_columns && y + p * kRowsOfPiece < sizes.out_height;
        if (there[p]) {
          values[p] = job_.small[at + p * kRowsOfPiece * sizes.out_width];
        }
      }
      if constexpr (kPrelu) {
        pass_prelu(filter, there, at, values);
      }
      float* const target = tile + filter * kSmallPitch + lane();
      PISR_UNROLL
      for (int p = 0; p < kPieces; ++p) {
        target[p * kWarpSize] = Accumulator::rounded(values[p]);
      }
    }
  }

  // Stores the sums over all tiles of the part.
  __device__ __forceinline__ void store_sums(int part) const {
    const int channel = first_filter_ + static_cast<int>(threadIdx.x);
    if (threadIdx.x < Accumulator::kFilters && channel < job_.sizes.out_channels) {
      const std::int64_t at = std::int64_t{part} * job_.sizes.out_channels + channel;
      prelu_.of_slope[at] = sums_[threadIdx.x].of_slope;
      prelu_.of_bias[at] = sums_[threadIdx.x].of_bias;
    }
  }

 private:
  static constexpr int kPieces = kTilePixels / kWarpSize, kRowsOfPiece = kWarpSize / kTileSide;

  __device__ static int lane() { return static_cast<int>(threadIdx.x) % kWarpSize; }
  __device__ static int warp() { return static_cast<int>(threadIdx.x) / kWarpSize; }
  // Turns dy into dz. Eight numbers are summed in float and those sums in double.
  __device__ __forceinline__ void pass_prelu(int filter, const bool (&there)[kPieces],
                                             std::int64_t at, float (&values)[kPieces]) {
    const ConvSizes& sizes = job_.sizes;
    float before[kPieces] = {};
    PISR_UNROLL
    for (int p = 0; p < kPieces; ++p) {
      if (there[p]) {
        before[p] = prelu_.before[at + p * kRowsOfPiece * sizes.out_width];
      }
    }
    const int channel = first_filter_ + filter;
    const float slope = prelu_.slope_of(channel < sizes.out_channels ? channel : 0);
    float of_slope = 0, of_bias = 0;
    PISR_UNROLL
    for (int p = 0; p < kPieces; ++p) {
      const bool passes = before[p] > 0;
      of_slope += passes ? 0.0F : before[p] * values[p];
      values[p] = passes ? values[p] : slope * values[p];
      of_bias += values[p];
      if (prelu_.dz != nullptr && there[p]) {
        prelu_.dz[at + p * kRowsOfPiece * sizes.out_width] = values[p];
      }
    }
    double all_of_slope = of_slope, all_of_bias = of_bias;
    PISR_UNROLL
    for (int distance = kWarpSize / 2; distance > 0; distance /= 2) {
      all_of_slope += __shfl_down_sync(kAllLanes, all_of_slope, distance);
      all_of_bias += __shfl_down_sync(kAllLanes, all_of_bias, distance);
    }
    if (lane() == 0) {
      PreluSums& sums = sums_[filter];
      sums.of_slope += all_of_slope;
      sums.of_bias += all_of_bias;
    }
  }

  const WeightTileJob& job_;
  const FusedPreluGradient<float>& prelu_;
  int first_filter_;
  PreluSums* sums_;
};

}  // namespace pisr::kernels::PISR_CUDA_NAMESPACE
