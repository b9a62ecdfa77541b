#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/cuda/conv/tile_job.h"
#include "kernels/cuda/conv/tile_loads.h"

/// The kernel of conv_fp32_tiles.h.
///
/// A thread owns 8 rows of a column of the image and 4, 6 or 7 filters: 32, 48 or 56 sums in
/// registers. For a column of taps it reads the pixels once, neighbouring lanes neighbouring
/// columns. For each tap it reads the weights of its filters, the same in all lanes of a warp. What
/// a warp does for a channel and a column of taps, counted in the code for sm_90:
///                              multiply-adds   reads (pixels + weights)   all instructions
///   5x5, 1 -> 56, 7 filters        280              12 + 10                  315
///   3x3, 12 -> 12, 6 filters       144              10 + 6                   171
///   1x1, 56 -> 12, 6 filters        48               8 + 2                    71
///   1x1, 12 -> 56, 7 filters        56               8 + 2                    73
///   9x9 stride 2, 56 -> 1, merged  144              12 + 5                   180
/// A multiprocessor issues four multiply-adds of a warp per clock and one read of 128 bytes. If
/// each weight costs half a clock, the second row is 36 clocks of multiply-adds beside 10 + 9 of
/// reads. A layer 3x3 12 -> 12 takes 1,296 multiply-adds a pixel and reads 12 channels 1.33 times,
/// 64 bytes: 20 multiply-adds a byte.
namespace pisr::kernels::PISR_CUDA_NAMESPACE::fp32_tiles {

constexpr int kThreads = 128, kWarps = kThreads / kWarpSize;
constexpr int kColumns = kWarpSize, kRows = 8;  // of a tile; a thread owns one column of it
constexpr std::size_t kMostShared = 44 << 10;   // five blocks fit sm_90, two fit sm_86

// About so many terms are summed before they are added to the total, which bounds the rounding
// error. The worst error of 100,000 sums of 40 positive products was 7.3 in units of 2^-24 sum |w|
// |x|, where the tests allow 8. With 1,400 terms it was 6.7 in chunks of 40, and 43 in one sum.
constexpr int kMostTerms = 40;

// How the four warps of a block share its work. All of them compute the same pixels. They form
// kGroups groups with kFilters filters each. Where there are fewer than four groups, the warps of
// a group divide the channels of the source into kParts parts. Their sums are added at the end.
template <int kFiltersOfThread>
struct WarpSplit {
  static constexpr int kFilters = kFiltersOfThread;
  static constexpr int kGroups = kFilters <= 4 ? 1 : kFilters <= 6 ? 2 : 4;
  static constexpr int kParts = kWarps / kGroups;
  // Words of the weights in shared memory. The filters of a warp lie together, for vector loads,
  // and eight taps by four filters lie in 32 different banks.
  static constexpr int kSlot = (kFilters + 3) / 4 * 4;
  static constexpr int kPitch = kGroups * kSlot + (kGroups * kSlot % 8 == 0 ? 4 : 0);
  static constexpr int kSums = kRows * kFilters;
};

// What is known of the taps at compile time: they are applied in columns of kTaps. The tile has the
// step kStep and the row pitch kPitch; 0 where that is known at run time only.
template <int kColumnOfTaps, int kStepOfTile, int kPitchOfTile, bool kIsOfCell = false>
struct TapColumns {
  static constexpr int kTaps = kColumnOfTaps, kStep = kStepOfTile, kPitch = kPitchOfTile;
  static constexpr bool kIsPoint = kPitch == kColumns;  // one tap at most, since the step is 1
  // The four filters are a cell of 2 x 2 pixels. The second row does not use the first tap of a
  // column, and the second column does not use the first column of taps.
  static constexpr bool kIsCell = kIsOfCell;
  __device__ static constexpr bool uses(bool first_tap, bool first_column, int filter) {
    return !kIsCell || !((first_tap && filter / 2 == 1) || (first_column && filter % 2 == 1));
  }
};

// Starts to copy the weights of a chunk into shared memory: [channels, columns of taps, taps of a
// column, Split::kPitch].
template <class Split>
__device__ __forceinline__ void load_weights(const TileJob& job, const TileResidue& residue,
                                             const float* source, int first_channel, int channels,
                                             float* weights) {
  // Four neighbouring threads load four filters; the next four load the next tap, which is a
  // neighbour in memory.
  constexpr int kLanes = 4, kFiltersOfLane = Split::kGroups * Split::kFilters / kLanes;
  static_assert(Split::kGroups * Split::kFilters % kLanes == 0);
  const int lane = static_cast<int>(threadIdx.x) % kLanes;
  const int first_filter = static_cast<int>(blockIdx.y) * Split::kGroups * Split::kFilters + lane;
  TileJob::FilterWeights of_filter[kFiltersOfLane];
  PISR_UNROLL
  for (int other = 0; other < kFiltersOfLane; ++other) {
    of_filter[other] = job.weights_of(residue, first_filter + other * kLanes);
  }
  const int words = channels * residue.taps();
  for (int word = static_cast<int>(threadIdx.x) / kLanes; word < words; word += kThreads / kLanes) {
    const int channel = residue.divide_taps.quotient(word), tap = word - channel * residue.taps();
    const int i = residue.divide_row.quotient(tap), j = tap - i * residue.taps_x;
    float* target = weights + (word - tap + j * residue.taps_y + i) * Split::kPitch;
    PISR_UNROLL
    for (int other = 0; other < kFiltersOfLane; ++other) {
      const int filter = other * kLanes + lane, group = filter / Split::kFilters;
      float* const place = target + group * Split::kSlot + filter - group * Split::kFilters;
      const int at = job.find_weight(of_filter[other], first_channel + channel, i, j);
      if (at >= 0) {
        copy_async(place, source + at);
      } else {
        *place = 0;
      }
    }
  }
}

// Packs all weights in that order in device memory: [residues, blocks of filters, channels, ...].
template <class Split>
struct PackWeights {
  TileJob job;
  const float* weight;
  float* packed;

  __device__ void operator()(std::int64_t residue_index, std::int64_t index) const {
    const TileResidue& residue = job.residues[residue_index];
    const std::int64_t words = std::int64_t{job.channels} * residue.taps() * Split::kPitch;
    if (index >= job.blocks_of_filters * words) {
      return;
    }
    const auto block = static_cast<int>(index / words), word = static_cast<int>(index % words);
    const int slot = word % Split::kPitch, group = slot / Split::kSlot,
              filter = slot % Split::kSlot;
    const int tap = word / Split::kPitch % residue.taps(),
              channel = word / Split::kPitch / residue.taps();
    const int i = tap % residue.taps_y, j = tap / residue.taps_y;
    int at = -1;
    if (group < Split::kGroups && filter < Split::kFilters) {
      const TileJob::FilterWeights of_filter =
          job.weights_of(residue, (block * Split::kGroups + group) * Split::kFilters + filter);
      at = job.find_weight(of_filter, channel, i, j);
    }
    packed[residue.packed_at + index] = at < 0 ? 0.0F : weight[at];
  }
};

// Reads a tap's weights of this warp's filters.
template <int kFilters>
__device__ __forceinline__ void load_slot(const float* slot, float (&weight)[kFilters]) {
  const float4 first = *reinterpret_cast<const float4*>(slot);
  weight[0] = first.x;
  weight[1] = first.y;
  weight[2] = first.z;
  weight[3] = first.w;
  if constexpr (kFilters == 6) {
    const float2 rest = *reinterpret_cast<const float2*>(slot + 4);
    weight[4] = rest.x;
    weight[5] = rest.y;
  } else if constexpr (kFilters == 7) {
    const float4 rest = *reinterpret_cast<const float4*>(slot + 4);
    weight[4] = rest.x;
    weight[5] = rest.y;
    weight[6] = rest.z;
  }
}

// sum += the products with a column of taps. A pixel is read once for all taps of the column.
template <class Split, class Taps, bool kIsFirst>
__device__ __forceinline__ void multiply_column(const float* pixels, int step, int pitch,
                                                const float* weights,
                                                float (&sum)[Split::kFilters][kRows]) {
  constexpr int kStep =
      Taps::kStep == 0 ? 1 : Taps::kStep;  // 0: reads only rows that are step apart
  static_assert(Taps::kStep != 0 || Taps::kTaps == 1);
  constexpr int kPixels = (kRows - 1) * kStep + Taps::kTaps;
  const int row = Taps::kStep == 0 ? step * pitch : pitch;
  float pixel[kPixels];
  PISR_UNROLL
  for (int p = 0; p < kPixels; ++p) {
    pixel[p] = pixels[p * row];
  }
  PISR_UNROLL
  for (int tap = 0; tap < Taps::kTaps; ++tap) {
    float weight[Split::kFilters];
    load_slot(weights + tap * Split::kPitch, weight);
    PISR_UNROLL
    for (int p = 0; p < kRows; ++p) {
      PISR_UNROLL
      for (int q = 0; q < Split::kFilters; ++q) {
        if (Taps::uses(tap == 0, kIsFirst, q)) {
          sum[q][p] += pixel[p * kStep + tap] * weight[q];
        }
      }
    }
  }
}

template <int kFilters>
__device__ __forceinline__ void flush(float (&chunk)[kFilters][kRows],
                                      float (&sum)[kFilters][kRows]) {
  PISR_UNROLL
  for (int p = 0; p < kRows; ++p) {
    PISR_UNROLL
    for (int q = 0; q < kFilters; ++q) {
      sum[q][p] += chunk[q][p];
      chunk[q][p] = 0;
    }
  }
}

// Stores sum[q][p], of filter first_filter + q and row first_row + p, in this thread's column.
template <int kFilters, int kSumRows>
__device__ __forceinline__ void store_sums(const TileJob& job, const TileResidue& residue,
                                           const TilePlace& place, int first_filter, int first_row,
                                           const float (&sum)[kFilters][kSumRows]) {
  const int column = place.column + static_cast<int>(threadIdx.x) % kWarpSize;
  PISR_UNROLL
  for (int q = 0; q < kFilters; ++q) {
    float of_filter[kSumRows][1];
    PISR_UNROLL
    for (int p = 0; p < kSumRows; ++p) {
      of_filter[p][0] = sum[q][p];
    }
    job.store(residue, job.target_of(place.image, first_filter + q), place.row + first_row, column,
              0, of_filter);
  }
}

template <class Split, class Taps, bool kIsLong>
__global__ void __launch_bounds__(kThreads, Split::kFilters == 4 || !kIsLong ? 4 : 3)
    conv_fp32_tiles_kernel(TileJob job, const float* source, bool packed, bool by_float4) {
  PISR_DYNAMIC_SHARED(float, weights);
  float* tile = weights + job.weights_of_chunk();
  const TileResidue& residue = job.residues[blockIdx.z];
  const TilePlace place(job);
  if (place.row >= residue.rows || place.column >= residue.columns) {
    return;
  }
  const int warp = static_cast<int>(threadIdx.x) / kWarpSize;
  const int lane = static_cast<int>(threadIdx.x) % kWarpSize;
  const int group = warp % Split::kGroups, part = warp / Split::kGroups;
  const int step = Taps::kStep == 0 ? job.step : Taps::kStep;
  const int pitch = Taps::kPitch == 0 ? job.row_pitch : Taps::kPitch;
  const int taps = residue.taps();
  const int taps_y = Taps::kIsPoint ? 1 : residue.taps_y,
            taps_x = Taps::kIsPoint ? 1 : residue.taps_x;

  const int lead = by_float4 ? lead_of(residue) : 0;
  float sum[Split::kFilters][kRows] = {};
  float chunk[Split::kFilters][kRows] = {};
  int terms = 0;  // of the sums in `chunk`
  for (int first = 0; first < job.channels && taps > 0; first += job.chunk) {
    const int channels = job.channels - first < job.chunk ? job.channels - first : job.chunk;
    bool is_loaded = false;
    if constexpr (Taps::kStep == 1) {
      if (by_float4) {
        load_tile_float4<kThreads>(job, residue, place, first, channels, channels, tile);
        is_loaded = true;
      }
    }
    if (!is_loaded) {
      load_tile<kThreads>(job, residue, place, first, tile);
    }
    if (packed) {
      const int words = taps * Split::kPitch;  // of a channel
      const std::int64_t before = std::int64_t{blockIdx.y} * job.channels + first;
      load_words<kThreads>(source + residue.packed_at + before * words, channels * words, weights);
    } else {
      load_weights<Split>(job, residue, source, first, channels, weights);
    }
    copy_wait();
    __syncthreads();
    for (int channel = part; channel < channels; channel += Split::kParts) {
      const float* slot = weights + channel * taps * Split::kPitch + group * Split::kSlot;
      const float* plane = tile + channel * job.plane_pitch + lane + lead;
      int shift = 0, column = 0;  // j = shift step + column
      for (int j = 0; j < taps_x; ++j) {
        const float* pixels = plane + column * job.columns_of_step + shift;
        for (int i = 0; i < taps_y; i += Taps::kTaps) {
          float(&here)[Split::kFilters][kRows] = kIsLong ? chunk : sum;
          if (Taps::kIsCell && j == 0) {
            multiply_column<Split, Taps, true>(pixels, step, pitch, slot, here);
          } else {
            multiply_column<Split, Taps, false>(pixels, step, pitch, slot, here);
          }
          if constexpr (kIsLong) {
            terms += Taps::kTaps;
            if (terms >= kMostTerms) {
              flush(chunk, sum);
              terms = 0;
            }
          }
          slot += Taps::kTaps * Split::kPitch;
          pixels += Taps::kTaps * pitch;
        }
        if (++column == step) {
          column = 0;
          ++shift;
        }
      }
    }
    __syncthreads();  // no thread reads this chunk any more
  }
  if constexpr (kIsLong) {
    flush(chunk, sum);
  }

  const int first_filter =
      (static_cast<int>(blockIdx.y) * Split::kGroups + group) * Split::kFilters;
  if constexpr (Split::kParts == 1) {
    store_sums(job, residue, place, first_filter, 0, sum);
  } else {
    // [parts, groups, rows, filters, lanes]; each part then adds up and stores some of the rows.
    float* const sums = weights + group * Split::kSums * kWarpSize + lane;
    constexpr int kPart = Split::kGroups * Split::kSums * kWarpSize;
    PISR_UNROLL
    for (int p = 0; p < kRows; ++p) {
      PISR_UNROLL
      for (int q = 0; q < Split::kFilters; ++q) {
        sums[part * kPart + (p * Split::kFilters + q) * kWarpSize] = sum[q][p];
      }
    }
    __syncthreads();
    constexpr int kRowsOfPart = kRows / Split::kParts;
    float total[Split::kFilters][kRowsOfPart] = {};
    PISR_UNROLL
    for (int p = 0; p < kRowsOfPart; ++p) {
      PISR_UNROLL
      for (int q = 0; q < Split::kFilters; ++q) {
        const float* of_part = sums + ((part * kRowsOfPart + p) * Split::kFilters + q) * kWarpSize;
        PISR_UNROLL
        for (int other = 0; other < Split::kParts; ++other) {
          total[q][p] += of_part[other * kPart];
        }
      }
    }
    store_sums(job, residue, place, first_filter, part * kRowsOfPart, total);
  }
}

}  // namespace pisr::kernels::PISR_CUDA_NAMESPACE::fp32_tiles
