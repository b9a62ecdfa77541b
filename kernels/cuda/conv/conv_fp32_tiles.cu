// A thread has 8 rows of a column of the image and 4, 6 or 7 filters: 32, 48 or 56 sums in
// registers. For a column of taps it reads the pixels once, neighbouring lanes neighbouring
// columns, and for each tap the weights of its filters, which are the same in all lanes of a warp.
// What a warp does for a channel and a column of taps, counted in the code for sm_90:
//                              multiply-adds   reads (pixels + weights)   all instructions
//   5x5, 1 -> 56, 7 filters        280              12 + 10                  315
//   3x3, 12 -> 12, 6 filters       144              10 + 6                   171
//   1x1, 56 -> 12, 6 filters        48               8 + 2                    71
//   1x1, 12 -> 56, 7 filters        56               8 + 2                    73
//   9x9 stride 2, 56 -> 1, merged  144              12 + 5                   180
// A multiprocessor issues four multiply-adds of a warp a clock and one read of 128 bytes: 36 clocks
// to 10 + 9 for the second row, if a weight takes half a clock. A layer 3x3 takes 1,296
// multiply-adds a pixel and reads 12 channels 1.33 times, 64 bytes: 20 multiply-adds a byte.

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "kernels/cuda/conv/conv_fp32_tiles.h"
#include "kernels/cuda/conv/conv_primitives.h"
#include "kernels/cuda/conv/tile_job.h"
#include "kernels/cuda/map.h"

namespace pisr::kernels::PISR_CUDA_NAMESPACE {
namespace {

constexpr int kThreads = 128, kWarps = kThreads / kWarpSize;
constexpr int kColumns = kWarpSize, kRows = 8;  // of a tile; a thread has one column of it
constexpr std::size_t kMostShared = 44 << 10;   // of sm_90 five blocks fit, of sm_86 two

// Sums of about so many terms are added to a sum of sums, which keeps the error of long sums small.
// Of 100,000 plain sums of 40 positive products the worst was 7.3 of 2^-24 sum |w| |x| off, where
// the tests allow 8; of 1,400 products in chunks of 40, 6.7; in one sum, 43.
constexpr int kMostTerms = 40;

// How the four warps of a block share its work. All have the same results' pixels; kGroups of them
// have kFilters filters each, and where these are fewer than four, the others have other channels
// of the source: their sums are added at the end.
template <int kFiltersOfThread>
struct Division {
  static constexpr int kFilters = kFiltersOfThread;
  static constexpr int kGroups = kFilters <= 4 ? 1 : kFilters <= 6 ? 2 : 4;
  static constexpr int kParts = kWarps / kGroups;
  // Of the weights in shared memory, in words: the filters of a warp lie together, for vector
  // loads, and eight taps by four filters lie in 32 banks.
  static constexpr int kSlot = (kFilters + 3) / 4 * 4;
  static constexpr int kPitch = kGroups * kSlot + (kGroups * kSlot % 8 == 0 ? 4 : 0);
  static constexpr int kSums = kRows * kFilters;
};

// What is known of the taps when the kernel is compiled: they are met in columns of kTaps of them,
// step and the pitch of the tile's rows. 0: is known later only.
template <int kColumnOfTaps, int kStepOfTile, int kPitchOfTile, bool kIsOfCell = false>
struct Taps {
  static constexpr int kTaps = kColumnOfTaps, kStep = kStepOfTile, kPitch = kPitchOfTile;
  static constexpr bool kIsPoint = kPitch == kColumns;  // one tap at most, since the step is 1
  // The four filters are a cell of 2 x 2 pixels, of which those of the second row do not meet the
  // first tap of a column, those of the second column not the first column.
  static constexpr bool kIsCell = kIsOfCell;
  __device__ static constexpr bool meets(bool first_tap, bool first_column, int filter) {
    return !kIsCell || !((first_tap && filter / 2 == 1) || (first_column && filter % 2 == 1));
  }
};

// Starts to bring the weights of a chunk into shared memory: [channels, columns of taps, taps of a
// column, Division::kPitch].
template <class D>
__device__ __forceinline__ void load_weights(const TileJob& job, const TilePhase& phase,
                                             const float* source, int first_channel, int channels,
                                             float* weights) {
  // Four neighbouring threads have four filters, the next four the next tap, which is a neighbour
  // in memory.
  constexpr int kLanes = 4, kFiltersOfLane = D::kGroups * D::kFilters / kLanes;
  static_assert(D::kGroups * D::kFilters % kLanes == 0);
  const int lane = static_cast<int>(threadIdx.x) % kLanes;
  const int first_filter = static_cast<int>(blockIdx.y) * D::kGroups * D::kFilters + lane;
  TileJob::FilterWeights of_filter[kFiltersOfLane];
  PISR_UNROLL
  for (int other = 0; other < kFiltersOfLane; ++other) {
    of_filter[other] = job.weights_of(phase, first_filter + other * kLanes);
  }
  const int words = channels * phase.taps();
  for (int word = static_cast<int>(threadIdx.x) / kLanes; word < words; word += kThreads / kLanes) {
    const int channel = phase.divide_taps.quotient(word), tap = word - channel * phase.taps();
    const int i = phase.divide_row.quotient(tap), j = tap - i * phase.taps_x;
    float* target = weights + (word - tap + j * phase.taps_y + i) * D::kPitch;
    PISR_UNROLL
    for (int other = 0; other < kFiltersOfLane; ++other) {
      const int filter = other * kLanes + lane, group = filter / D::kFilters;
      float* const place = target + group * D::kSlot + filter - group * D::kFilters;
      const int at = job.find_weight(of_filter[other], first_channel + channel, i, j);
      if (at >= 0) {
        copy_async(place, source + at);
      } else {
        *place = 0;
      }
    }
  }
}

// The same in memory for all chunks and blocks: [phases, blocks of filters, channels, ...].
template <class D>
struct PackWeights {
  TileJob job;
  const float* weight;
  float* packed;

  __device__ void operator()(std::int64_t phase_index, std::int64_t index) const {
    const TilePhase& phase = job.phases[phase_index];
    const std::int64_t words = std::int64_t{job.channels} * phase.taps() * D::kPitch;
    if (index >= job.blocks_of_filters * words) {
      return;
    }
    const auto block = static_cast<int>(index / words), word = static_cast<int>(index % words);
    const int slot = word % D::kPitch, group = slot / D::kSlot, filter = slot % D::kSlot;
    const int tap = word / D::kPitch % phase.taps(), channel = word / D::kPitch / phase.taps();
    const int i = tap % phase.taps_y, j = tap / phase.taps_y;
    int at = -1;
    if (group < D::kGroups && filter < D::kFilters) {
      const TileJob::FilterWeights of_filter =
          job.weights_of(phase, (block * D::kGroups + group) * D::kFilters + filter);
      at = job.find_weight(of_filter, channel, i, j);
    }
    packed[phase.packed_at + index] = at < 0 ? 0.0F : weight[at];
  }
};

// The filters' weights of a tap.
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

// sum += a column of taps. A pixel is read once for all taps of the column.
template <class D, class T, bool kIsFirst>
__device__ __forceinline__ void multiply_column(const float* pixels, int step, int pitch,
                                                const float* weights,
                                                float (&sum)[D::kFilters][kRows]) {
  constexpr int kStep = T::kStep == 0 ? 1 : T::kStep;  // unknown: of rows that are step apart
  static_assert(T::kStep != 0 || T::kTaps == 1);
  constexpr int kPixels = (kRows - 1) * kStep + T::kTaps;
  const int row = T::kStep == 0 ? step * pitch : pitch;
  float pixel[kPixels];
  PISR_UNROLL
  for (int p = 0; p < kPixels; ++p) {
    pixel[p] = pixels[p * row];
  }
  PISR_UNROLL
  for (int tap = 0; tap < T::kTaps; ++tap) {
    float weight[D::kFilters];
    load_slot(weights + tap * D::kPitch, weight);
    PISR_UNROLL
    for (int p = 0; p < kRows; ++p) {
      PISR_UNROLL
      for (int q = 0; q < D::kFilters; ++q) {
        if (T::meets(tap == 0, kIsFirst, q)) {
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

// Stores sum[q][p], of filter first_filter + q and row first_row + p, of this thread's column.
template <int kFilters, int kSumRows>
__device__ __forceinline__ void store_sums(const TileJob& job, const TilePhase& phase,
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
    job.store(phase, job.target_of(place.image, first_filter + q), place.row + first_row, column, 0,
              of_filter);
  }
}

template <class D, class T, bool kIsLong>
__global__ void __launch_bounds__(kThreads, D::kFilters == 4 || !kIsLong ? 4 : 3)
    conv_fp32_tiles_kernel(TileJob job, const float* source, bool packed, bool by_fours) {
  PISR_DYNAMIC_SHARED(float, weights);
  float* tile = weights + job.weights_of_chunk();
  const TilePhase& phase = job.phases[blockIdx.z];
  const TilePlace place(job);
  if (place.row >= phase.rows || place.column >= phase.columns) {
    return;
  }
  const int warp = static_cast<int>(threadIdx.x) / kWarpSize;
  const int lane = static_cast<int>(threadIdx.x) % kWarpSize;
  const int group = warp % D::kGroups, part = warp / D::kGroups;
  const int step = T::kStep == 0 ? job.step : T::kStep;
  const int pitch = T::kPitch == 0 ? job.row_pitch : T::kPitch;
  const int taps = phase.taps();
  const int taps_y = T::kIsPoint ? 1 : phase.taps_y, taps_x = T::kIsPoint ? 1 : phase.taps_x;

  const int lead = by_fours ? lead_of(phase) : 0;
  float sum[D::kFilters][kRows] = {};
  float chunk[D::kFilters][kRows] = {};
  int terms = 0;  // of the sums in `chunk`
  for (int first = 0; first < job.channels && taps > 0; first += job.chunk) {
    const int channels = job.channels - first < job.chunk ? job.channels - first : job.chunk;
    bool is_loaded = false;
    if constexpr (T::kStep == 1) {
      if (by_fours) {
        load_fours<kThreads>(job, phase, place, first, channels, channels, tile);
        is_loaded = true;
      }
    }
    if (!is_loaded) {
      load_tile<kThreads>(job, phase, place, first, tile);
    }
    if (packed) {
      const int words = taps * D::kPitch;  // of a channel
      const std::int64_t before = std::int64_t{blockIdx.y} * job.channels + first;
      load_words<kThreads>(source + phase.packed_at + before * words, channels * words, weights);
    } else {
      load_weights<D>(job, phase, source, first, channels, weights);
    }
    copy_wait();
    __syncthreads();
    for (int channel = part; channel < channels; channel += D::kParts) {
      const float* slot = weights + channel * taps * D::kPitch + group * D::kSlot;
      const float* plane = tile + channel * job.plane_pitch + lane + lead;
      int shift = 0, column = 0;  // j = shift step + column
      for (int j = 0; j < taps_x; ++j) {
        const float* pixels = plane + column * job.columns_of_step + shift;
        for (int i = 0; i < taps_y; i += T::kTaps) {
          float(&here)[D::kFilters][kRows] = kIsLong ? chunk : sum;
          if (T::kIsCell && j == 0) {
            multiply_column<D, T, true>(pixels, step, pitch, slot, here);
          } else {
            multiply_column<D, T, false>(pixels, step, pitch, slot, here);
          }
          if constexpr (kIsLong) {
            terms += T::kTaps;
            if (terms >= kMostTerms) {
              flush(chunk, sum);
              terms = 0;
            }
          }
          slot += T::kTaps * D::kPitch;
          pixels += T::kTaps * pitch;
        }
        if (++column == step) {
          column = 0;
          ++shift;
        }
      }
    }
    __syncthreads();  // everybody has done with this chunk
  }
  if constexpr (kIsLong) {
    flush(chunk, sum);
  }

  const int first_filter = (static_cast<int>(blockIdx.y) * D::kGroups + group) * D::kFilters;
  if constexpr (D::kParts == 1) {
    store_sums(job, phase, place, first_filter, 0, sum);
  } else {
    // [parts, groups, rows, filters, lanes]; each part then has some of the rows.
    float* const sums = weights + group * D::kSums * kWarpSize + lane;
    constexpr int kPart = D::kGroups * D::kSums * kWarpSize;
    PISR_UNROLL
    for (int p = 0; p < kRows; ++p) {
      PISR_UNROLL
      for (int q = 0; q < D::kFilters; ++q) {
        sums[part * kPart + (p * D::kFilters + q) * kWarpSize] = sum[q][p];
      }
    }
    __syncthreads();
    constexpr int kRowsOfPart = kRows / D::kParts;
    float total[D::kFilters][kRowsOfPart] = {};
    PISR_UNROLL
    for (int p = 0; p < kRowsOfPart; ++p) {
      PISR_UNROLL
      for (int q = 0; q < D::kFilters; ++q) {
        const float* of_part = sums + ((part * kRowsOfPart + p) * D::kFilters + q) * kWarpSize;
        PISR_UNROLL
        for (int other = 0; other < D::kParts; ++other) {
          total[q][p] += of_part[other * kPart];
        }
      }
    }
    store_sums(job, phase, place, first_filter, part * kRowsOfPart, total);
  }
}

template <class D>
bool fit(TileJob& job, int row_pitch) {
  TileShape shape = {kRows, kColumns, D::kGroups * D::kFilters, 1, 4, 0, kMostShared};
  shape.filter_pitch = D::kPitch;
  shape.row_pitch = row_pitch;
  return fit_tile(job, shape);
}

template <class D, class T, bool kIsLong>
void run(Launcher& launcher, TileJob job, const Weight<float>& weight, std::int64_t batch) {
  fit<D>(job, T::kPitch);
  const float* source = weight.values;
  if (weight.prepared != nullptr) {
    const int words_of_phase = count_32(job.weights_of_phase(), "weights");
    for (int i = 0; i < job.phase_count; ++i) {
      job.phases[i].packed_at = std::int64_t{i} * words_of_phase;
    }
    source = prepare<float>(launcher, weight.prepared,
                            static_cast<std::size_t>(job.phase_count) * words_of_phase,
                            [&](float* packed) {
                              map_planes(launcher, job.phase_count, words_of_phase,
                                         PackWeights<D>{job, weight.values, packed});
                            });
  }
  constexpr std::size_t kBytesOfSums =
      D::kParts == 1 ? 0 : std::size_t{kThreads} * D::kSums * sizeof(float);
  launch_with_shared(launcher, conv_fp32_tiles_kernel<D, T, kIsLong>, tile_blocks(job, batch),
                     kThreads, std::max(job.shared_bytes, kBytesOfSums), job, source,
                     weight.prepared != nullptr, can_load_fours(job));
}

// What the networks have gets kernels of its own: 1x1, 3x3 and 5x5 with step 1, and 9x9 with step
// 2, whose tiles' rows are 32, 34, 36 and 71 pixels long, and three more where load_fours wants
// them.
using AnyTaps = Taps<1, 0, 0>;
using OneTap = Taps<1, 1, 32>;
using ThreeTaps = Taps<3, 1, 40>;
using FiveTaps = Taps<5, 1, 40>;
using ThreeTapsOfStep2 = Taps<3, 2, 72>;
using FiveTapsOfCell = Taps<5, 1, 40, true>;  // 9x9 to one channel with stride 2

// Whether columns of so many taps make up those of all phases, and the tile has rows of the pitch.
template <class T>
bool has_taps(const TileJob& job) {
  if (job.step != T::kStep) {
    return false;
  }
  for (int i = 0; i < job.phase_count; ++i) {
    const TilePhase& phase = job.phases[i];
    if (phase.taps_y % T::kTaps != 0 || (T::kIsPoint && phase.taps() > 1) ||
        (kColumns - 1) * T::kStep + phase.taps_x > T::kPitch) {
      return false;
    }
  }
  return true;
}

bool is_cell(const TileJob& job) {
  const TilePhase& phase = job.phases[0];
  return job.filters == 4 && job.cell.divisor() == 4 && phase.taps_y == 5 && phase.taps_x == 5 &&
         phase.weight_row + 1 >= job.kernel_height && phase.weight_column + 1 >= job.kernel_width;
}

// Calls body(Taps) with those of the job.
template <class D, class Body>
auto with_taps(const TileJob& job, const Body& body) {
  if constexpr (D::kFilters == 4) {
    if (is_cell(job)) {
      return body(FiveTapsOfCell());
    }
  }
  if (has_taps<FiveTaps>(job)) {
    return body(FiveTaps());
  }
  if (has_taps<ThreeTaps>(job)) {
    return body(ThreeTaps());
  }
  if (has_taps<OneTap>(job)) {
    return body(OneTap());
  }
  return has_taps<ThreeTapsOfStep2>(job) ? body(ThreeTapsOfStep2()) : body(AnyTaps());
}

// Calls body(Division) with the one for so many filters: 12 and 56 are what the networks have, and
// 4 merged phases.
template <class Body>
auto with_division(int filters, const Body& body) {
  if (filters <= 4) {
    return body(Division<4>());
  }
  return filters <= 12 ? body(Division<6>()) : body(Division<7>());
}

void run(Launcher& launcher, const TileJob& job, const Weight<float>& weight, std::int64_t batch) {
  int most_taps = 0;
  for (int i = 0; i < job.phase_count; ++i) {
    most_taps = std::max(most_taps, job.phases[i].taps());
  }
  const bool is_long = std::int64_t{most_taps} * job.channels > kMostTerms;
  with_division(job.filters, [&](auto division) {
    using D = decltype(division);
    with_taps<D>(job, [&](auto taps) {
      // The sums of sums cost registers: where filters are many, few terms do without.
      if constexpr (D::kParts == 1) {
        if (!is_long) {
          run<D, decltype(taps), false>(launcher, job, weight, batch);
          return;
        }
      }
      run<D, decltype(taps), true>(launcher, job, weight, batch);
    });
  });
}

bool fits(TileJob job) {
  return with_division(job.filters, [&](auto division) {
    return with_taps<decltype(division)>(
        job, [&](auto taps) { return fit<decltype(division)>(job, decltype(taps)::kPitch); });
  });
}

// Multiply-adds of a pixel of the small image and a channel of the source, with those of filters
// and taps that only fill up.
std::int64_t products(const TileJob& job) {
  const int filters = with_division(job.filters, [&](auto division) {
    constexpr int kOfBlock = decltype(division)::kGroups * decltype(division)::kFilters;
    return (job.filters + kOfBlock - 1) / kOfBlock * kOfBlock;
  });
  std::int64_t taps = 0;
  for (int i = 0; i < job.phase_count; ++i) {
    taps += job.phases[i].taps();
  }
  return taps * filters;
}

// 9x9 to one channel with stride 2: 81 products a pixel of the small image by phases, of which each
// has one filter, four with the three that only fill up, 324; 25 x 4 = 100 by merged phases.
TileJob cheaper_to_large_job(const ConvSizes& sizes) {
  const TileJob by_phases = to_large_job(sizes);
  const TileJob merged = merged_to_large_job(sizes, 1);
  return products(merged) < products(by_phases) && fits(merged) ? merged : by_phases;
}

bool may_take(const ConvSizes& sizes) {
  return sizes.groups == 1 && sizes.stride <= TileJob::kMostStride;
}

}  // namespace

bool fp32_tiles_take_forward(const ConvSizes& sizes) {
  return may_take(sizes) && fits(to_small_job(sizes));
}

bool fp32_tiles_take_transpose(const ConvSizes& sizes) {
  return may_take(sizes) && fits(cheaper_to_large_job(sizes));
}

void fp32_tiles_forward(Launcher& launcher, const ConvSizes& sizes, const float* large,
                        const Weight<float>& weight, const Destination<float>& small) {
  TileJob job = to_small_job(sizes);
  job.source = large;
  job.target = small;
  run(launcher, job, weight, sizes.batch);
}

void fp32_tiles_transpose(Launcher& launcher, const ConvSizes& sizes, const float* small,
                          const Weight<float>& weight, const Destination<float>& large) {
  TileJob job = cheaper_to_large_job(sizes);
  job.source = small;
  job.target = large;
  run(launcher, job, weight, sizes.batch);
}

}  // namespace pisr::kernels::PISR_CUDA_NAMESPACE
