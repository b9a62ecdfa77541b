// weight [filters, patch] = small [filters, pixels] large^T [pixels, patch], the pixels those of
// all images. They are many and the weights few, so the sum is cut into parts for blocks of their
// own, which a second pass adds in order.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "kernels/cuda/conv_primitives.h"
#include "kernels/cuda/conv_tiles.h"
#include "kernels/cuda/late_sums.h"
#include "kernels/cuda/patches.h"
#include "kernels/cuda/product.h"

namespace pisr::kernels::PISR_CUDA_NAMESPACE {
namespace {

constexpr int kMostParts = 64;      // scratch memory holds so many weights
constexpr int kPixelsOfPart = 512;  // at least, so that a part is worth its second pass

template <class T>
struct ToWeight {
  Patches patches;
  FastDivide pixels;   // of an image
  int filters, patch;  // of a group
  int all_pixels, pixels_of_part, parts;
  const T* large;
  const T* small;
  T* partial;  // [parts, out_channels, patch]
};

template <class T>
struct ToWeightOperands {
  static constexpr bool kADown = true, kBDown = true;
  const ToWeight<T>& job;
  int group, first_filter, first_column;

  __device__ const T* a(int row, int k) const {
    const int filter = first_filter + row;
    if (filter >= job.filters) {
      return nullptr;
    }
    const int image = job.pixels.quotient(k), pixel = k - image * job.pixels.divisor();
    const std::int64_t channel =
        std::int64_t{image} * job.patches.sizes.out_channels + group * job.filters + filter;
    return job.small + channel * job.pixels.divisor() + pixel;
  }
  __device__ const T* b(int column, int k) const {
    const ConvSizes& sizes = job.patches.sizes;
    const int element = first_column + column;
    if (element >= job.patch) {
      return nullptr;
    }
    const int image = job.pixels.quotient(k), pixel = k - image * job.pixels.divisor();
    const std::int64_t channel = std::int64_t{image} * sizes.in_channels +
                                 std::int64_t{group} * (sizes.in_channels / sizes.groups);
    return job.patches.find(job.large + channel * sizes.in_height * sizes.in_width, pixel, element);
  }
};

template <class TileType, class T>
__global__ void __launch_bounds__(kProductThreads) conv_to_weight_kernel(ToWeight<T> job) {
  const int part = static_cast<int>(blockIdx.x) % job.parts;
  const ToWeightOperands<T> operands{job, static_cast<int>(blockIdx.z),
                                     static_cast<int>(blockIdx.y) * TileType::kRows,
                                     static_cast<int>(blockIdx.x) / job.parts * TileType::kColumns};
  const std::int64_t begin = std::int64_t{part} * job.pixels_of_part;
  const std::int64_t end = begin + job.pixels_of_part;
  T sum[TileType::kThreadRows][TileType::kThreadColumns] = {};
  multiply<TileType>(operands, static_cast<int>(begin),
                     end < job.all_pixels ? static_cast<int>(end) : job.all_pixels, sum);
  for_each_sum<TileType>(sum, [&](int row, int column, T value) {
    const int filter = operands.first_filter + row, element = operands.first_column + column;
    if (filter < job.filters && element < job.patch) {
      const std::int64_t channel = std::int64_t{part} * job.patches.sizes.out_channels +
                                   operands.group * job.filters + filter;
      job.partial[channel * job.patch + element] = value;
    }
  });
}

}  // namespace

template <class T>
void conv_to_weight(Queue& queue, const ConvSizes& sizes, const T* large, const T* small, T* weight,
                    Store how, LateSums<T>* later, Precision precision) {
  if constexpr (std::is_same_v<T, float>) {
    if (precision != Precision::fp32 && tiles_take_to_weight(sizes)) {
      tiles_to_weight(queue, sizes, large, small, weight, how, later);
      return;
    }
  }
  const int filters = sizes.out_channels / sizes.groups;
  const Patches patches(sizes);
  const int patch =
      count_32(std::int64_t{sizes.in_channels} / sizes.groups * patches.taps.divisor(), "weights");
  const std::int64_t pixels = std::int64_t{sizes.out_height} * sizes.out_width;
  const int all_pixels = count_32(sizes.batch * pixels, "pixels");
  const int wanted = std::max(kPixelsOfPart, (all_pixels + kMostParts - 1) / kMostParts);
  const int pixels_of_part = (wanted + kDepth - 1) / kDepth * kDepth;
  const auto parts = static_cast<int>(block_count(all_pixels, pixels_of_part));
  const std::int64_t weights = std::int64_t{sizes.out_channels} * patch;
  auto* partial = queue.scratch_array<T>(static_cast<std::size_t>(parts * weights));
  with_tile<T>(filters, precision, [&](auto tile) {
    using TileType = decltype(tile);
    const dim3 blocks(block_count(std::int64_t{block_count(patch, TileType::kColumns)} * parts, 1),
                      block_count(filters, TileType::kRows), static_cast<unsigned>(sizes.groups));
    launch(queue, conv_to_weight_kernel<TileType, T>, blocks, kProductThreads,
           ToWeight<T>{patches, FastDivide(static_cast<int>(pixels)), filters, patch, all_pixels,
                       pixels_of_part, parts, large, small, partial});
  });
  leave_or_finish(queue, {{weight, how, partial, nullptr, parts, weights}}, later);
}

template void conv_to_weight<float>(Queue&, const ConvSizes&, const float*, const float*, float*,
                                    Store, LateSums<float>*, Precision);
template void conv_to_weight<double>(Queue&, const ConvSizes&, const double*, const double*,
                                     double*, Store, LateSums<double>*, Precision);

}  // namespace pisr::kernels::PISR_CUDA_NAMESPACE
