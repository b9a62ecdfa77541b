// Chooses the kernel for a shape and fits its tiles into shared memory.

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "kernels/cuda/conv/conv_fp32_tiles.h"
#include "kernels/cuda/conv/conv_fp32_tiles_kernel.h"
#include "kernels/cuda/conv/conv_primitives.h"
#include "kernels/cuda/conv/tile_job.h"
#include "kernels/cuda/conv/tile_loads.h"
#include "kernels/cuda/map.h"

namespace pisr::kernels::PISR_CUDA_NAMESPACE {
namespace {

using namespace fp32_tiles;

template <class Split>
bool fit(TileJob& job, int row_pitch) {
  TileShape shape = {kRows, kColumns, Split::kGroups * Split::kFilters, 1, 4, 0, kMostShared};
  shape.filter_pitch = Split::kPitch;
  shape.row_pitch = row_pitch;
  return fit_tile(job, shape);
}

template <class Split, class Taps, bool kIsLong>
void run(Launcher& launcher, TileJob job, const Weight<float>& weight, std::int64_t batch) {
  fit<Split>(job, Taps::kPitch);
  const float* source = weight.values;
  if (weight.cache != nullptr) {
    const int words_of_residue = count_32(job.weights_of_residue(), "weights");
    for (int i = 0; i < job.residue_count; ++i) {
      job.residues[i].packed_at = std::int64_t{i} * words_of_residue;
    }
    source = prepare<float>(launcher, weight.cache,
                            static_cast<std::size_t>(job.residue_count) * words_of_residue,
                            [&](float* packed) {
                              map_planes(launcher, job.residue_count, words_of_residue,
                                         PackWeights<Split>{job, weight.values, packed});
                            });
  }
  constexpr std::size_t kBytesOfSums =
      Split::kParts == 1 ? 0 : std::size_t{kThreads} * Split::kSums * sizeof(float);
  launch_with_shared(launcher, conv_fp32_tiles_kernel<Split, Taps, kIsLong>,
                     tile_blocks(job, batch), kThreads, std::max(job.shared_bytes, kBytesOfSums),
                     job, source, weight.cache != nullptr, can_load_float4(job));
}

// The kernels of our networks have instances of their own: 1x1, 3x3 and 5x5 with step 1, and 9x9
// with step 2. Rows of their tiles are 32, 34, 36 and 71 pixels long, and up to three more for
// load_tile_float4.
using AnyTaps = TapColumns<1, 0, 0>;
using OneTap = TapColumns<1, 1, 32>;
using ThreeTaps = TapColumns<3, 1, 40>;
using FiveTaps = TapColumns<5, 1, 40>;
using ThreeTapsOfStep2 = TapColumns<3, 2, 72>;
using FiveTapsOfCell = TapColumns<5, 1, 40, true>;  // 9x9 to one channel with stride 2

// Whether the taps of all residues can be cut into such columns, and the tile's rows fit the pitch.
template <class Taps>
bool has_taps(const TileJob& job) {
  if (job.step != Taps::kStep) {
    return false;
  }
  for (int i = 0; i < job.residue_count; ++i) {
    const TileResidue& residue = job.residues[i];
    if (residue.taps_y % Taps::kTaps != 0 || (Taps::kIsPoint && residue.taps() > 1) ||
        (kColumns - 1) * Taps::kStep + residue.taps_x > Taps::kPitch) {
      return false;
    }
  }
  return true;
}

bool is_cell(const TileJob& job) {
  const TileResidue& residue = job.residues[0];
  return job.filters == 4 && job.cell.divisor() == 4 && residue.taps_y == 5 &&
         residue.taps_x == 5 && residue.weight_row + 1 >= job.kernel_height &&
         residue.weight_column + 1 >= job.kernel_width;
}

// Calls body(Taps) with those of the job.
template <class Split, class Body>
auto with_taps(const TileJob& job, const Body& body) {
  if constexpr (Split::kFilters == 4) {
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

// Calls body(Split) with the one for so many filters; the networks have 12, 56 and 4 merged
// residues.
template <class Body>
auto with_warp_split(int filters, const Body& body) {
  if (filters <= 4) {
    return body(WarpSplit<4>());
  }
  return filters <= 12 ? body(WarpSplit<6>()) : body(WarpSplit<7>());
}

void run(Launcher& launcher, const TileJob& job, const Weight<float>& weight, std::int64_t batch) {
  int most_taps = 0;
  for (int i = 0; i < job.residue_count; ++i) {
    most_taps = std::max(most_taps, job.residues[i].taps());
  }
  const bool is_long = std::int64_t{most_taps} * job.channels > kMostTerms;
  with_warp_split(job.filters, [&](auto split) {
    using Split = decltype(split);
    with_taps<Split>(job, [&](auto taps) {
      // Sums in chunks cost registers: short sums of many filters do without them.
      if constexpr (Split::kParts == 1) {
        if (!is_long) {
          run<Split, decltype(taps), false>(launcher, job, weight, batch);
          return;
        }
      }
      run<Split, decltype(taps), true>(launcher, job, weight, batch);
    });
  });
}

bool fits(TileJob job) {
  return with_warp_split(job.filters, [&](auto split) {
    return with_taps<decltype(split)>(
        job, [&](auto taps) { return fit<decltype(split)>(job, decltype(taps)::kPitch); });
  });
}

// Multiply-adds for a pixel of the small image and a channel of the source, padding included.
std::int64_t products(const TileJob& job) {
  const int filters = with_warp_split(job.filters, [&](auto split) {
    constexpr int kOfBlock = decltype(split)::kGroups * decltype(split)::kFilters;
    return (job.filters + kOfBlock - 1) / kOfBlock * kOfBlock;
  });
  std::int64_t taps = 0;
  for (int i = 0; i < job.residue_count; ++i) {
    taps += job.residues[i].taps();
  }
  return taps * filters;
}

// For 9x9 to one channel with stride 2, residues apart take 324 products for a pixel of the small
// image: 81 taps with one filter each, padded to four. Merged they take 25 x 4 = 100.
TileJob cheaper_transpose_job(const ConvSizes& sizes) {
  const TileJob by_residues = transpose_job(sizes);
  const TileJob merged = merged_transpose_job(sizes, 1);
  return products(merged) < products(by_residues) && fits(merged) ? merged : by_residues;
}

bool may_take(const ConvSizes& sizes) {
  return sizes.groups == 1 && sizes.stride <= TileJob::kMostStride;
}

}  // namespace

bool fp32_tiles_take_forward(const ConvSizes& sizes) {
  return may_take(sizes) && fits(forward_job(sizes));
}

bool fp32_tiles_take_transpose(const ConvSizes& sizes) {
  return may_take(sizes) && fits(cheaper_transpose_job(sizes));
}

void fp32_tiles_forward(Launcher& launcher, const ConvSizes& sizes, const float* large,
                        const Weight<float>& weight, const Destination<float>& small) {
  run(launcher, with_images(forward_job(sizes), large, small), weight, sizes.batch);
}

void fp32_tiles_transpose(Launcher& launcher, const ConvSizes& sizes, const float* small,
                          const Weight<float>& weight, const Destination<float>& large) {
  run(launcher, with_images(cheaper_transpose_job(sizes), small, large), weight, sizes.batch);
}

}  // namespace pisr::kernels::PISR_CUDA_NAMESPACE
