#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/cuda/fast_divide.h"
#include "kernels/cuda/fsrcnn/fsrcnn_weights.h"

/// The tiles into which fused_fsrcnn divides an image.
namespace pisr::kernels::PISR_CUDA_NAMESPACE::fsrcnn {

constexpr int kThreads = 256, kWarps = kThreads / kWarpSize;
constexpr int kBand = 4;         ///< rows of features that are deconvolved at once
constexpr int kTapPitch = 82;    ///< floats of a pixel's taps: even, and free of bank conflicts
constexpr int kPixelBytes = 32;  ///< of a pixel of the shrunk maps: 16 halves

/// The halo of the transposed convolution: pixels of the input before and after a tile that its
/// output depends on.
__host__ __device__ constexpr int halo_before(int scale) {
  return kKernel / 2 / scale;
}
__host__ __device__ constexpr int halo_after(int scale) {
  return (scale - 1 + kKernel / 2) / scale;
}
/// Rows of the output that a band contributes to; they are kept until they are complete.
__host__ __device__ constexpr int rows_of_band(int scale) {
  return (kBand - 1) * scale + kKernel;
}

/// A rectangle around a tile, in pixels of the input; its corner lies `offset` before that of the
/// tile.
struct Region {
  int offset, height;
  FastDivide width;

  Region(int tile_width, int tile_height, int scale, int border)
      : offset(halo_before(scale) + border),
        height(tile_height + halo_before(scale) + halo_after(scale) + 2 * border),
        width(tile_width + halo_before(scale) + halo_after(scale) + 2 * border) {}
  __host__ __device__ int pixels() const { return height * width.divisor(); }
};

struct Tile {
  int width, height;  ///< pixels of the input
};

/// What a block computes: of each layer as much as the next one reads. Its shared memory holds
/// map a | map b | input, and later map a | taps | rows of the output.
struct Geometry {
  Tile tile;
  Region input;
  Region maps[kMappings + 1];  ///< results of shrink and of each mapping; the last, of expand
  FastDivide output_width;

  Geometry(const Tile& t, int scale)
      : tile(t),
        input(t.width, t.height, scale, kMappings + 2),
        maps{{t.width, t.height, scale, 4},
             {t.width, t.height, scale, 3},
             {t.width, t.height, scale, 2},
             {t.width, t.height, scale, 1},
             {t.width, t.height, scale, 0}},
        output_width(t.width * scale) {}

  __host__ __device__ int map_b() const { return maps[0].pixels() * kPixelBytes; }
  __host__ __device__ int input_at() const { return map_b() + maps[1].pixels() * kPixelBytes; }
  __host__ __device__ int rows_at() const {
    return map_b() + kBand * maps[kMappings].width.divisor() * kTapPitch * 4;
  }
  std::size_t shared_bytes(int scale) const {
    const int with_input = input_at() + input.pixels() * 4;
    const int with_rows = rows_at() + rows_of_band(scale) * output_width.divisor() * 4;
    return static_cast<std::size_t>(with_input > with_rows ? with_input : with_rows);
  }
};

/// Tensor-core products of a warp in a block, at 32 pixels a round.
inline std::int64_t cost_of_block(const Geometry& geometry) {
  constexpr int kOfShrink = 44, kOfMapping = 36, kOfExpand = 102;
  const auto rounds = [](int pixels) { return (pixels + kThreads - 1) / kThreads; };
  std::int64_t cost = std::int64_t{kOfShrink} * rounds(geometry.maps[0].pixels());
  for (int i = 1; i <= kMappings; ++i) {
    cost += std::int64_t{kOfMapping} * rounds(geometry.maps[i].pixels());
  }
  const Region& expanded = geometry.maps[kMappings];
  const int bands = (expanded.height + kBand - 1) / kBand;
  return cost + std::int64_t{kOfExpand} * bands * rounds(kBand * expanded.width.divisor());
}

/// The best tile that fits the card: the one with the least cost_of_block times the number of
/// blocks on the busiest multiprocessor. The result of fused_fsrcnn has the same bits with all
/// tiles.
inline Tile choose_tile(std::int64_t batch, int height, int width, int scale, const Card& card) {
  constexpr Tile kTiles[] = {{8, 8},   {16, 8},  {16, 16}, {24, 16}, {32, 16}, {32, 24},
                             {32, 32}, {48, 24}, {48, 32}, {64, 28}, {64, 32}};
  Tile best = kTiles[0];
  std::int64_t least = -1;
  for (const Tile& tile : kTiles) {
    const Geometry geometry(tile, scale);
    if (geometry.shared_bytes(scale) > card.shared_bytes) {
      continue;
    }
    const std::int64_t blocks =
        batch * ((height - 1) / tile.height + 1) * ((width - 1) / tile.width + 1);
    const std::int64_t cost = ((blocks - 1) / card.multiprocessors + 1) * cost_of_block(geometry);
    if (least < 0 || cost < least) {
      best = tile;
      least = cost;
    }
  }
  return best;
}

}  // namespace pisr::kernels::PISR_CUDA_NAMESPACE::fsrcnn
