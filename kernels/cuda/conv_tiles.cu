// Per block, source channel and tap of a 5x5 convolution 56 -> 56 with stride 2: 256 x 56 products
// of 1225 source pixels and 25 x 56 weights. All 56 channels take 20.1 million products (40 MFLOP)
// for 274 KB of pixels and 314 KB of weights, 68 operations a byte; product.h would bring 1.4 MB of
// pixels into shared memory. A warp reads 8 + 14 numbers from shared memory a step of 14 x 1024
// products.

#include <cstddef>
#include <cstdint>

#include "kernels/cuda/conv_primitives.h"
#include "kernels/cuda/conv_tiles.h"
#include "kernels/cuda/fast_divide.h"
#include "kernels/cuda/map.h"
#include "kernels/cuda/tensor_core.h"
#include "kernels/cuda/tile_job.h"

namespace pisr::kernels::PISR_CUDA_NAMESPACE {
namespace {

constexpr int kThreads = 256;
constexpr int kSide = 16;                      // of a tile; a warp has two rows of it
constexpr int kStep = 8;                       // channels of one instruction
constexpr int kFragment = 64;                  // words of a fragment b
constexpr std::size_t kMostShared = 96 << 10;  // sm_86 has 99 KB, and of sm_90 two blocks fit

// Planes are 8 modulo 32 against bank conflicts.
constexpr TileShape tile_shape(int filter_tiles) {
  return {kSide, kSide, filter_tiles * 8, kStep, 32, 8, kMostShared};
}

// Weights as fragments b, rounded: [phase, blocks of filters, channels / 8, taps, kFilterTiles].
template <int kFilterTiles>
struct PackWeights {
  FastDivide fragments;  // of a tap: kFilterTiles
  TileJob job;
  const float* weight;
  float* packed;

  __device__ void operator()(std::int64_t phase_index, std::int64_t index) const {
    const TilePhase& phase = job.phases[phase_index];
    const int words = job.padded_channels * phase.taps() * job.filters_of_block;
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
    packed[phase.packed_at + index] = to_tf32(job.weight(phase, weight, filter, channel, i, j));
  }
};

template <int kFilterTiles>
__global__ void __launch_bounds__(kThreads, 2)
    conv_tiles_kernel(TileJob job, const float* all_packed) {
  PISR_DYNAMIC_SHARED(float, weights);
  float* tile = weights + job.weights_of_chunk();
  const TilePhase& phase = job.phases[blockIdx.z];
  const TilePlace place(job);
  if (place.row >= phase.rows || place.column >= phase.columns) {
    return;
  }
  const int words_of_step = phase.taps() * kFilterTiles * kFragment;
  const float* packed = all_packed + phase.packed_at +
                        std::int64_t{blockIdx.y} * (job.padded_channels / kStep) * words_of_step;
  const int warp = static_cast<int>(threadIdx.x) / kWarpSize;
  const int lane = static_cast<int>(threadIdx.x) % kWarpSize, group = lane / 4, member = lane % 4;
  const float* corner =
      tile + member * job.plane_pitch + 2 * warp * job.step * job.row_pitch + group;

  float sum[2][kFilterTiles][4] = {};
  for (int first = 0; first < job.channels && phase.taps() > 0; first += job.chunk) {
    const int left = job.padded_channels - first;
    const int steps = (left < job.chunk ? left : job.chunk) / kStep;
    load_tile<kThreads>(job, phase, place, first, tile);
    load_words<kThreads>(packed + std::int64_t{first / kStep} * words_of_step,
                         steps * words_of_step, weights);
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
  for (int n = 0; n < kFilterTiles; ++n) {
    PISR_UNROLL
    for (int odd = 0; odd < 2; ++odd) {
      const int filter = (static_cast<int>(blockIdx.y) * kFilterTiles + n) * 8 + 2 * member + odd;
      const TileJob::FilterTarget target = job.target_of(place.image, filter);
      PISR_UNROLL
      for (int m = 0; m < 2; ++m) {
        PISR_UNROLL
        for (int half = 0; half < 2; ++half) {
          job.store(phase, target, place.row + 2 * warp + m, place.column + group + half * 8,
                    sum[m][n][2 * half + odd]);
        }
      }
    }
  }
}

template <int kFilterTiles>
void run(Queue& queue, TileJob job, const Weight<float>& weight, std::int64_t batch) {
  fit_tile(job, tile_shape(kFilterTiles));
  const int words_of_phase = count_32(job.weights_of_phase(), "weights");
  for (int i = 0; i < job.phase_count; ++i) {
    job.phases[i].packed_at = std::int64_t{i} * words_of_phase;
  }
  const auto pack = [&](float* packed) {
    map_planes(queue, job.phase_count, words_of_phase,
               PackWeights<kFilterTiles>{FastDivide(kFilterTiles), job, weight.values, packed});
  };
  const float* packed = prepare<float>(
      queue, weight.prepared, static_cast<std::size_t>(job.phase_count) * words_of_phase, pack);
  launch_with_shared(queue, conv_tiles_kernel<kFilterTiles>, tile_blocks(job, batch), kThreads,
                     job.shared_bytes, job, packed);
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

bool fits(TileJob job) {
  return fit_tile(job, tile_shape(filter_tiles(job.filters)));
}

// A tap of a step of merged phases costs a warp, which has 32 results, 8 + 2 n reads of 128 bytes
// from shared memory and 2 n products of 16 x 8 x 8, n times 8 filters: so the 16 filters of n = 2
// are to be full. For 9x9 to one channel, reads a pixel of the small image and a step of channels:
//   stride 2   merged 1: 25 taps, 4 filters, 9.4    2: 36 taps, 16 filters, 3.4
//   stride 3   merged 1: 16 taps, 9 filters, 6.0    2: 25 taps, 36 filters (of 56), 4.3
//   stride 4   merged 1: 9 taps, 16 filters, 3.4
// By phases it would be 81 taps whose 8 filters are 7 zeros. What is beyond 16 filters is left: its
// tiles of the source are four times as large.
TileJob few_to_large_job(const ConvSizes& sizes) {
  int merged = 1;
  for (int more = 2; sizes.in_channels * more * more * sizes.stride * sizes.stride <= kFewTiles * 8;
       ++more) {
    if (fits(merged_to_large_job(sizes, more))) {
      merged = more;
    }
  }
  return merged_to_large_job(sizes, merged);
}

TileJob any_to_large_job(const ConvSizes& sizes) {
  return sizes.in_channels < kStep ? few_to_large_job(sizes) : to_large_job(sizes);
}

bool may_take(const ConvSizes& sizes) {
  return sizes.groups == 1 && sizes.out_channels >= kStep && sizes.stride <= TileJob::kMostStride;
}

}  // namespace

bool tiles_take_to_small(const ConvSizes& sizes) {
  return may_take(sizes) && sizes.in_channels >= kStep && fits(to_small_job(sizes));
}

bool tiles_take_to_large(const ConvSizes& sizes) {
  return may_take(sizes) && fits(any_to_large_job(sizes));
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
  TileJob job = any_to_large_job(sizes);
  job.source = small;
  job.target = large;
  run(queue, job, weight, sizes.batch);
}

}  // namespace pisr::kernels::PISR_CUDA_NAMESPACE
