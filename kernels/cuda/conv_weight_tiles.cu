// A block has up to 256 elements of the patch, so many channels of the large image times all taps,
// and 16 or 56 filters. The elements are the rows of a product, the filters its columns and the
// 16 x 16 pixels of a tile its depth. For 5x5 56 -> 56 with stride 2 a tile of the small image is
// 57 KB, what it looks at in 8 channels is 40 KB, and they meet in 200 x 56 x 256 products, 2.9
// million or 59 operations a byte; product.h would bring each number of the large image there for
// each tap. A warp reads 8 + 14 numbers from shared memory a step of 14 x 1024 products. Where the
// rows are too few for eight warps, groups of warps share the pixels. Tiles go to parts in turn; a
// second pass adds the parts.

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "kernels/cuda/conv_primitives.h"
#include "kernels/cuda/conv_weight_tiles.h"
#include "kernels/cuda/fast_divide.h"
#include "kernels/cuda/late_sums.h"
#include "kernels/cuda/prelu_part.h"
#include "kernels/cuda/tensor_core.h"

namespace pisr::kernels::PISR_CUDA_NAMESPACE {
namespace {

constexpr int kThreads = 256, kWarps = kThreads / kWarpSize;
constexpr int kSide = 16, kPixels = kSide * kSide, kSteps = kPixels / 8;
constexpr int kRowTiles = 2;  // of a warp, 16 rows each
constexpr int kMostRows = kWarps * kRowTiles * 16;
constexpr int kSmallPitch = kPixels + 4;       // 4 modulo 32: no bank conflicts
constexpr int kChannelsAtOnce = 4;             // that a thread loads of a pixel of the large image
constexpr int kMostBlocks = 264;               // two for each multiprocessor of an H200
constexpr std::size_t kMostShared = 98 << 10;  // sm_86 has 99 KB, the sums of a PReLU take 1 KB

struct WeightJob {
  ConvSizes sizes;
  const float* large;
  const float* small;
  float* partial;  // [parts, out_channels, in_channels, taps]
  int parts, tiles_x, tiles;
  std::int64_t all_tiles;
  int channels;  // of a block
  FastDivide stride, taps, rows;
  int columns_of_step, row_pitch, plane_pitch;  // of the large tile, as in tile_job.h
  FastDivide tile_width, tile_pixels;

  __host__ __device__ int small_floats(int filters) const { return filters * kSmallPitch; }
  std::size_t shared_bytes(int filters) const {
    return (static_cast<std::size_t>(small_floats(filters)) +
            static_cast<std::size_t>(channels) * plane_pitch) *
           sizeof(float);
  }
};

// In a row of the tile first the columns 0, stride, 2 stride ..., then 1, stride + 1, ...
__device__ __forceinline__ int place_in_row(const WeightJob& job, int column) {
  const int whole = job.stride.quotient(column);
  return (column - whole * job.stride.divisor()) * job.columns_of_step + whole;
}

__device__ __forceinline__ void load_large(const WeightJob& job, std::int64_t image,
                                           int first_channel, int first_y, int first_x,
                                           float* tile) {
  const ConvSizes& sizes = job.sizes;
  const std::int64_t plane = std::int64_t{sizes.in_height} * sizes.in_width;
  const float* const source = job.large + (image * sizes.in_channels + first_channel) * plane;
  const int left = sizes.in_channels - first_channel;
  const int channels = job.channels < left ? job.channels : left;
  const int loads = (channels + kChannelsAtOnce - 1) / kChannelsAtOnce * job.tile_pixels.divisor();
  for (int i = static_cast<int>(threadIdx.x); i < loads; i += kThreads) {
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
    const float* from = source + channel * plane + (y * sizes.in_width + x);
    float* to = tile + channel * job.plane_pitch + row * job.row_pitch + place_in_row(job, column);
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
        *to = to_tf32(values[k]);
      }
    }
  }
}

struct PreluSums {
  double of_slope, of_bias;
};

// The tile of the small image, of which a warp has every eighth filter.
template <int kFilterTiles, bool kPrelu>
class SmallTile {
 public:
  // `sums`, of all filters, are in shared memory; those of a filter belong to its warp.
  __device__ SmallTile(const WeightJob& job, const PreluPart<float>& prelu, int first_filter,
                       PreluSums* sums)
      : job_(job), prelu_(prelu), first_filter_(first_filter), sums_(sums) {
    if (kPrelu && lane() == 0) {
      for (int filter = warp(); filter < kFilterTiles * 8; filter += kWarps) {
        sums[filter] = {};
      }
    }
  }

  __device__ __forceinline__ void load(std::int64_t image, int first_y, int first_x, float* tile) {
    const ConvSizes& sizes = job_.sizes;
    const int y = first_y + lane() / kSide, x = first_x + lane() % kSide;
    for (int filter = warp(); filter < kFilterTiles * 8; filter += kWarps) {
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
        target[p * kWarpSize] = to_tf32(values[p]);
      }
    }
  }

  // The sums over all tiles.
  __device__ __forceinline__ void store_sums(int part) const {
    const int channel = first_filter_ + static_cast<int>(threadIdx.x);
    if (threadIdx.x < kFilterTiles * 8 && channel < job_.sizes.out_channels) {
      const std::int64_t at = std::int64_t{part} * job_.sizes.out_channels + channel;
      prelu_.of_slope[at] = sums_[threadIdx.x].of_slope;
      prelu_.of_bias[at] = sums_[threadIdx.x].of_bias;
    }
  }

 private:
  static constexpr int kPieces = kPixels / kWarpSize, kRowsOfPiece = kWarpSize / kSide;

  __device__ static int lane() { return static_cast<int>(threadIdx.x) % kWarpSize; }
  __device__ static int warp() { return static_cast<int>(threadIdx.x) / kWarpSize; }
  // dy becomes dz. Eight numbers are added up in float, then in double: the map is read at a tenth
  // of the speed at which this computes.
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

  const WeightJob& job_;
  const PreluPart<float>& prelu_;
  int first_filter_;
  PreluSums* sums_;
};

template <int kFilterTiles, bool kPrelu>
__global__ void __launch_bounds__(kThreads, 2)
    conv_weight_tiles_kernel(WeightJob job, PreluPart<float> prelu) {
  constexpr int kFilters = kFilterTiles * 8;
  PISR_DYNAMIC_SHARED(float, small_tile);
  float* const large_tile = small_tile + job.small_floats(kFilters);
  const ConvSizes& sizes = job.sizes;
  const int first_channel = static_cast<int>(blockIdx.y) * job.channels;
  const int first_filter = static_cast<int>(blockIdx.z) * kFilters;
  const int warp = static_cast<int>(threadIdx.x) / kWarpSize;
  const int lane = static_cast<int>(threadIdx.x) % kWarpSize, group = lane / 4, member = lane % 4;

  // `splits` groups of warps have all rows, each for other pixels.
  const int rows = job.rows.divisor(), row_tiles = (rows + 15) / 16;
  const int warps_of_split = (row_tiles + kRowTiles - 1) / kRowTiles;
  const int splits = kWarps / warps_of_split, split = warp / warps_of_split;
  const int first_row_tile = warp % warps_of_split * kRowTiles;

  // Row r is channel r % channels at tap r / channels: neighbouring rows are in planes whose pitch
  // is 4 modulo 32, so that reading them is without bank conflicts.
  int shift[kRowTiles][2];
  PISR_UNROLL
  for (int m = 0; m < kRowTiles; ++m) {
    PISR_UNROLL
    for (int i = 0; i < 2; ++i) {
      const int wanted = (first_row_tile + m) * 16 + i * 8 + group;
      const int row = wanted < rows ? wanted : 0;
      const int tap = row / job.channels, channel = row - tap * job.channels;
      const int tap_y = tap / sizes.kernel_width, tap_x = tap - tap_y * sizes.kernel_width;
      shift[m][i] = channel * job.plane_pitch + tap_y * job.row_pitch + place_in_row(job, tap_x);
    }
  }

  PISR_SHARED(PreluSums, prelu_sums, [kPrelu ? kFilters : 1]);
  SmallTile<kFilterTiles, kPrelu> small(job, prelu, first_filter, prelu_sums);
  float sum[kRowTiles][kFilterTiles][4] = {};
  for (std::int64_t tile = blockIdx.x; tile < job.all_tiles; tile += job.parts) {
    const std::int64_t image = tile / job.tiles;
    const int place = static_cast<int>(tile - image * job.tiles);
    const int y = place / job.tiles_x * kSide, x = place % job.tiles_x * kSide;
    small.load(image, y, x, small_tile);
    load_large(job, image, first_channel, y * sizes.stride - sizes.padding,
               x * sizes.stride - sizes.padding, large_tile);
    __syncthreads();
    for (int step = split < splits ? split : kSteps; step < kSteps; step += splits) {
      const float* pixels =
          large_tile + step / 2 * sizes.stride * job.row_pitch + step % 2 * 8 + member;
      float a[kRowTiles][4];
      PISR_UNROLL
      for (int m = 0; m < kRowTiles; ++m) {
        PISR_UNROLL
        for (int part = 0; part < 4; ++part) {
          a[m][part] = pixels[shift[m][part % 2] + part / 2 * 4];
        }
      }
      PISR_UNROLL
      for (int n = 0; n < kFilterTiles; ++n) {
        const float* gradients = small_tile + (n * 8 + group) * kSmallPitch + step * 8 + member;
        const float b[2] = {gradients[0], gradients[4]};
        PISR_UNROLL
        for (int m = 0; m < kRowTiles; ++m) {
          multiply_tf32(sum[m][n], a[m], b);
        }
      }
    }
    __syncthreads();  // everybody has done with this tile
  }
  if constexpr (kPrelu) {
    small.store_sums(static_cast<int>(blockIdx.x));
  }

  // [splits, rows, filters], in the place of the tile; for all warps there are kMostRows rows.
  static_assert(kMostRows <= kSmallPitch);
  const int rows_of_split = warps_of_split * kRowTiles * 16;
  if (split < splits) {
    PISR_UNROLL
    for (int m = 0; m < kRowTiles; ++m) {
      PISR_UNROLL
      for (int n = 0; n < kFilterTiles; ++n) {
        PISR_UNROLL
        for (int part = 0; part < 4; ++part) {
          const int row = split * rows_of_split + (first_row_tile + m) * 16 + part / 2 * 8 + group;
          small_tile[row * kFilters + n * 8 + 2 * member + part % 2] = sum[m][n][part];
        }
      }
    }
  }
  __syncthreads();
  for (int i = static_cast<int>(threadIdx.x); i < kFilters * rows; i += kThreads) {
    const int filter = job.rows.quotient(i), element = i - filter * rows;
    const int channel = job.taps.quotient(element);
    const int tap = element - channel * job.taps.divisor();
    if (first_filter + filter < sizes.out_channels && first_channel + channel < sizes.in_channels) {
      const float* const first = small_tile + (tap * job.channels + channel) * kFilters + filter;
      float total = 0;
      for (int k = 0; k < splits; ++k) {
        total += first[k * rows_of_split * kFilters];
      }
      const std::int64_t plane =
          (std::int64_t{blockIdx.x} * sizes.out_channels + first_filter + filter) *
              sizes.in_channels +
          first_channel + channel;
      job.partial[plane * job.taps.divisor() + tap] = total;
    }
  }
}

// 12 channels, and 56, are what the networks have.
constexpr int kFewTiles = 2, kManyTiles = 7;
int filters_of_block(const ConvSizes& sizes) {
  return (sizes.out_channels <= kFewTiles * 8 ? kFewTiles : kManyTiles) * 8;
}

int blocks_of_channels(const WeightJob& job) {
  return (job.sizes.in_channels + job.channels - 1) / job.channels;
}

// All but the arrays; no channels where none fit.
WeightJob weight_job(const ConvSizes& sizes) {
  WeightJob job = {};
  job.sizes = sizes;
  const int taps = sizes.kernel_height * sizes.kernel_width;
  const int height = (kSide - 1) * sizes.stride + sizes.kernel_height;
  const int width = (kSide - 1) * sizes.stride + sizes.kernel_width;
  job.stride = FastDivide(sizes.stride);
  job.taps = FastDivide(taps);
  job.tile_width = FastDivide(width);
  job.tile_pixels = FastDivide(width * height);
  job.columns_of_step = (width + sizes.stride - 1) / sizes.stride;
  job.row_pitch = job.columns_of_step * sizes.stride;
  job.plane_pitch = (height * job.row_pitch + 27) / 32 * 32 + 4;
  const int most = std::min(sizes.in_channels, kMostRows / taps);
  for (job.channels = most; job.channels > 0; --job.channels) {
    if (job.shared_bytes(filters_of_block(sizes)) <= kMostShared) {
      break;
    }
  }
  if (job.channels > 0) {
    const int blocks = blocks_of_channels(job);
    job.channels = (sizes.in_channels + blocks - 1) / blocks;
    job.rows = FastDivide(job.channels * taps);
  }
  job.tiles_x = (sizes.out_width + kSide - 1) / kSide;
  return job;
}

template <bool kPrelu>
void run(Queue& queue, const WeightJob& job, const PreluPart<float>& prelu) {
  const ConvSizes& sizes = job.sizes;
  const int filters = filters_of_block(sizes);
  const dim3 blocks(static_cast<unsigned>(job.parts),
                    static_cast<unsigned>(blocks_of_channels(job)),
                    block_count(sizes.out_channels, filters));
  auto* const kernel = filters == kFewTiles * 8 ? conv_weight_tiles_kernel<kFewTiles, kPrelu>
                                                : conv_weight_tiles_kernel<kManyTiles, kPrelu>;
  launch_with_shared(queue, kernel, blocks, kThreads, job.shared_bytes(filters), job, prelu);
}

// The job with its arrays, and the memory for its parts: as many as make about kMostBlocks blocks
// with equally many tiles each.
WeightJob ready_job(Queue& queue, const ConvSizes& sizes, const float* large, const float* small) {
  WeightJob job = weight_job(sizes);
  job.large = large;
  job.small = small;
  job.tiles =
      count_32(std::int64_t{job.tiles_x} * ((sizes.out_height + kSide - 1) / kSide), "tiles");
  job.all_tiles = sizes.batch * job.tiles;
  const std::int64_t other_blocks = std::int64_t{blocks_of_channels(job)} *
                                    block_count(sizes.out_channels, filters_of_block(sizes));
  const std::int64_t most_parts = std::max<std::int64_t>(1, kMostBlocks / other_blocks);
  const std::int64_t tiles_of_part = (job.all_tiles + most_parts - 1) / most_parts;
  job.parts =
      static_cast<int>(block_count(job.all_tiles, std::max<std::int64_t>(1, tiles_of_part)));
  const std::int64_t weights =
      std::int64_t{sizes.out_channels} * sizes.in_channels * job.taps.divisor();
  job.partial = queue.scratch_array<float>(static_cast<std::size_t>(job.parts * weights));
  return job;
}

LateSum<float> late_weight(const WeightJob& job, float* weight, Store how) {
  return {weight,
          how,
          job.partial,
          nullptr,
          job.parts,
          std::int64_t{job.sizes.out_channels} * job.sizes.in_channels * job.taps.divisor()};
}

}  // namespace

bool tiles_take_to_weight(const ConvSizes& sizes) {
  return sizes.groups == 1 && weight_job(sizes).channels > 0;
}

bool tiles_take_prelu_to_weight(const ConvSizes& sizes) {
  return tiles_take_to_weight(sizes) && blocks_of_channels(weight_job(sizes)) == 1;
}

void tiles_to_weight(Queue& queue, const ConvSizes& sizes, const float* large, const float* small,
                     float* weight, Store how, LateSums<float>* later) {
  const WeightJob job = ready_job(queue, sizes, large, small);
  run<false>(queue, job, {});
  leave_or_finish(queue, {late_weight(job, weight, how)}, later);
}

void tiles_prelu_to_weight(Queue& queue, const ConvPreluBackwardArgs<float>& args) {
  const ConvBackwardWeightArgs<float>& conv = args.conv;
  const WeightJob job = ready_job(queue, conv.sizes, conv.x, conv.dy);
  const PreluPart<float> prelu = prelu_part(queue, args, job.parts);
  run<true>(queue, job, prelu);
  LateSums<float> late = late_prelu_sums(prelu, args, job.parts);
  late.push_back(late_weight(job, conv.dweight, conv.dweight_store));
  leave_or_finish(queue, late, conv.later);
}

}  // namespace pisr::kernels::PISR_CUDA_NAMESPACE
