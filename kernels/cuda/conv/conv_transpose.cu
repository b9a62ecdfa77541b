// conv_transpose by the first family that takes the shape. The last, an implicit GEMM, takes all:
// large [channels, pixels] = weight^T [channels, taps] small [taps, pixels] for each image and
// group, and for each of the stride^2 residue classes of pixels. A class uses only taps of its own,
// so no product with an inserted zero is computed.

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "kernels/cuda/conv/conv_fp32_tiles.h"
#include "kernels/cuda/conv/conv_primitives.h"
#include "kernels/cuda/conv/conv_tf32_tiles.h"
#include "kernels/cuda/conv/implicit_gemm.h"
#include "kernels/cuda/conv/stride_residue.h"
#include "kernels/cuda/fast_divide.h"
#include "kernels/cuda/map.h"

namespace pisr::kernels::PISR_CUDA_NAMESPACE {
namespace {

template <class T>
struct TransposeJob {
  ConvSizes sizes;
  int channels, filters;  // of a group
  int tiles;              // along the pixels of the largest residue
  const T* small;
  const T* weight;
  Destination<T> large;
};

template <class T>
struct TransposeOperands {
  static constexpr bool kADown = true, kBDown = false, kComputesA = false;
  const TransposeJob<T>& job;
  const StrideResidue &rows, &columns;
  const FastDivide &taps, &tap_columns, &width;
  const T* small;
  const T* weight;
  int first_channel, first_pixel, pixels;

  __device__ const T* a(int row, int k) const {
    const int channel = first_channel + row;
    if (channel >= job.channels) {
      return nullptr;
    }
    const int filter = taps.quotient(k), tap = k - filter * taps.divisor();
    const int tap_y = tap_columns.quotient(tap), tap_x = tap - tap_y * tap_columns.divisor();
    const int i = rows.first_tap + tap_y * job.sizes.stride;
    const int j = columns.first_tap + tap_x * job.sizes.stride;
    return weight +
           ((std::int64_t{filter} * job.channels + channel) * job.sizes.kernel_height + i) *
               job.sizes.kernel_width +
           j;
  }
  __device__ const T* b(int column, int k) const {
    const int pixel = first_pixel + column;
    if (pixel >= pixels) {
      return nullptr;
    }
    const int filter = taps.quotient(k), tap = k - filter * taps.divisor();
    const int tap_y = tap_columns.quotient(tap), tap_x = tap - tap_y * tap_columns.divisor();
    const int row = width.quotient(pixel);
    const int y = row + rows.first - tap_y;
    const int x = pixel - row * width.divisor() + columns.first - tap_x;
    if (y < 0 || y >= job.sizes.out_height || x < 0 || x >= job.sizes.out_width) {
      return nullptr;
    }
    return small + (std::int64_t{filter} * job.sizes.out_height + y) * job.sizes.out_width + x;
  }
};

template <class TileType, class T>
__global__ void __launch_bounds__(kGemmThreads) conv_transpose_kernel(TransposeJob<T> job) {
  const ConvSizes& sizes = job.sizes;
  const int stride = sizes.stride;
  const auto group = static_cast<int>(blockIdx.z) / (stride * stride);
  const int residue = static_cast<int>(blockIdx.z) % (stride * stride);
  const StrideResidue rows(residue / stride, sizes.in_height, sizes.kernel_height, stride,
                           sizes.padding);
  const StrideResidue columns(residue % stride, sizes.in_width, sizes.kernel_width, stride,
                              sizes.padding);
  const int pixels = rows.count * columns.count;
  const int first_pixel = static_cast<int>(blockIdx.x % job.tiles) * TileType::kColumns;
  if (first_pixel >= pixels) {
    return;
  }
  const int tap_count = rows.taps * columns.taps;
  const FastDivide taps(tap_count > 0 ? tap_count : 1);
  const FastDivide tap_columns(columns.taps > 0 ? columns.taps : 1);
  const FastDivide width(columns.count);
  const std::int64_t image = blockIdx.x / job.tiles;
  const std::int64_t first_filter = image * sizes.out_channels + group * job.filters;
  const TransposeOperands<T> operands{job,
                                      rows,
                                      columns,
                                      taps,
                                      tap_columns,
                                      width,
                                      job.small + first_filter * sizes.out_height * sizes.out_width,
                                      job.weight + std::int64_t{group} * job.filters *
                                                       job.channels * sizes.kernel_height *
                                                       sizes.kernel_width,
                                      static_cast<int>(blockIdx.y) * TileType::kRows,
                                      first_pixel,
                                      pixels};
  T sum[TileType::kThreadRows][TileType::kThreadColumns] = {};
  implicit_gemm<TileType>(operands, 0, job.filters * tap_count, sum);
  for_each_sum<TileType>(sum, [&](int row, int column, T value) {
    const int channel = operands.first_channel + row, pixel = first_pixel + column;
    if (channel < job.channels && pixel < pixels) {
      const int residue_y = width.quotient(pixel), residue_x = pixel - residue_y * width.divisor();
      const int y = residue_y * stride + rows.offset, x = residue_x * stride + columns.offset;
      const int of_all = group * job.channels + channel;
      const std::int64_t plane = image * sizes.in_channels + of_all;
      job.large.store_sum(of_all, (plane * sizes.in_height + y) * sizes.in_width + x, value);
    }
  });
}

template <class T>
void zero_padded_transpose(Launcher& launcher, const ConvSizes& sizes, const T* small,
                           const Weight<T>& weight, const Destination<T>& large,
                           Precision precision) {
  if constexpr (std::is_same_v<T, float>) {
    if (precision != Precision::fp32 && tf32_tiles_take_transpose(sizes)) {
      tf32_tiles_transpose(launcher, sizes, small, weight, large);
      return;
    }
    // In TF32 too: few channels would leave most of a tensor core idle.
    if ((precision == Precision::fp32 || sizes.in_channels <= 4) &&
        fp32_tiles_take_transpose(sizes)) {
      fp32_tiles_transpose(launcher, sizes, small, weight, large);
      return;
    }
  }
  const int channels = sizes.in_channels / sizes.groups;
  const int filters = sizes.out_channels / sizes.groups;
  const int stride = sizes.stride;
  count_32(std::int64_t{filters} * sizes.kernel_height * sizes.kernel_width, "weights");
  const std::int64_t most_pixels = std::int64_t{(sizes.in_height + stride - 1) / stride} *
                                   ((sizes.in_width + stride - 1) / stride);
  const int pixels = count_32(most_pixels, "pixels");
  with_gemm_tile<T>(channels, precision, [&](auto tile) {
    using TileType = decltype(tile);
    const auto tiles = static_cast<int>(block_count(pixels, TileType::kColumns));
    const dim3 blocks(block_count(sizes.batch * tiles, 1), block_count(channels, TileType::kRows),
                      static_cast<unsigned>(sizes.groups * stride * stride));
    launch(launcher, conv_transpose_kernel<TileType, T>, blocks, kGemmThreads,
           TransposeJob<T>{sizes, channels, filters, tiles, small, weight.values, large});
  });
}

// Replicate padding: a pixel's gradient is its own in the padded image, plus, at a border, those of
// the padding that copied it.
template <class T>
struct FoldPadding {
  ConvSizes sizes;
  const T* padded;
  T* large;
  Store store;
  __device__ void operator()(std::int64_t plane, std::int64_t i) const {
    const int padding = sizes.padding;
    const int height = sizes.in_height + 2 * padding, width = sizes.in_width + 2 * padding;
    const int y = static_cast<int>(i / sizes.in_width), x = static_cast<int>(i % sizes.in_width);
    const int top = y == 0 ? 0 : y + padding;
    const int bottom = y == sizes.in_height - 1 ? height - 1 : y + padding;
    const int left = x == 0 ? 0 : x + padding;
    const int right = x == sizes.in_width - 1 ? width - 1 : x + padding;
    double sum = 0;
    for (int row = top; row <= bottom; ++row) {
      for (int column = left; column <= right; ++column) {
        sum += padded[(plane * height + row) * width + column];
      }
    }
    const std::int64_t plane_size = std::int64_t{sizes.in_height} * sizes.in_width;
    PISR_CUDA_NAMESPACE::store(large[plane * plane_size + i], static_cast<T>(sum), store);
  }
};

}  // namespace

template <class T>
void conv_transpose(Launcher& launcher, const ConvSizes& sizes, const T* small,
                    const Weight<T>& weight, const Destination<T>& large, Precision precision) {
  if (sizes.padding_mode == PaddingMode::zero || sizes.padding == 0) {
    zero_padded_transpose(launcher, sizes, small, weight, large, precision);
    return;
  }
  ConvSizes with_padding = sizes;
  with_padding.in_height += 2 * sizes.padding;
  with_padding.in_width += 2 * sizes.padding;
  with_padding.padding = 0;
  const std::int64_t planes = sizes.batch * sizes.in_channels;
  auto* padded = launcher.scratch_array<T>(
      static_cast<std::size_t>(planes * with_padding.in_height * with_padding.in_width));
  zero_padded_transpose(launcher, with_padding, small, weight, Destination<T>{padded}, precision);
  map_planes(launcher, planes, std::int64_t{sizes.in_height} * sizes.in_width,
             FoldPadding<T>{sizes, padded, large.y, large.store});
}

template void conv_transpose<float>(Launcher&, const ConvSizes&, const float*, const Weight<float>&,
                                    const Destination<float>&, Precision);
template void conv_transpose<double>(Launcher&, const ConvSizes&, const double*,
                                     const Weight<double>&, const Destination<double>&, Precision);

}  // namespace pisr::kernels::PISR_CUDA_NAMESPACE
