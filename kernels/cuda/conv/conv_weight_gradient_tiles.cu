// A block computes a part of the weight gradient as a matrix product over pixels. Its rows are taps
// of some channels of the large image, at most 256 in TF32 and 128 in fp32; its columns are 16 or
// 56 filters (12 or 56 in fp32). For 5x5 56 -> 56 with stride 2, a tile of the small image is 57 KB
// and its window in 8 channels is 40 KB. They make 200 x 56 x 256 products: 2.9 million, or 59
// operations a byte. An implicit GEMM would load each number of the large image for each tap. On
// tensor cores a warp reads 8 + 14 numbers from shared memory for a step of 14 products of 16 x 8
// x 8. The parts take the tiles by turns, and a second pass adds the parts.

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "kernels/cuda/conv/conv_primitives.h"
#include "kernels/cuda/conv/conv_weight_gradient_tiles.h"
#include "kernels/cuda/conv/fused_prelu_gradient.h"
#include "kernels/cuda/conv/weight_gradient_accumulators.h"
#include "kernels/cuda/conv/weight_gradient_tile.h"
#include "kernels/cuda/deferred_sums.h"

namespace pisr::kernels::PISR_CUDA_NAMESPACE {
namespace {

constexpr int kMostBlocks = 264;  // two for each multiprocessor of an H200
// Per block: sm_86 has 99 KB and sm_75 has 64 KB, of which the sums of a PReLU take 1 KB.
constexpr std::size_t kMostShared = 99 << 10, kSharedOfPrelu = 1 << 10;

template <class Accumulator, bool kPrelu>
__global__ void __launch_bounds__(kTileThreads, 2)
    conv_weight_gradient_tiles_kernel(WeightTileJob job, FusedPreluGradient<float> prelu) {
  constexpr int kFilters = Accumulator::kFilters;
  PISR_DYNAMIC_SHARED(float, small_tile);
  float* const large_tile = small_tile + kFilters * kSmallPitch;
  const ConvSizes& sizes = job.sizes;
  const int first_channel = static_cast<int>(blockIdx.y) * job.channels;
  const int first_filter = static_cast<int>(blockIdx.z) * kFilters;

  PISR_SHARED(PreluSums, prelu_sums, [kPrelu ? kFilters : 1]);
  SmallTile<Accumulator, kPrelu> small(job, prelu, first_filter, prelu_sums);
  Accumulator accumulator(job);
  for (std::int64_t tile = blockIdx.x; tile < job.all_tiles; tile += job.parts) {
    const std::int64_t image = tile / job.tiles;
    const int place = static_cast<int>(tile - image * job.tiles);
    const int y = place / job.tiles_x * kTileSide, x = place % job.tiles_x * kTileSide;
    small.load(image, y, x, small_tile);
    load_large<Accumulator>(job, image, first_channel, y * sizes.stride - sizes.padding,
                            x * sizes.stride - sizes.padding, large_tile);
    __syncthreads();
    accumulator.add_tile(job, small_tile, large_tile);
    __syncthreads();  // no thread reads this tile any more
  }
  if constexpr (kPrelu) {
    small.store_sums(static_cast<int>(blockIdx.x));
  }

  float* const sums = small_tile;  // the tiles are not needed any more
  accumulator.put(sums);
  __syncthreads();
  const int count = job.rows.divisor();
  for (int i = static_cast<int>(threadIdx.x); i < kFilters * count; i += kTileThreads) {
    const int filter = job.rows.quotient(i), element = i - filter * count;
    const int channel = job.taps.quotient(element);
    const int tap = element - channel * job.taps.divisor();
    if (first_filter + filter < sizes.out_channels && first_channel + channel < sizes.in_channels) {
      const float* const first = sums + (tap * job.channels + channel) * kFilters + filter;
      float total = 0;
      for (int k = 0; k < accumulator.splits(); ++k) {
        total += first[k * accumulator.rows_of_split() * kFilters];
      }
      const std::int64_t plane =
          (std::int64_t{blockIdx.x} * sizes.out_channels + first_filter + filter) *
              sizes.in_channels +
          first_channel + channel;
      job.partial[plane * job.taps.divisor() + tap] = total;
    }
  }
}

// The networks have 12 and 56 channels.
using FewFiltersTf32 = Tf32Accumulator<2>;
using ManyFiltersTf32 = Tf32Accumulator<7>;
template <int kRowsOfLane>
using FewFiltersFp32 = Fp32Accumulator<12, 6, kRowsOfLane>;
template <int kRowsOfLane>
using ManyFiltersFp32 = Fp32Accumulator<56, 7, kRowsOfLane>;
constexpr int kMostRowsOfLane = 4;

struct Columns {
  int filters, most_rows;  // of a block
};
Columns columns(const ConvSizes& sizes, Precision precision) {
  if (precision == Precision::fp32) {
    const bool few = sizes.out_channels <= FewFiltersFp32<1>::kFilters;
    return {few ? FewFiltersFp32<1>::kFilters : ManyFiltersFp32<1>::kFilters,
            FewFiltersFp32<kMostRowsOfLane>::kMostRows};
  }
  const bool few = sizes.out_channels <= FewFiltersTf32::kFilters;
  return {few ? FewFiltersTf32::kFilters : ManyFiltersTf32::kFilters, FewFiltersTf32::kMostRows};
}

int blocks_of_channels(const WeightTileJob& job) {
  return (job.sizes.in_channels + job.channels - 1) / job.channels;
}

// For the tiles, and later, in the same place, the sums of all warps.
std::size_t shared_bytes(const WeightTileJob& job, const Columns& of) {
  const auto filters = static_cast<std::size_t>(of.filters);
  const std::size_t tiles =
      filters * kSmallPitch + static_cast<std::size_t>(job.channels) * job.plane_pitch;
  const std::size_t splits = of.filters == FewFiltersFp32<1>::kFilters ? 4 : 1;
  return std::max(tiles, splits * of.most_rows * filters) * sizeof(float);
}

// The job without its arrays. It has no channels where shared memory holds none.
WeightTileJob weight_tile_job(const ConvSizes& sizes, Precision precision) {
  WeightTileJob job = {};
  job.sizes = sizes;
  const int taps = sizes.kernel_height * sizes.kernel_width;
  const int height = (kTileSide - 1) * sizes.stride + sizes.kernel_height;
  const int width = (kTileSide - 1) * sizes.stride + sizes.kernel_width;
  job.stride = FastDivide(sizes.stride);
  job.taps = FastDivide(taps);
  job.tile_width = FastDivide(width);
  job.tile_pixels = FastDivide(width * height);
  job.columns_of_step = (width + sizes.stride - 1) / sizes.stride;
  job.row_pitch = job.columns_of_step * sizes.stride;
  // Against bank conflicts. In TF32 a warp reads four neighbouring pixels of eight rows of the
  // product; in fp32 one pixel of 32 rows, which are a few neighbouring taps in all channels.
  const int rest = precision == Precision::fp32 ? sizes.kernel_width % 32 : 4;
  job.plane_pitch = (height * job.row_pitch - rest + 31) / 32 * 32 + rest;
  const Columns of = columns(sizes, precision);
  job.channels = std::min(sizes.in_channels, of.most_rows / taps);
  const std::size_t most = std::min(kMostShared, current_card().shared_bytes) - kSharedOfPrelu;
  while (job.channels > 0 && shared_bytes(job, of) > most) {
    --job.channels;
  }
  if (job.channels > 0) {
    const int blocks = blocks_of_channels(job);
    job.channels = (sizes.in_channels + blocks - 1) / blocks;
    job.rows = FastDivide(job.channels * taps);
  }
  job.tiles_x = (sizes.out_width + kTileSide - 1) / kTileSide;
  return job;
}

// The job with its arrays, and with scratch memory for its parts: so many that there are about
// kMostBlocks blocks with equally many tiles each.
WeightTileJob ready_job(Launcher& launcher, const ConvSizes& sizes, const float* large,
                        const float* small, Precision precision) {
  WeightTileJob job = weight_tile_job(sizes, precision);
  job.large = large;
  job.small = small;
  job.tiles = count_32(std::int64_t{job.tiles_x} * ((sizes.out_height + kTileSide - 1) / kTileSide),
                       "tiles");
  job.all_tiles = sizes.batch * job.tiles;
  const std::int64_t other_blocks =
      std::int64_t{blocks_of_channels(job)} *
      block_count(sizes.out_channels, columns(sizes, precision).filters);
  const std::int64_t most_parts = std::max<std::int64_t>(1, kMostBlocks / other_blocks);
  const std::int64_t tiles_of_part =
      std::max<std::int64_t>(1, (job.all_tiles + most_parts - 1) / most_parts);
  job.parts = static_cast<int>(block_count(job.all_tiles, tiles_of_part));
  const std::int64_t weights =
      std::int64_t{sizes.out_channels} * sizes.in_channels * job.taps.divisor();
  job.partial = launcher.scratch_array<float>(static_cast<std::size_t>(job.parts * weights));
  return job;
}

template <class Accumulator, bool kPrelu>
void run_with(Launcher& launcher, const WeightTileJob& job, const FusedPreluGradient<float>& prelu,
              Precision precision) {
  const dim3 blocks(static_cast<unsigned>(job.parts),
                    static_cast<unsigned>(blocks_of_channels(job)),
                    block_count(job.sizes.out_channels, Accumulator::kFilters));
  launch_with_shared(launcher, conv_weight_gradient_tiles_kernel<Accumulator, kPrelu>, blocks,
                     kTileThreads, shared_bytes(job, columns(job.sizes, precision)), job, prelu);
}

template <bool kPrelu, template <int> class Accumulator>
void run_fp32(Launcher& launcher, const WeightTileJob& job,
              const FusedPreluGradient<float>& prelu) {
  static_assert(kMostRowsOfLane == 4);
  switch ((job.rows.divisor() + kWarpSize - 1) / kWarpSize) {
    case 1:
      run_with<Accumulator<1>, kPrelu>(launcher, job, prelu, Precision::fp32);
      break;
    case 2:
      run_with<Accumulator<2>, kPrelu>(launcher, job, prelu, Precision::fp32);
      break;
    case 3:
      run_with<Accumulator<3>, kPrelu>(launcher, job, prelu, Precision::fp32);
      break;
    default:
      run_with<Accumulator<4>, kPrelu>(launcher, job, prelu, Precision::fp32);
      break;
  }
}

template <bool kPrelu>
void run(Launcher& launcher, const WeightTileJob& job, const FusedPreluGradient<float>& prelu,
         Precision precision) {
  const int filters = columns(job.sizes, precision).filters;
  if (precision == Precision::fp32) {
    if (filters == FewFiltersFp32<1>::kFilters) {
      run_fp32<kPrelu, FewFiltersFp32>(launcher, job, prelu);
    } else {
      run_fp32<kPrelu, ManyFiltersFp32>(launcher, job, prelu);
    }
  } else if (filters == FewFiltersTf32::kFilters) {
    run_with<FewFiltersTf32, kPrelu>(launcher, job, prelu, precision);
  } else {
    run_with<ManyFiltersTf32, kPrelu>(launcher, job, prelu, precision);
  }
}

DeferredSum<float> deferred_weight(const WeightTileJob& job, float* weight, Store store) {
  return {weight,
          store,
          job.partial,
          nullptr,
          job.parts,
          std::int64_t{job.sizes.out_channels} * job.sizes.in_channels * job.taps.divisor()};
}

}  // namespace

bool tiles_take_weight_gradient(const ConvSizes& sizes, Precision precision) {
  return sizes.groups == 1 && weight_tile_job(sizes, precision).channels > 0;
}

bool tiles_take_prelu_weight_gradient(const ConvSizes& sizes, Precision precision) {
  return tiles_take_weight_gradient(sizes, precision) &&
         blocks_of_channels(weight_tile_job(sizes, precision)) == 1;
}

void tiles_weight_gradient(Launcher& launcher, const ConvSizes& sizes, const float* large,
                           const float* small, float* weight, Store store,
                           DeferredSums<float>* deferred, Precision precision) {
  const WeightTileJob job = ready_job(launcher, sizes, large, small, precision);
  run<false>(launcher, job, {}, precision);
  defer_or_finish(launcher, {deferred_weight(job, weight, store)}, deferred);
}

void tiles_prelu_weight_gradient(Launcher& launcher, const ConvPreluBackwardArgs<float>& args,
                                 Precision precision) {
  const ConvBackwardWeightArgs<float>& conv = args.conv;
  const WeightTileJob job = ready_job(launcher, conv.sizes, conv.x, conv.dy, precision);
  const FusedPreluGradient<float> prelu = fused_prelu_gradient(launcher, args, job.parts);
  run<true>(launcher, job, prelu, precision);
  DeferredSums<float> sums = deferred_prelu_sums(prelu, args, job.parts);
  sums.push_back(deferred_weight(job, conv.dweight, conv.dweight_store));
  defer_or_finish(launcher, sums, conv.deferred);
}

}  // namespace pisr::kernels::PISR_CUDA_NAMESPACE
