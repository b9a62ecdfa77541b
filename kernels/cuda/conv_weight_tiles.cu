// A block has 8 channels of the large image and 56 of the small one: a tile of 16 x 16 pixels of
// the small image is 57 KB, what it looks at with stride 2 is 40 KB, and they meet in 25 x 8 x 56 x
// 256 products, 2.9 million or 59 operations a byte. A warp has four taps: of two it takes the 8
// channels as the 16 rows of a product, its columns are the filters and its depth the pixels, so
// that 56 channels leave nothing idle. Tiles go to parts in turn; a second pass adds the parts.

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "kernels/cuda/conv_primitives.h"
#include "kernels/cuda/conv_tiles.h"
#include "kernels/cuda/fast_divide.h"
#include "kernels/cuda/late_sums.h"
#include "kernels/cuda/tensor_core.h"

namespace pisr::kernels::PISR_CUDA_NAMESPACE {
namespace {

constexpr int kThreads = 256, kWarps = kThreads / kWarpSize;
constexpr int kSide = 16, kPixels = kSide * kSide;
constexpr int kChannels = 8, kFilterTiles = 7, kFilters = kFilterTiles * 8;
constexpr int kPairsOfWarp = 2, kMostTaps = 2 * kPairsOfWarp * kWarps;
constexpr int kSmallPitch = kPixels + 4;  // 4 modulo 32: no bank conflicts
constexpr int kMostParts = 36;  // with 7 blocks each, about as many as a card has room for
constexpr std::size_t kMostShared = 99 << 10;  // of sm_86

struct WeightJob {
  ConvSizes sizes;
  const float* large;
  const float* small;
  float* partial;  // [parts, taps, in_channels, out_channels]
  int parts, tiles_x, tiles;
  std::int64_t all_tiles;
  int columns_of_step, row_pitch, plane_pitch;  // of the large tile, as in conv_tiles.cu
  FastDivide tile_width;
  int tile_height;

  __host__ __device__ int taps() const { return sizes.kernel_height * sizes.kernel_width; }
  std::size_t shared_bytes() const {
    return (std::size_t{kFilters} * kSmallPitch + std::size_t{kChannels} * plane_pitch) *
           sizeof(float);
  }
};

__device__ __forceinline__ void load_large(const WeightJob& job, std::int64_t image,
                                           int first_channel, int first_y, int first_x,
                                           float* tile) {
  const ConvSizes& sizes = job.sizes;
  const int width = job.tile_width.divisor();
  const std::int64_t plane = std::int64_t{sizes.in_height} * sizes.in_width;
  for (int i = static_cast<int>(threadIdx.x); i < job.tile_height * width; i += kThreads) {
    const int row = job.tile_width.quotient(i), column = i - row * width;
    int y = first_y + row, x = first_x + column;
    if (sizes.padding_mode == PaddingMode::replicate) {
      y = y < 0 ? 0 : y < sizes.in_height ? y : sizes.in_height - 1;
      x = x < 0 ? 0 : x < sizes.in_width ? x : sizes.in_width - 1;
    }
    const bool inside = y >= 0 && y < sizes.in_height && x >= 0 && x < sizes.in_width;
    const float* source = job.large + (image * sizes.in_channels + first_channel) * plane +
                          std::int64_t{y} * sizes.in_width + x;
    float* target = tile + row * job.row_pitch + column % sizes.stride * job.columns_of_step +
                    column / sizes.stride;
    PISR_UNROLL
    for (int channel = 0; channel < kChannels; ++channel) {
      const bool there = inside && first_channel + channel < sizes.in_channels;
      target[channel * job.plane_pitch] = there ? to_tf32(source[channel * plane]) : 0;
    }
  }
}

// Each thread has one pixel.
__device__ __forceinline__ void load_small(const WeightJob& job, std::int64_t image,
                                           int first_filter, int first_y, int first_x,
                                           float* tile) {
  const ConvSizes& sizes = job.sizes;
  const std::int64_t plane = std::int64_t{sizes.out_height} * sizes.out_width;
  const auto pixel = static_cast<int>(threadIdx.x);
  const int y = first_y + pixel / kSide, x = first_x + pixel % kSide;
  const bool inside = y < sizes.out_height && x < sizes.out_width;
  const float* source = job.small + (image * sizes.out_channels + first_filter) * plane +
                        std::int64_t{y} * sizes.out_width + x;
  for (int first = 0; first < kFilters; first += 8) {
    PISR_UNROLL
    for (int i = 0; i < 8; ++i) {
      const int filter = first + i;
      const bool there = inside && first_filter + filter < sizes.out_channels;
      tile[filter * kSmallPitch + pixel] = there ? to_tf32(source[filter * plane]) : 0;
    }
  }
}

__global__ void __launch_bounds__(kThreads, 2) conv_weight_tiles_kernel(WeightJob job) {
  PISR_DYNAMIC_SHARED(float, small_tile);
  float* large_tile = small_tile + kFilters * kSmallPitch;
  static_assert(kThreads == kPixels);
  const ConvSizes& sizes = job.sizes;
  const int first_channel = static_cast<int>(blockIdx.y) * kChannels;
  const int first_filter = static_cast<int>(blockIdx.z) * kFilters;
  const int warp = static_cast<int>(threadIdx.x) / kWarpSize;
  const int lane = static_cast<int>(threadIdx.x) % kWarpSize, group = lane / 4, member = lane % 4;
  const int taps = job.taps();

  // The pairs of taps of a warp, and where the pixel of a tap lies behind that of the first.
  int tap[kPairsOfWarp][2], shift[kPairsOfWarp][2];
  PISR_UNROLL
  for (int pair = 0; pair < kPairsOfWarp; ++pair) {
    PISR_UNROLL
    for (int i = 0; i < 2; ++i) {
      tap[pair][i] = 2 * (warp + pair * kWarps) + i;
      const int existing = tap[pair][i] < taps ? tap[pair][i] : 0;
      const int row = existing / sizes.kernel_width, column = existing % sizes.kernel_width;
      shift[pair][i] =
          row * job.row_pitch + column % sizes.stride * job.columns_of_step + column / sizes.stride;
    }
  }

  float sum[kPairsOfWarp][kFilterTiles][4] = {};
  for (std::int64_t tile = blockIdx.x; tile < job.all_tiles; tile += job.parts) {
    const std::int64_t image = tile / job.tiles;
    const int place = static_cast<int>(tile - image * job.tiles);
    const int y = place / job.tiles_x * kSide, x = place % job.tiles_x * kSide;
    load_small(job, image, first_filter, y, x, small_tile);
    load_large(job, image, first_channel, y * sizes.stride - sizes.padding,
               x * sizes.stride - sizes.padding, large_tile);
    __syncthreads();
    for (int step = 0; step < kPixels / 8; ++step) {
      const float* pixels = large_tile + group * job.plane_pitch +
                            step / 2 * sizes.stride * job.row_pitch + step % 2 * 8 + member;
      float a[kPairsOfWarp][4];
      PISR_UNROLL
      for (int pair = 0; pair < kPairsOfWarp; ++pair) {
        PISR_UNROLL
        for (int part = 0; part < 4; ++part) {
          a[pair][part] = pixels[shift[pair][part % 2] + part / 2 * 4];
        }
      }
      PISR_UNROLL
      for (int n = 0; n < kFilterTiles; ++n) {
        const float* gradients = small_tile + (n * 8 + group) * kSmallPitch + step * 8 + member;
        const float b[2] = {gradients[0], gradients[4]};
        PISR_UNROLL
        for (int pair = 0; pair < kPairsOfWarp; ++pair) {
          multiply_tf32(sum[pair][n], a[pair], b);
        }
      }
    }
    __syncthreads();  // everybody has done with this tile
  }

  const int channel = first_channel + group;
  PISR_UNROLL
  for (int pair = 0; pair < kPairsOfWarp; ++pair) {
    PISR_UNROLL
    for (int n = 0; n < kFilterTiles; ++n) {
      PISR_UNROLL
      for (int part = 0; part < 4; ++part) {
        const int filter = first_filter + n * 8 + 2 * member + part % 2;
        const int its_tap = tap[pair][part / 2];
        if (its_tap < taps && channel < sizes.in_channels && filter < sizes.out_channels) {
          const std::int64_t row = std::int64_t{blockIdx.x} * taps + its_tap;
          job.partial[(row * sizes.in_channels + channel) * sizes.out_channels + filter] =
              sum[pair][n][part];
        }
      }
    }
  }
}

WeightJob weight_job(const ConvSizes& sizes) {
  WeightJob job = {};
  job.sizes = sizes;
  job.tile_height = (kSide - 1) * sizes.stride + sizes.kernel_height;
  job.tile_width = FastDivide((kSide - 1) * sizes.stride + sizes.kernel_width);
  job.columns_of_step = (job.tile_width.divisor() + sizes.stride - 1) / sizes.stride;
  job.row_pitch = job.columns_of_step * sizes.stride;
  job.plane_pitch = (job.tile_height * job.row_pitch + 27) / 32 * 32 + 4;
  return job;
}

}  // namespace

bool tiles_take_to_weight(const ConvSizes& sizes) {
  // Fewer taps would leave warps idle, fewer filters tensor cores.
  return sizes.groups == 1 && sizes.in_channels >= kChannels && sizes.out_channels > 16 &&
         sizes.kernel_height * sizes.kernel_width > kMostTaps / 2 &&
         sizes.kernel_height * sizes.kernel_width <= kMostTaps &&
         weight_job(sizes).shared_bytes() <= kMostShared;
}

void tiles_to_weight(Queue& queue, const ConvSizes& sizes, const float* large, const float* small,
                     float* weight, Store how, LateSums<float>* later) {
  WeightJob job = weight_job(sizes);
  job.large = large;
  job.small = small;
  job.tiles_x = (sizes.out_width + kSide - 1) / kSide;
  job.tiles =
      count_32(std::int64_t{job.tiles_x} * ((sizes.out_height + kSide - 1) / kSide), "tiles");
  job.all_tiles = sizes.batch * job.tiles;
  job.parts = static_cast<int>(std::min<std::int64_t>(kMostParts, job.all_tiles));
  const std::int64_t count = std::int64_t{job.taps()} * sizes.in_channels * sizes.out_channels;
  job.partial = queue.scratch_array<float>(static_cast<std::size_t>(job.parts * count));
  const dim3 blocks(static_cast<unsigned>(job.parts), block_count(sizes.in_channels, kChannels),
                    block_count(sizes.out_channels, kFilters));
  launch_with_shared(queue, conv_weight_tiles_kernel, blocks, kThreads, job.shared_bytes(), job);
  leave_or_finish(queue,
                  {{weight, how, job.partial, nullptr, job.parts, count, 1, sizes.in_channels,
                    sizes.out_channels}},
                  later);
}

}  // namespace pisr::kernels::PISR_CUDA_NAMESPACE
