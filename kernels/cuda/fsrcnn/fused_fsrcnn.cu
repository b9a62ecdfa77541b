#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>

#include "kernels/cuda/fsrcnn/fsrcnn_tiles.h"
#include "kernels/cuda/fsrcnn/fsrcnn_weights.h"
#include "kernels/cuda/fsrcnn/fused_fsrcnn.h"
#include "kernels/cuda/tensor_core.h"

namespace pisr::kernels::PISR_CUDA_NAMESPACE {
namespace {

using namespace fsrcnn;

constexpr int kWarpPixels = 32;  // a warp multiplies two fragments a with each fragment b

struct Job {
  Geometry geometry;
  int height, width;
  const float* x;
  float* y;
  const unsigned* packed;

  __device__ bool inside(int row, int column) const {
    return row >= 0 && row < height && column >= 0 && column < width;
  }
};

// The place of a thread, and its access to the packed weights.
struct Here {
  const Job& job;
  int warp, lane, group, member;  // of tensor_core.h
  int row, column;                // of the tile's corner, in pixels of the input

  __device__ explicit Here(const Job& j)
      : job(j),
        warp(static_cast<int>(threadIdx.x) / kWarpSize),
        lane(static_cast<int>(threadIdx.x) % kWarpSize),
        group(lane / 4),
        member(lane % 4),
        row(static_cast<int>(blockIdx.y) * j.geometry.tile.height),
        column(static_cast<int>(blockIdx.x) * j.geometry.tile.width) {}

  __device__ void fragment(int index, unsigned (&b)[2]) const {
    const uint2 words =
        __ldg(reinterpret_cast<const uint2*>(job.packed) + index * kWarpSize + lane);
    b[0] = words.x;
    b[1] = words.y;
  }

  // Bias and slope of the channels 2 member and 2 member + 1 from `channel` on.
  __device__ float4 coefficients(int channel) const {
    return __ldg(reinterpret_cast<const float4*>(job.packed + kAllFragments * 64 + channel * 2) +
                 member);
  }
  __device__ float output_bias() const {
    return __ldg(reinterpret_cast<const float*>(job.packed) + kAllFragments * 64 +
                 kAllChannels * 2);
  }

  // Whether a pixel of a region lies in the image. Outside, the input of every layer is zero.
  __device__ bool inside(const Region& region, int pixel) const {
    const int y = region.width.quotient(pixel), x = pixel - y * region.width.divisor();
    return job.inside(row - region.offset + y, column - region.offset + x);
  }
};

__device__ __forceinline__ unsigned prelu_pair(float first, float second,
                                               const float4& coefficients) {
  first += coefficients.x;
  second += coefficients.z;
  return pack_halves(first > 0 ? first : coefficients.y * first,
                     second > 0 ? second : coefficients.w * second);
}

// The first or the last eight channels of a pixel of a map. The two halves are swapped in every
// other group of four pixels, so that eight neighbours lie in different banks.
__device__ __forceinline__ unsigned char* half_of_pixel(unsigned char* map, int pixel, int half) {
  return map + pixel * kPixelBytes + (half ^ (pixel >> 2 & 1)) * 16;
}

// Stores this thread's pixels of a map, two channels of each half.
__device__ __forceinline__ void store_pixels(const Here& here, const Region& region,
                                             unsigned char* map, int first_pixel,
                                             const float (&sum)[2][2][4], int first_channel) {
  PISR_UNROLL
  for (int half = 0; half < 2; ++half) {
    const float4 coefficients = here.coefficients(first_channel + half * 8);
    PISR_UNROLL
    for (int i = 0; i < 4; ++i) {
      const int pixel = first_pixel + i * 8 + here.group;
      if (pixel < region.pixels()) {
        const float(&values)[4] = sum[i / 2][half];
        const unsigned pair = prelu_pair(values[i % 2 * 2], values[i % 2 * 2 + 1], coefficients);
        reinterpret_cast<unsigned*>(half_of_pixel(map, pixel, half))[here.member] =
            here.inside(region, pixel) ? pair : 0U;
      }
    }
  }
}

// Loads the input [pixels] as pairs of a pixel and its right neighbour.
__device__ __forceinline__ void load_input(const Here& here, unsigned* input) {
  const Job& job = here.job;
  const Region& region = job.geometry.input;
  const float* image = job.x + std::size_t{blockIdx.z} * job.height * job.width;
  const auto value = [&](int y, int x) {
    return job.inside(y, x) ? image[std::size_t(y) * job.width + x] : 0.0F;
  };
  for (int i = static_cast<int>(threadIdx.x); i < region.pixels(); i += kThreads) {
    const int row = region.width.quotient(i);
    const int y = here.row - region.offset + row;
    const int x = here.column - region.offset + i - row * region.width.divisor();
    input[i] = pack_halves(value(y, x), value(y, x + 1));
  }
}

// The features stay in registers: the sums of the first product are laid out as the second needs
// its operand.
__device__ __forceinline__ void feature_and_shrink(const Here& here, const unsigned* input,
                                                   unsigned char* map) {
  const Region& region = here.job.geometry.maps[0];
  const int pitch = here.job.geometry.input.width.divisor();
  int tap[2][2];  // where in the input the pairs of a patch are, row by row
  PISR_UNROLL
  for (int i = 0; i < 4; ++i) {
    const int pair = i * 4 + here.member;
    tap[i / 2][i % 2] = pair < 15 ? pair / 3 * pitch + pair % 3 * 2 : 0;  // 15 is padding
  }
  for (int first = here.warp * kWarpPixels; first < region.pixels(); first += kThreads) {
    unsigned patch[2][2][4];
    PISR_UNROLL
    for (int i = 0; i < 4; ++i) {
      const int pixel = first + i * 8 + here.group;
      const int within = pixel < region.pixels() ? pixel : 0;
      const int row = region.width.quotient(within);
      const unsigned* corner = input + row * pitch + within - row * region.width.divisor();
      PISR_UNROLL
      for (int step = 0; step < 2; ++step) {
        patch[i / 2][step][i % 2] = corner[tap[step][0]];
        patch[i / 2][step][i % 2 + 2] = corner[tap[step][1]];
      }
    }
    float shrunk[2][2][4] = {};
    PISR_UNROLL
    for (int step = 0; step < Shrink::kSteps; ++step) {
      unsigned features[2][4] = {};
      PISR_UNROLL
      for (int n = 2 * step; n < 2 * step + 2 && n < Feature::kColumnTiles; ++n) {
        float sum[2][4] = {};
        PISR_UNROLL
        for (int k = 0; k < Feature::kSteps; ++k) {
          unsigned b[2];
          here.fragment(kFeatureAt + k * Feature::kColumnTiles + n, b);
          multiply_fp16(sum[0], patch[0][k], b);
          multiply_fp16(sum[1], patch[1][k], b);
        }
        const float4 coefficients = here.coefficients(kFeatureChannel + n * 8);
        PISR_UNROLL
        for (int tile = 0; tile < 2; ++tile) {
          features[tile][n % 2 * 2] = prelu_pair(sum[tile][0], sum[tile][1], coefficients);
          features[tile][n % 2 * 2 + 1] = prelu_pair(sum[tile][2], sum[tile][3], coefficients);
        }
      }
      PISR_UNROLL
      for (int half = 0; half < 2; ++half) {
        unsigned b[2];
        here.fragment(kShrinkAt + step * 2 + half, b);
        multiply_fp16(shrunk[0][half], features[0], b);
        multiply_fp16(shrunk[1][half], features[1], b);
      }
    }
    store_pixels(here, region, map, first, shrunk, kShrinkChannel);
  }
}

__device__ __forceinline__ void mapping(const Here& here, int layer, unsigned char* from,
                                        unsigned char* to) {
  const Region& source = here.job.geometry.maps[layer];
  const Region& target = here.job.geometry.maps[layer + 1];
  const int pitch = source.width.divisor();
  unsigned weights[Mapping::kFragments][2];
  PISR_UNROLL
  for (int i = 0; i < Mapping::kFragments; ++i) {
    here.fragment(kMappingAt + layer * Mapping::kFragments + i, weights[i]);
  }
  for (int first = here.warp * kWarpPixels; first < target.pixels(); first += kThreads) {
    int corner[2];
    PISR_UNROLL
    for (int tile = 0; tile < 2; ++tile) {
      const int pixel = first + tile * 16 + here.lane % 16;
      const int within = pixel < target.pixels() ? pixel : 0;
      const int row = target.width.quotient(within);
      corner[tile] = row * pitch + within - row * target.width.divisor();
    }
    float sum[2][2][4] = {};
    PISR_UNROLL
    for (int tap = 0; tap < 9; ++tap) {
      PISR_UNROLL
      for (int tile = 0; tile < 2; ++tile) {
        unsigned a[4];
        const int pixel = corner[tile] + tap / 3 * pitch + tap % 3;
        load_matrices(a, half_of_pixel(from, pixel, here.lane / 16));
        multiply_fp16(sum[tile][0], a, weights[tap * 2]);
        multiply_fp16(sum[tile][1], a, weights[tap * 2 + 1]);
      }
    }
    store_pixels(here, target, to, first, sum, kMappingChannel + layer * 16);
  }
}

// Computes taps [pixels of kBand rows, kTapPitch]: what each pixel of the rows from `band` on
// contributes to the 81 pixels of the output around it.
__device__ __forceinline__ void expand_and_scatter(const Here& here, int band, unsigned char* map,
                                                   float* taps) {
  const Region& region = here.job.geometry.maps[kMappings];
  const int rows = region.height - band < kBand ? region.height - band : kBand;
  const int first_of_band = band * region.width.divisor();
  const int pixels = rows * region.width.divisor();
  for (int first = here.warp * kWarpPixels; first < pixels; first += kThreads) {
    unsigned features[2][Deconvolution::kSteps][4] = {};
    PISR_UNROLL
    for (int tile = 0; tile < 2; ++tile) {
      const int pixel = first + tile * 16 + here.lane % 16;
      unsigned a[4];
      load_matrices(
          a, half_of_pixel(map, first_of_band + (pixel < pixels ? pixel : 0), here.lane / 16));
      const int upper = first + tile * 16 + here.group, lower = upper + 8;
      const bool upper_inside = upper < pixels && here.inside(region, first_of_band + upper);
      const bool lower_inside = lower < pixels && here.inside(region, first_of_band + lower);
      PISR_UNROLL
      for (int n = 0; n < Expand::kColumnTiles; ++n) {
        unsigned b[2];
        here.fragment(kExpandAt + n, b);
        float sum[4] = {};
        multiply_fp16(sum, a, b);
        const float4 coefficients = here.coefficients(kExpandChannel + n * 8);
        unsigned(&operand)[4] = features[tile][n / 2];
        operand[n % 2 * 2] = upper_inside ? prelu_pair(sum[0], sum[1], coefficients) : 0U;
        operand[n % 2 * 2 + 1] = lower_inside ? prelu_pair(sum[2], sum[3], coefficients) : 0U;
      }
    }
    PISR_UNROLL
    for (int n = 0; n < Deconvolution::kColumnTiles; ++n) {
      float sum[2][4] = {};
      PISR_UNROLL
      for (int k = 0; k < Deconvolution::kSteps; ++k) {
        unsigned b[2];
        here.fragment(kDeconvolutionAt + k * Deconvolution::kColumnTiles + n, b);
        multiply_fp16(sum[0], features[0][k], b);
        multiply_fp16(sum[1], features[1][k], b);
      }
      const int tap = n * 8 + 2 * here.member;
      PISR_UNROLL
      for (int i = 0; i < 4; ++i) {
        const int pixel = first + i * 8 + here.group;
        if (tap < kTaps && pixel < pixels) {
          *reinterpret_cast<float2*>(taps + pixel * kTapPitch + tap) = {sum[i / 2][i % 2 * 2],
                                                                        sum[i / 2][i % 2 * 2 + 1]};
        }
      }
    }
  }
}

// Adds the taps of a band to the rows of the output, in an order that is fixed for each pixel.
// `rows` is a ring buffer of the rows that are not complete: row r is in place r modulo their
// number.
template <int kScale>
__device__ __forceinline__ void gather(const Here& here, int band, const float* taps, float* rows) {
  constexpr int kRows = rows_of_band(kScale), kBefore = halo_before(kScale);
  constexpr int kReach = kKernel / 2;
  const Geometry& geometry = here.job.geometry;
  const int band_end = band + kBand < geometry.maps[kMappings].height
                           ? band + kBand
                           : geometry.maps[kMappings].height;
  const int pitch = geometry.maps[kMappings].width.divisor();
  const int width = geometry.output_width.divisor(), height = geometry.tile.height * kScale;
  const int reached = (band - kBefore) * kScale - kReach;
  const int first_row = reached > 0 ? reached : 0;
  const int end = (band_end - 1 - kBefore) * kScale + kReach + 1;
  const int count = ((end < height ? end : height) - first_row) * width;
  // The pixels, counted in the region, whose taps reach coordinate `at` of the output.
  const auto first_source = [](int at) {
    return (at + kReach * kScale - kReach + kScale - 1) / kScale - kReach + kBefore;
  };
  const auto last_source = [](int at) { return (at + kReach) / kScale + kBefore; };
  float* y =
      here.job.y + std::size_t{blockIdx.z} * here.job.height * here.job.width * kScale * kScale;
  for (int i = static_cast<int>(threadIdx.x); i < count; i += kThreads) {
    const int line = geometry.output_width.quotient(i), x = i - line * width;
    const int out_row = first_row + line;
    const int top = first_source(out_row), bottom = last_source(out_row);
    const int left = first_source(x), right = last_source(x);
    float* kept = rows + out_row % kRows * width + x;
    float sum = top >= band ? here.output_bias() : *kept;
    for (int row = top > band ? top : band; row <= bottom && row < band_end; ++row) {
      const int tap_row = out_row + kReach - (row - kBefore) * kScale;
      for (int column = left; column <= right; ++column) {
        const int tap = tap_row * kKernel + x + kReach - (column - kBefore) * kScale;
        sum += taps[((row - band) * pitch + column) * kTapPitch + tap];
      }
    }
    *kept = sum;
    const int image_row = here.row * kScale + out_row, image_column = here.column * kScale + x;
    if (bottom < band_end && image_row < here.job.height * kScale &&
        image_column < here.job.width * kScale) {
      y[std::size_t(image_row) * here.job.width * kScale + image_column] = sum;
    }
  }
}

template <int kScale>
__global__ void __launch_bounds__(kThreads, 1) fused_fsrcnn_kernel(Job job) {
  PISR_DYNAMIC_SHARED(unsigned char, shared);
  const Here here(job);
  unsigned char* map_a = shared;
  unsigned char* map_b = shared + job.geometry.map_b();
  auto* input = reinterpret_cast<unsigned*>(shared + job.geometry.input_at());
  load_input(here, input);
  __syncthreads();
  feature_and_shrink(here, input, map_a);
  __syncthreads();
  for (int layer = 0; layer < kMappings; ++layer) {
    mapping(here, layer, layer % 2 == 0 ? map_a : map_b, layer % 2 == 0 ? map_b : map_a);
    __syncthreads();
  }
  auto* taps = reinterpret_cast<float*>(map_b);
  auto* rows = reinterpret_cast<float*>(shared + job.geometry.rows_at());
  for (int band = 0; band < job.geometry.maps[kMappings].height; band += kBand) {
    expand_and_scatter(here, band, map_a, taps);
    __syncthreads();
    gather<kScale>(here, band, taps, rows);
    __syncthreads();
  }
}

template <int kScale>
void run(Launcher& launcher, const FusedFsrcnnArgs& args) {
  const Tile tile = choose_tile(args.batch, args.height, args.width, kScale, current_card());
  const Geometry geometry(tile, kScale);
  const dim3 blocks(block_count(args.width, tile.width), block_count(args.height, tile.height),
                    static_cast<unsigned>(args.batch));
  launch_with_shared(launcher, fused_fsrcnn_kernel<kScale>, blocks, kThreads,
                     geometry.shared_bytes(kScale),
                     Job{geometry, args.height, args.width, args.x, args.y, args.packed});
}

}  // namespace

void fused_fsrcnn(Launcher& launcher, const FusedFsrcnnArgs& args) {
  switch (args.scale) {
    case 2:
      return run<2>(launcher, args);
    case 3:
      return run<3>(launcher, args);
    case 4:
      return run<4>(launcher, args);
    default:
      throw std::invalid_argument("fused_fsrcnn: scale must be 2, 3 or 4, got " +
                                  std::to_string(args.scale));
  }
}

}  // namespace pisr::kernels::PISR_CUDA_NAMESPACE
