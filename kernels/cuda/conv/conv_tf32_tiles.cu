// Per block, source channel and tap of a 5x5 convolution 56 -> 56 with stride 2: 256 x 56 products
// of 1225 source pixels and 25 x 56 weights. All 56 channels take 20.1 million products (40 MFLOP)
// for 274 KB of pixels and 314 KB of weights, 68 operations a byte; product.h would bring 1.4 MB of
// pixels into shared memory.
//
// A warp has four rows of 16 results. For a tap, a step of 8 channels and 56 filters it accesses
// shared memory 16 + 14 times (128 bytes each) for 28 products of 16 x 8 x 8. With 16 filters that
// would be 16 + 4 accesses for 8 products; so where the rows of taps are a known number, the
// weights of a column of taps stay in registers, and what is read of a row of the source meets all
// rows of results that look at it: a column of 3x3 is 24 + 12 accesses for 24 products, one of the
// six of merged 9x9 48 + 24 for 48.
//
// Numbers of the source are rounded as they are read. A multiprocessor has one access a clock and
// four instructions: the column of 3x3 is 36 accesses and 130 instructions, 48 of them for
// rounding, and a block of 12 channels has 24 such columns. To round a tile once, in shared memory,
// would take 243 more accesses beside those 864.

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "kernels/cuda/conv/conv_primitives.h"
#include "kernels/cuda/conv/conv_tf32_tiles.h"
#include "kernels/cuda/conv/tensor_core.h"
#include "kernels/cuda/conv/tile_job.h"
#include "kernels/cuda/fast_divide.h"
#include "kernels/cuda/map.h"

namespace pisr::kernels::PISR_CUDA_NAMESPACE {
namespace {

constexpr int kThreads = 128;
constexpr int kSide = 16;                      // of a tile
constexpr int kRows = 4;                       // of the tile, of a warp
constexpr int kStep = 8;                       // channels of one instruction
constexpr int kFragment = 64;                  // words of a fragment b
constexpr std::size_t kMostShared = 96 << 10;  // sm_86 has 99 KB, and of sm_90 two blocks fit

// Up to so many channels times taps (3x3 of 16 channels are 144) a block puts weights in order
// itself: a warp has 390 instructions to do for that of 3x3 12 -> 12, beside 780 for its products,
// most of them while the tile is on its way. A launch before, which the convolution would have to
// wait for, is spared. 5x5 of 56 channels are 1400.
constexpr int kMostUnordered = 160;

// Planes are 8 modulo 32 against bank conflicts.
bool fit(TileJob& job, int filter_tiles) {
  TileShape shape = {kSide, kSide, filter_tiles * 8, kStep, 32, 8, kMostShared};
  if (job.step == 1) {
    int width = 0;  // with what load_fours has before
    for (int i = 0; i < job.phase_count; ++i) {
      width = std::max(width, lead_of(job.phases[i]) + kSide - 1 + job.phases[i].taps_x);
    }
    shape.row_pitch = (width + 3) / 4 * 4;
  }
  return fit_tile(job, shape);
}

// Weights as fragments b, rounded: [phase, blocks of filters, channels / 8, columns of
// taps, rows of taps, kFilterTiles].
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
    const int j = tap / phase.taps_y, i = tap - j * phase.taps_y;
    const int at = job.find_weight(job.weights_of(phase, filter), channel, i, j);
    packed[phase.packed_at + index] = at < 0 ? 0.0F : to_tf32(weight[at]);
  }
};

// The same fragments of a chunk, by the block that needs them and not rounded. A thread has the
// same filter and the same channel of a step in all of them.
template <int kFilterTiles>
__device__ __forceinline__ void load_unordered(const TileJob& job, const TilePhase& phase,
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
                            channel * job.weight_of_channel + phase.weight_row * job.kernel_width +
                            phase.weight_column;
      for (int j = 0; j < phase.taps_x; ++j, column += job.weight_step) {
        const float* tap = column;
        for (int i = 0; i < phase.taps_y; ++i, target += kWords) {
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

// Rounds what this thread has loaded of `taps` taps, once it is there.
template <int kFilterTiles>
__device__ __forceinline__ void round_own(int taps, float* fragments) {
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

// The products of one column of taps and a step of channels. `b` goes on to the next column.
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
    conv_tiles_kernel(TileJob job, const float* weight, const float* all_packed, bool by_fours) {
  PISR_DYNAMIC_SHARED(float, weights);
  float* tile = weights + job.weights_of_chunk();
  const TilePhase& phase = job.phases[blockIdx.z];
  const TilePlace place(job);
  if (place.row >= phase.rows || place.column >= phase.columns) {
    return;
  }
  const int words_of_step = phase.taps() * kFilterTiles * kFragment;
  const int warp = static_cast<int>(threadIdx.x) / kWarpSize;
  const int lane = static_cast<int>(threadIdx.x) % kWarpSize, group = lane / 4, member = lane % 4;
  const float* corner = tile + member * job.plane_pitch + kRows * warp * job.step * job.row_pitch +
                        group + (by_fours ? lead_of(phase) : 0);

  float sum[kRows][kFilterTiles][4] = {};
  for (int first = 0; first < job.channels && phase.taps() > 0; first += job.chunk) {
    const int left = job.padded_channels - first;
    const int steps = (left < job.chunk ? left : job.chunk) / kStep;
    if (by_fours) {
      const int channels = job.channels - first < job.chunk ? job.channels - first : job.chunk;
      load_fours<kThreads>(job, phase, place, first, channels, steps * kStep, tile);
    } else {
      load_tile<kThreads>(job, phase, place, first, tile);
    }
    if (all_packed == nullptr) {
      load_unordered<kFilterTiles>(job, phase, weight, first, steps, weights);
    } else {
      const int step = static_cast<int>(blockIdx.y) * (job.padded_channels / kStep) + first / kStep;
      load_words<kThreads>(all_packed + phase.packed_at + std::int64_t{step} * words_of_step,
                           steps * words_of_step, weights);
    }
    copy_wait();
    if (all_packed == nullptr) {
      round_own<kFilterTiles>(steps * phase.taps(), weights);
    }
    __syncthreads();
    const float2* b = reinterpret_cast<const float2*>(weights) + lane;
    for (int step = 0; step < steps; ++step) {
      int shift = 0, column = 0;  // j = shift step + column
      for (int j = 0; j < phase.taps_x; ++j) {
        const float* pixels =
            corner + step * kStep * job.plane_pitch + column * job.columns_of_step + shift;
        add_column<kFilterTiles, kTaps, kStepOfRows>(job, phase.taps_y, pixels, b, sum);
        if (++column == job.step) {
          column = 0;
          ++shift;
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
      float sums[kRows][2];
      PISR_UNROLL
      for (int m = 0; m < kRows; ++m) {
        sums[m][0] = sum[m][n][odd];
        sums[m][1] = sum[m][n][2 + odd];
      }
      job.store(phase, job.target_of(place.image, filter), place.row + kRows * warp,
                place.column + group, 8, sums);
    }
  }
}

template <int kFilterTiles, int kTaps, int kStepOfRows>
void run(Launcher& launcher, TileJob job, const Weight<float>& weight, std::int64_t batch) {
  fit(job, kFilterTiles);
  const int words_of_phase = count_32(job.weights_of_phase(), "weights");
  for (int i = 0; i < job.phase_count; ++i) {
    job.phases[i].packed_at = std::int64_t{i} * words_of_phase;
  }
  const bool is_unordered = weight.prepared == nullptr && job.cell.divisor() == 1 &&
                            job.padded_channels * job.most_taps <= kMostUnordered;
  const auto pack = [&](float* memory) {
    map_planes(launcher, job.phase_count, words_of_phase,
               PackWeights<kFilterTiles>{FastDivide(kFilterTiles), job, weight.values, memory});
  };
  const float* packed =
      is_unordered
          ? nullptr
          : prepare<float>(launcher, weight.prepared,
                           static_cast<std::size_t>(job.phase_count) * words_of_phase, pack);
  launch_with_shared(launcher, conv_tiles_kernel<kFilterTiles, kTaps, kStepOfRows>,
                     tile_blocks(job, batch), kThreads, job.shared_bytes, job, weight.values,
                     packed, can_load_fours(job));
}

// 12 channels, and 56, are what the networks have.
constexpr int kFewTiles = 2, kManyTiles = 7;
int filter_tiles(int filters) {
  return filters <= kFewTiles * 8 ? kFewTiles : kManyTiles;
}

void run(Launcher& launcher, const TileJob& job, const Weight<float>& weight, std::int64_t batch) {
  const int taps = job.phase_count == 1 ? job.phases[0].taps_y : 0;
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

// The 16 filters of kFewTiles are to be full: they cost what they are, full or not. For 9x9 to one
// channel, accesses to shared memory and products of 16 x 8 x 8 for a pixel of the small image and
// a step of channels:
//   stride 2   merged 1: 25 taps,  4 filters, 7.8 and 3.1    2: 36 taps, 16 filters, 1.7 and 1.1
//   stride 3   merged 1: 16 taps,  9 filters, 2.8 and 2.0    2: 25 taps, 36 filters, 2.9 and 2.7
//   stride 4   merged 1:  9 taps, 16 filters, 1.7 and 1.1
// (36 filters take the 56 of kManyTiles.) By phases it would be 81 taps whose filters are mostly
// zeros.
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

bool tf32_tiles_take_forward(const ConvSizes& sizes) {
  return may_take(sizes) && sizes.in_channels >= kStep && fits(to_small_job(sizes));
}

bool tf32_tiles_take_transpose(const ConvSizes& sizes) {
  return may_take(sizes) && fits(any_to_large_job(sizes));
}

void tf32_tiles_forward(Launcher& launcher, const ConvSizes& sizes, const float* large,
                        const Weight<float>& weight, const Destination<float>& small) {
  TileJob job = to_small_job(sizes);
  job.source = large;
  job.target = small;
  run(launcher, job, weight, sizes.batch);
}

void tf32_tiles_transpose(Launcher& launcher, const ConvSizes& sizes, const float* small,
                          const Weight<float>& weight, const Destination<float>& large) {
  TileJob job = any_to_large_job(sizes);
  job.source = small;
  job.target = large;
  run(launcher, job, weight, sizes.batch);
}

}  // namespace pisr::kernels::PISR_CUDA_NAMESPACE
