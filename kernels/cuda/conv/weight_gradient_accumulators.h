#pragma once

#include "kernels/cuda/conv/weight_gradient_tile.h"
#include "kernels/cuda/tensor_core.h"

/// The sums of the product [rows, filters] of conv_weight_gradient_tiles.h that a thread keeps in
/// registers, in TF32 and in fp32. Where there are too few rows for all warps, groups of warps
/// ("splits") each have all rows, for different pixels.
namespace pisr::kernels::PISR_CUDA_NAMESPACE {

/// In TF32 on tensor cores: a warp has 32 rows and all filters; the depth of the product is the
/// pixels.
template <int kFilterTiles>
class Tf32Accumulator {
 public:
  static constexpr int kFilters = kFilterTiles * 8;
  static constexpr int kMostRows = kTileWarps * 32;
  __device__ static float rounded(float value) { return to_tf32(value); }

  __device__ explicit Tf32Accumulator(const WeightTileJob& job) {
    const int warps = (job.rows.divisor() + 31) / 32;
    splits_ = kTileWarps / warps;
    split_ = warp() / warps;
    rows_of_split_ = warps * 32;
    first_row_ = warp() % warps * 32;
    PISR_UNROLL
    for (int m = 0; m < 2; ++m) {
      PISR_UNROLL
      for (int i = 0; i < 2; ++i) {
        distance_[m][i] = job.distance(first_row_ + m * 16 + i * 8 + group());
      }
    }
  }

  __device__ __forceinline__ void add_tile(const WeightTileJob& job, const float* small,
                                           const float* large) {
    constexpr int kSteps = kTilePixels / 8;
    for (int step = split_ < splits_ ? split_ : kSteps; step < kSteps; step += splits_) {
      const float* pixels =
          large + step / 2 * job.sizes.stride * job.row_pitch + step % 2 * 8 + member();
      float a[2][4];
      PISR_UNROLL
      for (int m = 0; m < 2; ++m) {
        PISR_UNROLL
        for (int part = 0; part < 4; ++part) {
          a[m][part] = pixels[distance_[m][part % 2] + part / 2 * 4];
        }
      }
      PISR_UNROLL
      for (int n = 0; n < kFilterTiles; ++n) {
        const float* gradients = small + (n * 8 + group()) * kSmallPitch + step * 8 + member();
        const float b[2] = {gradients[0], gradients[4]};
        multiply_tf32(sum_[0][n], a[0], b);
        multiply_tf32(sum_[1][n], a[1], b);
      }
    }
  }

  __device__ int splits() const { return splits_; }
  __device__ int rows_of_split() const { return rows_of_split_; }
  /// Stores the sums as [splits, rows_of_split, filters].
  __device__ __forceinline__ void put(float* sums) const {
    if (split_ >= splits_) {
      return;
    }
    PISR_UNROLL
    for (int m = 0; m < 2; ++m) {
      PISR_UNROLL
      for (int n = 0; n < kFilterTiles; ++n) {
        PISR_UNROLL
        for (int part = 0; part < 4; ++part) {
          const int row = split_ * rows_of_split_ + first_row_ + m * 16 + part / 2 * 8 + group();
          sums[row * kFilters + n * 8 + 2 * member() + part % 2] = sum_[m][n][part];
        }
      }
    }
  }

 private:
  __device__ static int warp() { return static_cast<int>(threadIdx.x) / kWarpSize; }
  __device__ static int group() { return static_cast<int>(threadIdx.x) % kWarpSize / 4; }
  __device__ static int member() { return static_cast<int>(threadIdx.x) % 4; }

  int splits_, split_, rows_of_split_, first_row_;
  int distance_[2][2];
  float sum_[2][kFilterTiles][4] = {};
};

/// In fp32: a lane has every 32nd row, a warp some of the filters. Four pixels of the small tile
/// are one access for the whole warp. So 28 multiply-adds (seven filters, four rows) take 4 + 7 / 4
/// accesses.
template <int kAllFilters, int kFiltersOfWarp, int kRowsOfLane>
class Fp32Accumulator {
 public:
  static constexpr int kFilters = kAllFilters;
  static constexpr int kMostRows = kRowsOfLane * kWarpSize;
  __device__ static float rounded(float value) { return value; }

  __device__ explicit Fp32Accumulator(const WeightTileJob& job) {
    PISR_UNROLL
    for (int i = 0; i < kRowsOfLane; ++i) {
      distance_[i] = job.distance(i * kWarpSize + lane());
    }
  }

  // 32 pixels are summed before they are added to the total, which bounds the rounding error.
  __device__ __forceinline__ void add_tile(const WeightTileJob& job, const float* small,
                                           const float* large) {
    constexpr int kRowsOfChunk = 2, kChunks = kTileSide / kRowsOfChunk;
    constexpr int kFours = kTileSide / 4;
    for (int chunk = split(); chunk < kChunks; chunk += kSplits) {
      float part[kFiltersOfWarp][kRowsOfLane] = {};
      for (int i = 0; i < kRowsOfChunk * kFours; ++i) {
        const int y = chunk * kRowsOfChunk + i / kFours, x = i % kFours * 4;
        const float* pixels = large + y * job.sizes.stride * job.row_pitch + x;
        float a[kRowsOfLane][4];
        PISR_UNROLL
        for (int row = 0; row < kRowsOfLane; ++row) {
          PISR_UNROLL
          for (int k = 0; k < 4; ++k) {
            a[row][k] = pixels[distance_[row] + k];
          }
        }
        const float* gradients = small + first_filter() * kSmallPitch + y * kTileSide + x;
        PISR_UNROLL
        for (int filter = 0; filter < kFiltersOfWarp; ++filter) {
          const float4 b = *reinterpret_cast<const float4*>(gradients + filter * kSmallPitch);
          PISR_UNROLL
          for (int row = 0; row < kRowsOfLane; ++row) {
            part[filter][row] += a[row][0] * b.x;
            part[filter][row] += a[row][1] * b.y;
            part[filter][row] += a[row][2] * b.z;
            part[filter][row] += a[row][3] * b.w;
          }
        }
      }
      PISR_UNROLL
      for (int filter = 0; filter < kFiltersOfWarp; ++filter) {
        PISR_UNROLL
        for (int row = 0; row < kRowsOfLane; ++row) {
          sum_[filter][row] += part[filter][row];
        }
      }
    }
  }

  __device__ int splits() const { return kSplits; }
  __device__ int rows_of_split() const { return kMostRows; }
  __device__ __forceinline__ void put(float* sums) const {
    PISR_UNROLL
    for (int row = 0; row < kRowsOfLane; ++row) {
      float* const of_row = sums + (split() * kMostRows + row * kWarpSize + lane()) * kFilters;
      PISR_UNROLL
      for (int filter = 0; filter < kFiltersOfWarp; ++filter) {
        of_row[first_filter() + filter] = sum_[filter][row];
      }
    }
  }

 private:
  static constexpr int kWarpsOfSplit = kFilters / kFiltersOfWarp;
  static constexpr int kSplits = kTileWarps / kWarpsOfSplit;
  static_assert(kFiltersOfWarp * kWarpsOfSplit == kFilters);
  static_assert(kSplits * kWarpsOfSplit == kTileWarps);

  __device__ static int lane() { return static_cast<int>(threadIdx.x) % kWarpSize; }
  __device__ static int warp() { return static_cast<int>(threadIdx.x) / kWarpSize; }
  __device__ static int split() { return warp() / kWarpsOfSplit; }
  __device__ static int first_filter() { return warp() % kWarpsOfSplit * kFiltersOfWarp; }

  int distance_[kRowsOfLane];
  float sum_[kFiltersOfWarp][kRowsOfLane] = {};
};

}  // namespace pisr::kernels::PISR_CUDA_NAMESPACE
