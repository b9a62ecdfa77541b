// Per block, source channel and tap of a 5x5 convolution 56 -> 56 with stride 2: 256 x 56 products
// of 1225 source pixels and 25 x 56 weights. All 56 channels take 20.1 million products (40 MFLOP)
// for 274 KB of pixels and 314 KB of weights, 68 operations a byte; product.h would bring 1.4 MB of
// pixels into shared memory. A warp reads 8 + 14 numbers from shared memory a step of 14 x 1024
// products.

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "kernels/cuda/conv_primitives.h"
#include "kernels/cuda/conv_tiles.h"
#include "kernels/cuda/fast_divide.h"
#include "kernels/cuda/map.h"
#include "kernels/cuda/phase.h"
#include "kernels/cuda/tensor_core.h"

namespace pisr::kernels::PISR_CUDA_NAMESPACE {
namespace {

constexpr int kThreads = 256;
constexpr int kSide = 16;      // of a tile; a warp has two rows of it
constexpr int kStep = 8;       // channels of one instruction
constexpr int kFragment = 64;  // words of a fragment b
constexpr int kMostStride = 4, kMostPhases = kMostStride * kMostStride;
constexpr std::size_t kMostShared = 96 << 10;  // sm_86 has 99 KB, and of sm_90 two blocks fit

// Results that meet the same taps: result (row, column) sums over taps (i, j), counted in the
// direction of the source, source (row step + first_y + i, column step + first_x + j).
struct TilePhase {
  int rows, columns;
  int first_y, first_x, taps_y, taps_x;
  int offset_y, offset_x;               // of its first result in the target
  int weight_of_row, weight_of_column;  // from tap to tap
  std::int64_t weight_at;               // of its first tap
  std::int64_t packed_at;               // in words

  __host__ __device__ int taps() const { return taps_y * taps_x; }
};

struct TileJob {
  int phase_count;
  const float* source;
  int channels, source_height, source_width;
  int step;         // from a result's source to that of the next
  bool replicate;   // the padding
  int filters;      // results' channels
  int target_step;  // from a result's place in the target to the next
  int target_height, target_width;
  int tiles_x, tiles;                           // of the largest phase
  int columns_of_step, row_pitch, plane_pitch;  // of the source's tile, in floats
  FastDivide tile_width;                        // of the source's tile
  int tile_height;
  int chunk;       // channels in shared memory at once
  int chunk_taps;  // of the phase with the most
  std::int64_t weight_of_filter, weight_of_channel;
  const float* packed;  // the weights
  Destination<float> target;
  TilePhase phases[kMostPhases];

  __host__ __device__ int steps() const { return (channels + kStep - 1) / kStep; }
};

// Weights as fragments b, rounded: [phase, blocks of filters, channels / 8, taps, kFilterTiles].
template <int kFilterTiles>
struct PackWeights {
  FastDivide fragments;  // of a tap: kFilterTiles
  TileJob job;
  const float* weight;
  float* packed;

  __device__ void operator()(std::int64_t phase_index, std::int64_t index) const {
    const TilePhase& phase = job.phases[phase_index];
    const int words = job.steps() * phase.taps() * kFilterTiles * kFragment;
    const int block = words == 0 ? 0 : static_cast<int>(index / words);
    if (words == 0 || block * kFilterTiles * 8 >= job.filters) {
      return;
    }
    const int word = static_cast<int>(index - std::int64_t{block} * words);
    const int lane = word / 2 % kWarpSize, fragment = word / kFragment;
    const int tap_of_step = fragments.quotient(fragment);
    const int filter =
        (block * kFilterTiles + fragment - tap_of_step * kFilterTiles) * 8 + lane / 4;
    const int step = tap_of_step / phase.taps(), tap = tap_of_step - step * phase.taps();
    const int channel = step * kStep + lane % 4 + word % 2 * 4;
    const int i = tap / phase.taps_x, j = tap - i * phase.taps_x;
    float value = 0;
    if (filter < job.filters && channel < job.channels) {
      value = weight[filter * job.weight_of_filter + channel * job.weight_of_channel +
                     phase.weight_at + i * phase.weight_of_row + j * phase.weight_of_column];
    }
    packed[phase.packed_at + index] = to_tf32(value);
  }
};

// What the results of this block look at, [channels of the chunk, plane_pitch], in a plane row
// after row, in a row first the columns 0, step, 2 step ..., then 1, step + 1, ...: neighbouring
// results read neighbouring numbers. plane_pitch is 8 modulo 32 against bank conflicts.
__device__ __forceinline__ void load_tile(const TileJob& job, const float* image, int first_y,
                                          int first_x, int first_channel, float* tile) {
  const int width = job.tile_width.divisor();
  const std::int64_t plane = std::int64_t{job.source_height} * job.source_width;
  for (int i = static_cast<int>(threadIdx.x); i < job.tile_height * width; i += kThreads) {
    const int row = job.tile_width.quotient(i), column = i - row * width;
    int y = first_y + row, x = first_x + column;
    if (job.replicate) {
      y = y < 0 ? 0 : y < job.source_height ? y : job.source_height - 1;
      x = x < 0 ? 0 : x < job.source_width ? x : job.source_width - 1;
    }
    const bool inside = y >= 0 && y < job.source_height && x >= 0 && x < job.source_width;
    const float* source = image + first_channel * plane + std::int64_t{y} * job.source_width + x;
    float* target =
        tile + row * job.row_pitch + column % job.step * job.columns_of_step + column / job.step;
    for (int channel = 0; channel < job.chunk; ++channel) {
      if (inside && first_channel + channel < job.channels) {
        copy_async(target + channel * job.plane_pitch, source + channel * plane);
      } else {
        target[channel * job.plane_pitch] = 0;
      }
    }
  }
}

__device__ __forceinline__ void load_weights(const float* packed, int words, float* weights) {
  for (int i = static_cast<int>(threadIdx.x); i < words / 4; i += kThreads) {
    copy_async(reinterpret_cast<float4*>(weights) + i, reinterpret_cast<const float4*>(packed) + i);
  }
}

template <int kFilterTiles>
__global__ void __launch_bounds__(kThreads, 2) conv_tiles_kernel(TileJob job) {
  PISR_DYNAMIC_SHARED(float, weights);
  float* tile = weights + job.chunk / kStep * job.chunk_taps * kFilterTiles * kFragment;
  const TilePhase& phase = job.phases[blockIdx.z];
  const std::int64_t image = blockIdx.x / job.tiles;
  const int place = static_cast<int>(blockIdx.x) % job.tiles;
  const int tile_row = place / job.tiles_x * kSide, tile_column = place % job.tiles_x * kSide;
  if (tile_row >= phase.rows || tile_column >= phase.columns) {
    return;
  }
  const float* source = job.source + image * job.channels * job.source_height * job.source_width;
  const float* packed =
      job.packed + phase.packed_at +
      std::int64_t{blockIdx.y} * job.steps() * phase.taps() * kFilterTiles * kFragment;
  const int warp = static_cast<int>(threadIdx.x) / kWarpSize;
  const int lane = static_cast<int>(threadIdx.x) % kWarpSize, group = lane / 4, member = lane % 4;
  const float* corner =
      tile + member * job.plane_pitch + 2 * warp * job.step * job.row_pitch + group;

  float sum[2][kFilterTiles][4] = {};
  const int words_of_step = phase.taps() * kFilterTiles * kFragment;
  for (int first = 0; first < job.channels && phase.taps() > 0; first += job.chunk) {
    const int steps =
        (job.channels - first < job.chunk ? job.channels - first + kStep - 1 : job.chunk) / kStep;
    load_tile(job, source, tile_row * job.step + phase.first_y,
              tile_column * job.step + phase.first_x, first, tile);
    load_weights(packed + std::int64_t{first / kStep} * words_of_step, steps * words_of_step,
                 weights);
    copy_wait();
    __syncthreads();
    const float2* b = reinterpret_cast<const float2*>(weights) + lane;
    for (int step = 0; step < steps; ++step) {
      for (int i = 0; i < phase.taps_y; ++i) {
        const float* row = corner + step * kStep * job.plane_pitch + i * job.row_pitch;
        int shift = 0, column = 0;  // j = shift step + column
        for (int j = 0; j < phase.taps_x; ++j) {
          const float* pixels = row + column * job.columns_of_step + shift;
          float a[2][4];
          PISR_UNROLL
          for (int m = 0; m < 2; ++m) {
            PISR_UNROLL
            for (int part = 0; part < 4; ++part) {
              a[m][part] = to_tf32(pixels[m * job.step * job.row_pitch + part % 2 * 8 +
                                          part / 2 * 4 * job.plane_pitch]);
            }
          }
          PISR_UNROLL
          for (int n = 0; n < kFilterTiles; ++n) {
            const float2 pair = b[n * kWarpSize];
            const float right[2] = {pair.x, pair.y};
            multiply_tf32(sum[0][n], a[0], right);
            multiply_tf32(sum[1][n], a[1], right);
          }
          b += kFilterTiles * kWarpSize;
          if (++column == job.step) {
            column = 0;
            ++shift;
          }
        }
      }
    }
    __syncthreads();  // everybody has done with this chunk
  }

  PISR_UNROLL
  for (int m = 0; m < 2; ++m) {
    const int row = tile_row + 2 * warp + m;
    PISR_UNROLL
    for (int n = 0; n < kFilterTiles; ++n) {
      PISR_UNROLL
      for (int part = 0; part < 4; ++part) {
        const int column = tile_column + group + part / 2 * 8;
        const int filter =
            (static_cast<int>(blockIdx.y) * kFilterTiles + n) * 8 + 2 * member + part % 2;
        if (row < phase.rows && column < phase.columns && filter < job.filters) {
          const std::int64_t y = row * job.target_step + phase.offset_y;
          const int x = column * job.target_step + phase.offset_x;
          const std::int64_t plane = image * job.filters + filter;
          job.target.store_sum(filter, (plane * job.target_height + y) * job.target_width + x,
                               sum[m][n][part]);
        }
      }
    }
  }
}

// The source's tile and how many channels of it and of the weights fit. Whether any do.
bool fit_chunk(TileJob& job, int filter_tiles) {
  int taps_y = 1, taps_x = 1, taps = 1;
  for (int i = 0; i < job.phase_count; ++i) {
    taps_y = std::max(taps_y, job.phases[i].taps_y);
    taps_x = std::max(taps_x, job.phases[i].taps_x);
    taps = std::max(taps, job.phases[i].taps());
  }
  job.tile_height = (kSide - 1) * job.step + taps_y;
  job.tile_width = FastDivide((kSide - 1) * job.step + taps_x);
  job.columns_of_step = (job.tile_width.divisor() + job.step - 1) / job.step;
  job.row_pitch = job.columns_of_step * job.step;
  job.plane_pitch = (job.tile_height * job.row_pitch + 23) / 32 * 32 + 8;
  job.chunk_taps = taps;
  const std::size_t bytes_of_step =
      (static_cast<std::size_t>(taps) * filter_tiles * kFragment + kStep * job.plane_pitch) *
      sizeof(float);
  const auto steps =
      static_cast<int>(std::min<std::size_t>(kMostShared / bytes_of_step, job.steps()));
  job.chunk = steps * kStep;
  return steps > 0;
}

std::size_t shared_bytes(const TileJob& job, int filter_tiles) {
  return (static_cast<std::size_t>(job.chunk) / kStep * job.chunk_taps * filter_tiles * kFragment +
          static_cast<std::size_t>(job.chunk) * job.plane_pitch) *
         sizeof(float);
}

template <int kFilterTiles>
void run(Queue& queue, TileJob job, const Weight<float>& weight, std::int64_t batch) {
  fit_chunk(job, kFilterTiles);
  const int blocks_of_filters = (job.filters + kFilterTiles * 8 - 1) / (kFilterTiles * 8);
  const std::int64_t words_of_phase =
      std::int64_t{blocks_of_filters} * job.steps() * job.chunk_taps * kFilterTiles * kFragment;
  int rows = 0, columns = 0;
  for (int i = 0; i < job.phase_count; ++i) {
    job.phases[i].packed_at = i * words_of_phase;
    rows = std::max(rows, job.phases[i].rows);
    columns = std::max(columns, job.phases[i].columns);
  }
  count_32(words_of_phase, "weights");
  const auto pack = [&](float* packed) {
    map_planes(queue, job.phase_count, words_of_phase,
               PackWeights<kFilterTiles>{FastDivide(kFilterTiles), job, weight.values, packed});
  };
  job.packed = prepare<float>(queue, weight.prepared,
                              static_cast<std::size_t>(job.phase_count * words_of_phase), pack);
  job.tiles_x = (columns + kSide - 1) / kSide;
  job.tiles = count_32(std::int64_t{job.tiles_x} * ((rows + kSide - 1) / kSide), "tiles");
  const dim3 blocks(block_count(batch * job.tiles, 1), static_cast<unsigned>(blocks_of_filters),
                    static_cast<unsigned>(job.phase_count));
  launch_with_shared(queue, conv_tiles_kernel<kFilterTiles>, blocks, kThreads,
                     shared_bytes(job, kFilterTiles), job);
}

// 12 channels, and 56, are what the networks have.
constexpr int kFewTiles = 2, kManyTiles = 7;
int filter_tiles(int filters) {
  return filters <= kFewTiles * 8 ? kFewTiles : kManyTiles;
}

void run(Queue& queue, const TileJob& job, const Weight<float>& weight, std::int64_t batch) {
  if (filter_tiles(job.filters) == kFewTiles) {
    run<kFewTiles>(queue, job, weight, batch);
  } else {
    run<kManyTiles>(queue, job, weight, batch);
  }
}

TileJob to_small_job(const ConvSizes& sizes) {
  TileJob job = {};
  job.phase_count = 1;
  job.phases[0] = {sizes.out_height,
                   sizes.out_width,
                   -sizes.padding,
                   -sizes.padding,
                   sizes.kernel_height,
                   sizes.kernel_width,
                   0,
                   0,
                   sizes.kernel_width,
                   1,
                   0,
                   0};
  job.channels = sizes.in_channels;
  job.source_height = sizes.in_height;
  job.source_width = sizes.in_width;
  job.step = sizes.stride;
  job.replicate = sizes.padding_mode == PaddingMode::replicate;
  job.filters = sizes.out_channels;
  job.target_step = 1;
  job.target_height = sizes.out_height;
  job.target_width = sizes.out_width;
  job.weight_of_channel = std::int64_t{sizes.kernel_height} * sizes.kernel_width;
  job.weight_of_filter = job.weight_of_channel * sizes.in_channels;
  return job;
}

TileJob to_large_job(const ConvSizes& sizes) {
  TileJob job = {};
  const int stride = sizes.stride;
  job.phase_count = stride * stride;
  for (int i = 0; i < job.phase_count; ++i) {
    const Phase rows(i / stride, sizes.in_height, sizes.kernel_height, stride, sizes.padding);
    const Phase columns(i % stride, sizes.in_width, sizes.kernel_width, stride, sizes.padding);
    // The taps are counted from the last.
    const int last_row = rows.first_tap + (rows.taps - 1) * stride;
    const int last_column = columns.first_tap + (columns.taps - 1) * stride;
    job.phases[i] = {rows.count,
                     columns.count,
                     rows.first - (rows.taps - 1),
                     columns.first - (columns.taps - 1),
                     rows.taps,
                     columns.taps,
                     rows.offset,
                     columns.offset,
                     -stride * sizes.kernel_width,
                     -stride,
                     std::int64_t{last_row} * sizes.kernel_width + last_column,
                     0};
  }
  job.channels = sizes.out_channels;
  job.source_height = sizes.out_height;
  job.source_width = sizes.out_width;
  job.step = 1;
  job.filters = sizes.in_channels;
  job.target_step = stride;
  job.target_height = sizes.in_height;
  job.target_width = sizes.in_width;
  job.weight_of_filter = std::int64_t{sizes.kernel_height} * sizes.kernel_width;
  job.weight_of_channel = job.weight_of_filter * sizes.in_channels;
  return job;
}

bool takes(const ConvSizes& sizes) {
  return sizes.groups == 1 && sizes.in_channels >= kStep && sizes.out_channels >= kStep &&
         sizes.stride <= kMostStride;
}

}  // namespace

bool tiles_take_to_small(const ConvSizes& sizes) {
  if (!takes(sizes)) {
    return false;
  }
  TileJob job = to_small_job(sizes);
  return fit_chunk(job, filter_tiles(job.filters));
}

bool tiles_take_to_large(const ConvSizes& sizes) {
  if (!takes(sizes)) {
    return false;
  }
  TileJob job = to_large_job(sizes);
  return fit_chunk(job, filter_tiles(job.filters));
}

void tiles_to_small(Queue& queue, const ConvSizes& sizes, const float* large,
                    const Weight<float>& weight, const Destination<float>& small) {
  TileJob job = to_small_job(sizes);
  job.source = large;
  job.target = small;
  run(queue, job, weight, sizes.batch);
}

void tiles_to_large(Queue& queue, const ConvSizes& sizes, const float* small,
                    const Weight<float>& weight, const Destination<float>& large) {
  TileJob job = to_large_job(sizes);
  job.source = small;
  job.target = large;
  run(queue, job, weight, sizes.batch);
}

}  // namespace pisr::kernels::PISR_CUDA_NAMESPACE
