// The work of a block: 5x5 56 -> 56 with stride 2 takes 256 x 56 products of 1225 source pixels and
// 25 x 56 weights for each channel. All 56 channels are 20.1 million products (40 MFLOP) for 274 KB
// of pixels and 314 KB of weights: 68 operations a byte. An implicit GEMM would load 1.4 MB of
// pixels.
//
// The work of a warp: four rows of 16 results. A tap with 8 channels and 56 filters is 16 + 14
// accesses to shared memory (128 bytes each) for 28 products of 16 x 8 x 8. With 16 filters it
// would be 16 + 4 accesses for 8 products. So where the number of rows of taps is known at compile
// time, the weights of a column of taps stay in registers. Each pixel read then serves all rows of
// results that use it. A column of 3x3 then is 24 + 12 accesses for 24 products, and one of the six
// of merged 9x9 48 + 24 for 48.
//
// Numbers of the source are rounded as they are read. A multiprocessor issues one access and four
// instructions a clock. A column of 3x3 is 36 accesses and 130 instructions, 48 of them for
// rounding, and a block of 12 channels has 24 such columns. Rounding the tile once in shared memory
// would add 243 accesses to those 864.

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "kernels/cuda/conv/conv_primitives.h"
#include "kernels/cuda/conv/conv_tf32_tiles.h"
#include "kernels/cuda/conv/tile_job.h"
#include "kernels/cuda/conv/tile_loads.h"
#include "kernels/cuda/fast_divide.h"
#include "kernels/cuda/map.h"
#include "kernels/cuda/tensor_core.h"

namespace pisr::kernels::PISR_CUDA_NAMESPACE {
namespace {

constexpr int kThreads = 128;
constexpr int kSide = 16;                      // of a tile
constexpr int kRows = 4;                       // of the tile, for a warp
constexpr int kStep = 8;                       // channels of one instruction
constexpr int kFragment = 64;                  // words of a fragment b
constexpr std::size_t kMostShared = 96 << 10;  // sm_86 has 99 KB; two blocks fit sm_90

// Up to so many channels times taps (3x3 of 16 channels: 144; 5x5 of 56: 1400) a block packs the
// weights itself, which spares a launch that the convolution would have to wait for. For 3x3 12 ->
// 12 a warp spends 390 instructions on it, mostly while the tile is loading, beside 780 for the
// products.
constexpr int kMostPackedByBlock = 160;

// Planes are 8 modulo 32 words apart, against bank conflicts.
bool fit(TileJob& job, int filter_tiles) {
  TileShape shape = {kSide, kSide, filter_tiles * 8, kStep, 32, 8, kMostShared};
  if (job.step == 1) {
    int width = 0;  // with the columns that load_tile_float4 adds
    for (int i = 0; i < job.residue_count; ++i) {
      width = std::max(width, lead_of(job.residues[i]) + kSide - 1 + job.residues[i].taps_x);
    }
    shape.row_pitch = (width + 3) / 4 * 4;
  }
  return fit_tile(job, shape);
}

// Packs the rounded weights as fragments b: [residues, blocks of filters, channels / 8, columns of
// taps, rows of taps, kFilterTiles].
template <int kFilterTiles>
struct PackWeights {
  FastDivide fragments;  // by kFilterTiles, the fragments of a tap
  TileJob job;
  const float* weight;
  float* packed;

  __device__ void operator()(std::int64_t residue_index, std::int64_t index) const {
    const TileResidue& residue = job.residues[residue_index];
    const int words = job.padded_channels * residue.taps() * job.filters_of_block;
    const int block = words == 0 ? 0 : static_cast<int>(index / words);
    if (words == 0 || block * kFilterTiles * 8 >= job.filters) {
      return;
    }
    const int word = static_cast<int>(index - std::int64_t{block} * words);
    const int lane = word / 2 % kWarpSize, fragment = word / kFragment;
    const int tap_of_step = fragments.quotient(fragment);
    const int filter =
        (block * kFilterTiles + fragment - tap_of_step * kFilterTiles) * 8 + lane / 4;
    const int step = tap_of_step / residue.taps(), tap = tap_of_step - step * residue.taps();
    const int channel = step * kStep + lane % 4 + word % 2 * 4;
    const int j = tap / residue.taps_y, i = tap - j * residue.taps_y;
    const int at = job.find_weight(job.weights_of(residue, filter), channel, i, j);
    packed[residue.packed_at + index] = at < 0 ? 0.0F : to_tf32(weight[at]);
  }
};

// Starts to load the fragments of a chunk from the weights as they are, not rounded. A thread has
// the same filter, and the same channel of a step, in all fragments.
template <int kFilterTiles>
__device__ __forceinline__ void load_fragments(const TileJob& job, const TileResidue& residue,
                                               const float* weight, int first_channel, int steps,
                                               float* fragments) {
  constexpr int kWords = kFilterTiles * kFragment;  // of a tap
  for (int word = static_cast<int>(threadIdx.x); word < kWords; word += kThreads) {
    const int lane = word / 2 % kWarpSize, fragment = word / kFragment;
    const int filter = (static_cast<int>(blockIdx.y) * kFilterTiles + fragment) * 8 + lane / 4;
    int channel = first_channel + lane % 4 + word % 2 * 4;
    float* target = fragments + word;
    for (int step = 0; step < steps; ++step, channel += kStep) {
      const bool exists = filter < job.filters && channel < job.channels;
      const float* column = weight + filter * job.weight_of_filter +
                            channel * job.weight_of_channel +
                            residue.weight_row * job.kernel_width + residue.weight_column;
      for (int j = 0; j < residue.taps_x; ++j, column += job.weight_step) {
        const float* tap = column;
        for (int i = 0; i < residue.taps_y; ++i, target += kWords) {
          if (exists) {
            copy_async(target, tap);
          } else {
            *target = 0;
          }
          tap += job.weight_step * job.kernel_width;
        }
      }
    }
  }
}

// Rounds what this thread has loaded of `taps` taps. To be called after copy_wait().
template <int kFilterTiles>
__device__ __forceinline__ void round_fragments(int taps, float* fragments) {
  constexpr int kWords = kFilterTiles * kFragment;
  for (int word = static_cast<int>(threadIdx.x); word < kWords; word += kThreads) {
    float* target = fragments + word;
    for (int tap = 0; tap < taps; ++tap, target += kWords) {
      *target = to_tf32(*target);
    }
  }
}

__device__ __forceinline__ void load_pixels(const float* pixels, int plane_pitch, float (&a)[4]) {
  PISR_UNROLL
  for (int part = 0; part < 4; ++part) {
    a[part] = to_tf32(pixels[part % 2 * 8 + part / 2 * 4 * plane_pitch]);
  }
}

// sum += the products with one column of taps, for a step of channels. Advances `b` to the next
// column.
template <int kFilterTiles, int kTaps, int kStepOfRows>
__device__ __forceinline__ void add_column(const TileJob& job, int taps, const float* pixels,
                                           const float2*& b, float (&sum)[kRows][kFilterTiles][4]) {
  if constexpr (kTaps > 0) {
    float right[kTaps][kFilterTiles][2];
    PISR_UNROLL
    for (int i = 0; i < kTaps; ++i) {
      PISR_UNROLL
      for (int n = 0; n < kFilterTiles; ++n) {
        const float2 pair = b[(i * kFilterTiles + n) * kWarpSize];
        right[i][n][0] = pair.x;
        right[i][n][1] = pair.y;
      }
    }
    PISR_UNROLL
    for (int row = 0; row < (kRows - 1) * kStepOfRows + kTaps; ++row) {
      float a[4];
      load_pixels(pixels, job.plane_pitch, a);
      pixels += job.row_pitch;
      PISR_UNROLL
      for (int m = 0; m < kRows; ++m) {
        const int i = row - m * kStepOfRows;
        if (i >= 0 && i < kTaps) {
          PISR_UNROLL
          for (int n = 0; n < kFilterTiles; ++n) {
            multiply_tf32(sum[m][n], a, right[i][n]);
          }
        }
      }
    }
    b += kTaps * kFilterTiles * kWarpSize;
  } else {
    const int row_of_results = job.step * job.row_pitch;
    for (int i = 0; i < taps; ++i) {
      float a[kRows][4];
      PISR_UNROLL
      for (int m = 0; m < kRows; ++m) {
        load_pixels(pixels + m * row_of_results, job.plane_pitch, a[m]);
      }
      PISR_UNROLL
      for (int n = 0; n < kFilterTiles; ++n) {
        const float2 pair = b[n * kWarpSize];
        const float right[2] = {pair.x, pair.y};
        PISR_UNROLL
        for (int m = 0; m < kRows; ++m) {
          multiply_tf32(sum[m][n], a[m], right);
        }
      }
      b += kFilterTiles * kWarpSize;
      pixels += job.row_pitch;
    }
  }
}

template <int kFilterTiles, int kTaps, int kStepOfRows>
__global__ void __launch_bounds__(kThreads, 3)
    conv_tf32_tiles_kernel(TileJob job, const float* weight, const float* all_packed,
                           bool by_float4) {
  PISR_DYNAMIC_SHARED(float, weights);
  float* tile = weights + job.weights_of_chunk();
  const TileResidue& residue = job.residues[blockIdx.z];
  const TilePlace place(job);
  if (place.row >= residue.rows || place.column >= residue.columns) {
    return;
  }
  const int words_of_step = residue.taps() * kFilterTiles * kFragment;
  const int warp = static_cast<int>(threadIdx.x) / kWarpSize;
  const int lane = static_cast<int>(threadIdx.x) % kWarpSize, group = lane / 4, member = lane % 4;
  const float* corner = tile + member * job.plane_pitch + kRows * warp * job.step * job.row_pitch +
                        group + (by_float4 ? lead_of(residue) : 0);

  float sum[kRows][kFilterTiles][4] = {};
  for (int first = 0; first < job.channels && residue.taps() > 0; first += job.chunk) {
    const int left = job.padded_channels - first;
    const int steps = (left < job.chunk ? left : job.chunk) / kStep;
    if (by_float4) {
      const int channels = job.channels - first < job.chunk ? job.channels - first : job.chunk;
      load_tile_float4<kThreads>(job, residue, place, first, channels, steps * kStep, tile);
    } else {
      load_tile<kThreads>(job, residue, place, first, tile);
    }
    if (all_packed == nullptr) {
      load_fragments<kFilterTiles>(job, residue, weight, first, steps, weights);
    } else {
      const int step = static_cast<int>(blockIdx.y) * (job.padded_channels / kStep) + first / kStep;
      load_words<kThreads>(all_packed + residue.packed_at + std::int64_t{step} * words_of_step,
                           steps * words_of_step, weights);
    }
    copy_wait();
    if (all_packed == nullptr) {
      round_fragments<kFilterTiles>(steps * residue.taps(), weights);
    }
    __syncthreads();
    const float2* b = reinterpret_cast<const float2*>(weights) + lane;
    for (int step = 0; step < steps; ++step) {
      int shift = 0, column = 0;  // j = shift step + column
      for (int j = 0; j < residue.taps_x; ++j) {
        const float* pixels =
            corner + step * kStep * job.plane_pitch + column * job.columns_of_step + shift;
        add_column<kFilterTiles, kTaps, kStepOfRows>(job, residue.taps_y, pixels, b, sum);
        if (++column == job.step) {
          column = 0;
          ++shift;
        }
      }
    }
    __syncthreads();  // no thread reads this chunk any more
  }

  PISR_UNROLL
  for (int n = 0; n < kFilterTiles; ++n) {
    PISR_UNROLL
    for (int odd = 0; odd < 2; ++odd) {
      const int filter = (static_cast<int>(blockIdx.y) * kFilterTiles + n) * 8 + 2 * member + odd;
      float sums[kRows][2];
      PISR_UNROLL
      for (int m = 0; m < kRows; ++m) {
        sums[m][0] = sum[m][n][odd];
        sums[m][1] = sum[m][n][2 + odd];
      }
      job.store(residue, job.target_of(place.image, filter), place.row + kRows * warp,
                place.column + group, 8, sums);
    }
  }
}

template <int kFilterTiles, int kTaps, int kStepOfRows>
void run(Launcher& launcher, TileJob job, const Weight<float>& weight, std::int64_t batch) {
  fit(job, kFilterTiles);
  const int words_of_residue = count_32(job.weights_of_residue(), "weights");
  for (int i = 0; i < job.residue_count; ++i) {
    job.residues[i].packed_at = std::int64_t{i} * words_of_residue;
  }
  const bool packed_by_block = weight.cache == nullptr && job.cell.divisor() == 1 &&
                               job.padded_channels * job.most_taps <= kMostPackedByBlock;
  const auto pack = [&](float* memory) {
    map_planes(launcher, job.residue_count, words_of_residue,
               PackWeights<kFilterTiles>{FastDivide(kFilterTiles), job, weight.values, memory});
  };
  const float* packed =
      packed_by_block
          ? nullptr
          : prepare<float>(launcher, weight.cache,
                           static_cast<std::size_t>(job.residue_count) * words_of_residue, pack);
  launch_with_shared(launcher, conv_tf32_tiles_kernel<kFilterTiles, kTaps, kStepOfRows>,
                     tile_blocks(job, batch), kThreads, job.shared_bytes, job, weight.values,
                     packed, can_load_float4(job));
}

// The networks have 12 and 56 channels.
constexpr int kFewTiles = 2, kManyTiles = 7;
int filter_tiles(int filters) {
  return filters <= kFewTiles * 8 ? kFewTiles : kManyTiles;
}

void run(Launcher& launcher, const TileJob& job, const Weight<float>& weight, std::int64_t batch) {
  const int taps = job.residue_count == 1 ? job.residues[0].taps_y : 0;
  if (filter_tiles(job.filters) == kManyTiles) {
    run<kManyTiles, 0, 0>(launcher, job, weight, batch);
  } else if (taps == 3 && job.step == 1) {
    run<kFewTiles, 3, 1>(launcher, job, weight, batch);
  } else if (taps == 4 && job.step == 1) {
    run<kFewTiles, 4, 1>(launcher, job, weight, batch);
  } else if (taps == 6 && job.step == 2) {
    run<kFewTiles, 6, 2>(launcher, job, weight, batch);
  } else {
    run<kFewTiles, 0, 0>(launcher, job, weight, batch);
  }
}

bool fits(TileJob job) {
  return fit(job, filter_tiles(job.filters));
}

// The 16 filters of kFewTiles cost the same whether they are used or padding, so as many residues
// are merged as fill them. For 9x9 to one channel, accesses to shared memory and products of 16 x 8
// x 8 for a pixel of the small image and a step of channels:
//   stride 2   merged 1: 25 taps,  4 filters, 7.8 and 3.1    2: 36 taps, 16 filters, 1.7 and 1.1
//   stride 3   merged 1: 16 taps,  9 filters, 2.8 and 2.0    2: 25 taps, 36 filters, 2.9 and 2.7
//   stride 4   merged 1:  9 taps, 16 filters, 1.7 and 1.1
// (36 filters take the 56 of kManyTiles.) Unmerged it would be 81 taps whose filters are mostly
// padding.
TileJob few_channels_transpose_job(const ConvSizes& sizes) {
  int merged = 1;
  for (int more = 2; sizes.in_channels * more * more * sizes.stride * sizes.stride <= kFewTiles * 8;
       ++more) {
    if (fits(merged_transpose_job(sizes, more))) {
      merged = more;
    }
  }
  return merged_transpose_job(sizes, merged);
}

TileJob tf32_transpose_job(const ConvSizes& sizes) {
  return sizes.in_channels < kStep ? few_channels_transpose_job(sizes) : transpose_job(sizes);
}

bool may_take(const ConvSizes& sizes) {
  return sizes.groups == 1 && sizes.out_channels >= kStep && sizes.stride <= TileJob::kMostStride;
}

}  // namespace

bool tf32_tiles_take_forward(const ConvSizes& sizes) {
  return may_take(sizes) && sizes.in_channels >= kStep && fits(forward_job(sizes));
}

bool tf32_tiles_take_transpose(const ConvSizes& sizes) {
  return may_take(sizes) && fits(tf32_transpose_job(sizes));
}

void tf32_tiles_forward(Launcher& launcher, const ConvSizes& sizes, const float* large,
                        const Weight<float>& weight, const Destination<float>& small) {
  run(launcher, with_images(forward_job(sizes), large, small), weight, sizes.batch);
}

void tf32_tiles_transpose(Launcher& launcher, const ConvSizes& sizes, const float* small,
                          const Weight<float>& weight, const Destination<float>& large) {
  run(launcher, with_images(tf32_transpose_job(sizes), small, large), weight, sizes.batch);
}

}  // namespace pisr::kernels::PISR_CUDA_NAMESPACE
