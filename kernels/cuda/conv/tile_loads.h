#pragma once

#include <cstdint>

#include "kernels/cuda/conv/tile_job.h"
#include "kernels/cuda/language.h"

/// How the tiles of tile_job.h are copied into shared memory.
namespace pisr::kernels::PISR_CUDA_NAMESPACE {

/// Starts to copy the window of this block's results into `tile` [chunk, plane_pitch], for the
/// channels from first_channel on. A row holds the columns 0, step, 2 step, ..., then 1, step + 1,
/// ...: neighbouring results then read neighbouring numbers.
template <int kThreads>
__device__ __forceinline__ void load_tile(const TileJob& job, const TileResidue& residue,
                                          const TilePlace& place, int first_channel, float* tile) {
  const int width = job.tile_width.divisor();
  const int first_y = place.row * job.step + residue.first_y;
  const int first_x = place.column * job.step + residue.first_x;
  const std::int64_t plane = std::int64_t{job.source_height} * job.source_width;
  const float* image = job.source + (place.image * job.channels + first_channel) * plane;
  const int left = job.channels - first_channel, channels = left < job.chunk ? left : job.chunk;
  for (int i = static_cast<int>(threadIdx.x); i < job.tile_height * width; i += kThreads) {
    const int row = job.tile_width.quotient(i), column = i - row * width;
    int y = first_y + row, x = first_x + column;
    if (job.replicate) {
      y = y < 0 ? 0 : y < job.source_height ? y : job.source_height - 1;
      x = x < 0 ? 0 : x < job.source_width ? x : job.source_width - 1;
    }
    const int shift = job.divide_step.quotient(column);
    float* target =
        tile + row * job.row_pitch + (column - shift * job.step) * job.columns_of_step + shift;
    int channel = 0;
    if (y >= 0 && y < job.source_height && x >= 0 && x < job.source_width) {
      const float* source = image + std::int64_t{y} * job.source_width + x;
      for (; channel < channels; ++channel, source += plane, target += job.plane_pitch) {
        copy_async(target, source);
      }
    }
    for (; channel < job.chunk; ++channel, target += job.plane_pitch) {
      *target = 0;
    }
  }
}

/// How many columns load_tile_float4 loads before the first that is needed. With them, four columns
/// copied at once lie either inside the image or outside.
__host__ __device__ __forceinline__ int lead_of(const TileResidue& residue) {
  return residue.first_x & 3;
}
/// Whether load_tile_float4 applies: step 1, zero padding, and rows aligned to 16 bytes. To be
/// called after fit_tile.
bool can_load_float4(const TileJob& job);
/// load_tile with copies of 16 bytes, of `channels` channels; channels up to `filled` become zeros.
template <int kThreads>
__device__ __forceinline__ void load_tile_float4(const TileJob& job, const TileResidue& residue,
                                                 const TilePlace& place, int first_channel,
                                                 int channels, int filled, float* tile) {
  const int fours = job.float4s_of_row.divisor();
  const std::int64_t plane = std::int64_t{job.source_height} * job.source_width / 4;
  const auto* image = reinterpret_cast<const float4*>(job.source) +
                      (place.image * job.channels + first_channel) * plane;
  for (int i = static_cast<int>(threadIdx.x); i < job.tile_height * fours; i += kThreads) {
    const int row = job.float4s_of_row.quotient(i), column = (i - row * fours) * 4;
    const int y = place.row + residue.first_y + row;
    const int x = place.column + residue.first_x - lead_of(residue) + column;
    auto* target = reinterpret_cast<float4*>(tile) + i;
    int channel = 0;
    if (y >= 0 && y < job.source_height && x >= 0 && x < job.source_width) {
      const float4* source = image + (std::int64_t{y} * job.source_width + x) / 4;
      for (; channel < channels; ++channel, source += plane, target += job.plane_pitch / 4) {
        copy_async(target, source);
      }
    }
    for (; channel < filled; ++channel, target += job.plane_pitch / 4) {
      *target = float4{0, 0, 0, 0};
    }
  }
}

/// Starts to copy `words` words, a multiple of four and aligned to 16 bytes, into shared memory.
template <int kThreads>
__device__ __forceinline__ void load_words(const float* source, int words, float* target) {
  for (int i = static_cast<int>(threadIdx.x); i < words / 4; i += kThreads) {
    copy_async(reinterpret_cast<float4*>(target) + i, reinterpret_cast<const float4*>(source) + i);
  }
}

}  // namespace pisr::kernels::PISR_CUDA_NAMESPACE
