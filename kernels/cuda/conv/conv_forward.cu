// conv_forward by the first family that takes the shape. The last, an implicit GEMM, takes all:
// small [filters, pixels] = weight [filters, patch] im2col(large) [patch, pixels] for each image
// and group.

#include <cstdint>
#include <type_traits>

#include "kernels/cuda/conv/conv_fp32_tiles.h"
#include "kernels/cuda/conv/conv_primitives.h"
#include "kernels/cuda/conv/conv_tf32_patch_tiles.h"
#include "kernels/cuda/conv/conv_tf32_tiles.h"
#include "kernels/cuda/conv/im2col.h"
#include "kernels/cuda/conv/implicit_gemm.h"

namespace pisr::kernels::PISR_CUDA_NAMESPACE {
namespace {

template <class T>
struct ForwardJob {
  Im2col im2col;
  int filters, patch, pixels;  // of a group and an image
  int tiles;                   // along the pixels
  const T* large;
  const T* weight;
  Destination<T> small;
};

template <class T>
struct ForwardOperands {
  static constexpr bool kADown = true, kBDown = false, kComputesA = false;
  const ForwardJob<T>& job;
  const T* image;
  const T* weight;
  int first_filter, first_pixel;

  __device__ const T* a(int row, int k) const {
    const int filter = first_filter + row;
    return filter < job.filters ? weight + std::int64_t{filter} * job.patch + k : nullptr;
  }
  __device__ const T* b(int column, int k) const {
    const int pixel = first_pixel + column;
    return pixel < job.pixels ? job.im2col.find(image, pixel, k) : nullptr;
  }
};

template <class TileType, class T>
__global__ void __launch_bounds__(kGemmThreads) conv_forward_kernel(ForwardJob<T> job) {
  const ConvSizes& sizes = job.im2col.sizes;
  const std::int64_t image = blockIdx.x / job.tiles;
  const int group = blockIdx.z, group_inputs = sizes.in_channels / sizes.groups;
  const std::int64_t first_channel = image * sizes.in_channels + group * group_inputs;
  const ForwardOperands<T> operands{job,
                                    job.large + first_channel * sizes.in_height * sizes.in_width,
                                    job.weight + std::int64_t{group} * job.filters * job.patch,
                                    static_cast<int>(blockIdx.y) * TileType::kRows,
                                    static_cast<int>(blockIdx.x % job.tiles) * TileType::kColumns};
  T sum[TileType::kThreadRows][TileType::kThreadColumns] = {};
  implicit_gemm<TileType>(operands, 0, job.patch, sum);
  for_each_sum<TileType>(sum, [&](int row, int column, T value) {
    const int filter = operands.first_filter + row, pixel = operands.first_pixel + column;
    if (filter < job.filters && pixel < job.pixels) {
      const int channel = group * job.filters + filter;
      job.small.store_sum(channel, (image * sizes.out_channels + channel) * job.pixels + pixel,
                          value);
    }
  });
}

}  // namespace

template <class T>
void conv_forward(Launcher& launcher, const ConvSizes& sizes, const T* large,
                  const Weight<T>& weight, const Destination<T>& small, Precision precision) {
  if constexpr (std::is_same_v<T, float>) {
    if (precision != Precision::fp32 && tf32_tiles_take_forward(sizes)) {
      tf32_tiles_forward(launcher, sizes, large, weight, small);
      return;
    }
    if (precision != Precision::fp32 && tf32_patch_tiles_take_forward(sizes)) {
      tf32_patch_tiles_forward(launcher, sizes, large, weight.values, small);
      return;
    }
    // In TF32 too: few filters would leave most of a tensor core idle.
    if ((precision == Precision::fp32 || sizes.out_channels <= 4) &&
        fp32_tiles_take_forward(sizes)) {
      fp32_tiles_forward(launcher, sizes, large, weight, small);
      return;
    }
  }
  const int filters = sizes.out_channels / sizes.groups;
  const Im2col im2col(sizes);
  const int patch =
      count_32(std::int64_t{sizes.in_channels} / sizes.groups * im2col.taps.divisor(), "weights");
  const int pixels = count_32(std::int64_t{sizes.out_height} * sizes.out_width, "pixels");
  with_gemm_tile<T>(filters, precision, [&](auto tile) {
    using TileType = decltype(tile);
    const auto tiles = static_cast<int>(block_count(pixels, TileType::kColumns));
    const dim3 blocks(block_count(sizes.batch * tiles, 1), block_count(filters, TileType::kRows),
                      static_cast<unsigned>(sizes.groups));
    launch(launcher, conv_forward_kernel<TileType, T>, blocks, kGemmThreads,
           ForwardJob<T>{im2col, filters, patch, pixels, tiles, large, weight.values, small});
  });
}

template void conv_forward<float>(Launcher&, const ConvSizes&, const float*, const Weight<float>&,
                                  const Destination<float>&, Precision);
template void conv_forward<double>(Launcher&, const ConvSizes&, const double*,
                                   const Weight<double>&, const Destination<double>&, Precision);

}  // namespace pisr::kernels::PISR_CUDA_NAMESPACE
