// A block computes 256 x 56 results as a matrix product whose depth is the elements of a patch: 25
// for 5x5 with one channel, 81 for 9x9, padded to a multiple of eight. A table of distances says
// where the elements of a patch are in the tile of the image, so nothing is stored twice. For a
// step of 14 products of 16 x 8 x 8 a warp reads 8 + 14 + 2 numbers from shared memory. The data
// gradient of FSRCNN's last layer, 9x9 with stride 2 and 1 -> 56 channels, is 11 steps: 264
// accesses and 154 products for 32 results of 56 filters. Each block packs the few weights itself:
// 19 words a thread.

#include <cstddef>
#include <cstdint>

#include "kernels/cuda/conv/conv_primitives.h"
#include "kernels/cuda/conv/conv_tf32_patch_tiles.h"
#include "kernels/cuda/conv/tile_job.h"
#include "kernels/cuda/conv/tile_loads.h"
#include "kernels/cuda/fast_divide.h"
#include "kernels/cuda/tensor_core.h"

namespace pisr::kernels::PISR_CUDA_NAMESPACE {
namespace {

constexpr int kThreads = 256;
constexpr int kSide = 16;  // of a tile; a warp owns two rows of it
constexpr int kStep = 8;   // elements of one instruction
constexpr int kMostElements = 256;
constexpr int kFragment = 64;  // words of a fragment b
constexpr int kFilterTiles = 7, kFilters = kFilterTiles * 8;
constexpr std::size_t kMostShared = 96 << 10;  // sm_86 has 99 KB; two blocks fit sm_90

struct PatchJob {
  TileJob tiles;
  const float* weight;  // [filters, elements]
  int elements;
  FastDivide taps, kernel_width;

  __host__ __device__ int steps() const { return (elements + kStep - 1) / kStep; }
  // Shared memory holds the weights as fragments b, then the distances, then the tile.
  __host__ __device__ int weight_words() const { return steps() * kFilterTiles * kFragment; }
};

// Loads the weights as rounded fragments b, with zeros for the padding of filters and elements.
__device__ __forceinline__ void load_weights(const PatchJob& job, int first_filter,
                                             float* fragments) {
  for (int i = static_cast<int>(threadIdx.x); i < job.weight_words(); i += kThreads) {
    const int lane = i / 2 % kWarpSize, fragment = i / kFragment;
    const int step = fragment / kFilterTiles, n = fragment - step * kFilterTiles;
    const int filter = first_filter + n * 8 + lane / 4;
    const int element = step * kStep + lane % 4 + i % 2 * 4;
    float value = 0;
    if (filter < job.tiles.filters && element < job.elements) {
      value = job.weight[filter * job.elements + element];
    }
    fragments[i] = to_tf32(value);
  }
}

// Computes how far each element of a patch is from the first, in the tile. Padding points to the
// first: it is multiplied by 0, and a number that is not finite then spoils only results that use
// it anyway.
__device__ __forceinline__ void find_distances(const PatchJob& job, int* distances) {
  for (int k = static_cast<int>(threadIdx.x); k < job.steps() * kStep; k += kThreads) {
    const int element = k < job.elements ? k : 0;
    const int channel = job.taps.quotient(element), tap = element - channel * job.taps.divisor();
    const int i = job.kernel_width.quotient(tap), j = tap - i * job.kernel_width.divisor();
    distances[k] = channel * job.tiles.plane_pitch + i * job.tiles.row_pitch +
                   j % job.tiles.step * job.tiles.columns_of_step + j / job.tiles.step;
  }
}

__global__ void __launch_bounds__(kThreads, 2) conv_tf32_patch_tiles_kernel(PatchJob job) {
  PISR_DYNAMIC_SHARED(float, fragments);
  int* const distances = reinterpret_cast<int*>(fragments + job.weight_words());
  float* const tile = reinterpret_cast<float*>(distances + job.steps() * kStep);
  const TileJob& tiles = job.tiles;
  const TilePlace place(tiles);
  const int first_filter = static_cast<int>(blockIdx.y) * kFilters;
  const int warp = static_cast<int>(threadIdx.x) / kWarpSize;
  const int lane = static_cast<int>(threadIdx.x) % kWarpSize, group = lane / 4, member = lane % 4;

  load_tile<kThreads>(tiles, tiles.residues[0], place, 0, tile);
  load_weights(job, first_filter, fragments);
  find_distances(job, distances);
  copy_wait();
  __syncthreads();
  for (int i = static_cast<int>(threadIdx.x); i < tiles.channels * tiles.plane_pitch;
       i += kThreads) {
    tile[i] = to_tf32(tile[i]);
  }
  __syncthreads();

  float sum[2][kFilterTiles][4] = {};
  const int row_of_results = tiles.step * tiles.row_pitch;
  const float* const corner = tile + 2 * warp * row_of_results + group;
  for (int step = 0; step < job.steps(); ++step) {
    float a[2][4];
    PISR_UNROLL
    for (int part = 0; part < 4; ++part) {
      const float* const pixel =
          corner + distances[step * kStep + member + part / 2 * 4] + part % 2 * 8;
      a[0][part] = pixel[0];
      a[1][part] = pixel[row_of_results];
    }
    const float2* const b =
        reinterpret_cast<const float2*>(fragments) + step * kFilterTiles * kWarpSize + lane;
    PISR_UNROLL
    for (int n = 0; n < kFilterTiles; ++n) {
      const float right[2] = {b[n * kWarpSize].x, b[n * kWarpSize].y};
      multiply_tf32(sum[0][n], a[0], right);
      multiply_tf32(sum[1][n], a[1], right);
    }
  }

  PISR_UNROLL
  for (int n = 0; n < kFilterTiles; ++n) {
    PISR_UNROLL
    for (int odd = 0; odd < 2; ++odd) {
      float sums[2][2];
      PISR_UNROLL
      for (int m = 0; m < 2; ++m) {
        sums[m][0] = sum[m][n][odd];
        sums[m][1] = sum[m][n][2 + odd];
      }
      tiles.store(tiles.residues[0],
                  tiles.target_of(place.image, first_filter + n * 8 + 2 * member + odd),
                  place.row + 2 * warp, place.column + group, 8, sums);
    }
  }
}

// Sets all of the job but its arrays. Returns whether the shape is taken and fits.
bool fit(PatchJob& job, const ConvSizes& sizes) {
  const int taps = sizes.kernel_height * sizes.kernel_width;
  if (sizes.groups != 1 || sizes.in_channels >= kStep || sizes.out_channels < 8 ||
      sizes.stride > TileJob::kMostStride || sizes.in_channels * taps > kMostElements) {
    return false;
  }
  job.tiles = forward_job(sizes);
  job.elements = sizes.in_channels * taps;
  job.taps = FastDivide(taps);
  job.kernel_width = FastDivide(sizes.kernel_width);
  const std::size_t rest =
      (static_cast<std::size_t>(job.weight_words()) + job.steps() * kStep) * sizeof(float);
  // `rest` counts the weights with their padding.
  const TileShape shape{kSide, kSide, kFilters, sizes.in_channels, 1, 0, kMostShared};
  if (!fit_tile(job.tiles, shape)) {
    return false;
  }
  job.tiles.shared_bytes =
      rest + static_cast<std::size_t>(sizes.in_channels) * job.tiles.plane_pitch * sizeof(float);
  return job.tiles.shared_bytes <= kMostShared;
}

}  // namespace

bool tf32_patch_tiles_take_forward(const ConvSizes& sizes) {
  PatchJob job = {};
  return fit(job, sizes);
}

void tf32_patch_tiles_forward(Launcher& launcher, const ConvSizes& sizes, const float* large,
                              const float* weight, const Destination<float>& small) {
  PatchJob job = {};
  fit(job, sizes);
  job.tiles = with_images(job.tiles, large, small);
  job.weight = weight;
  launch_with_shared(launcher, conv_tf32_patch_tiles_kernel, tile_blocks(job.tiles, sizes.batch),
                     kThreads, job.tiles.shared_bytes, job);
}

}  // namespace pisr::kernels::PISR_CUDA_NAMESPACE
