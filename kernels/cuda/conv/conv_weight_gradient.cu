// conv_weight_gradient by tiles where they take the shape, otherwise by an implicit GEMM:
// weight [filters, patch] = small [filters, pixels] im2col(large)^T [pixels, patch] over the pixels
// of all images. Pixels are many and weights few, so the sum is cut into parts for separate blocks,
// and a second pass adds the parts in order. Where one block has all columns, it can also compute
// the gradient of a PReLU behind the convolution. Otherwise that is a pass of its own over three
// maps.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "kernels/cuda/conv/conv_primitives.h"
#include "kernels/cuda/conv/conv_weight_gradient_tiles.h"
#include "kernels/cuda/conv/fused_prelu_gradient.h"
#include "kernels/cuda/conv/im2col.h"
#include "kernels/cuda/conv/implicit_gemm.h"
#include "kernels/cuda/deferred_sums.h"

namespace pisr::kernels::PISR_CUDA_NAMESPACE {
namespace {

constexpr int kWantedBlocks = 528;  // four for each multiprocessor of an H200
constexpr int kPixelsOfPart = 256;  // at least, to make a part worth its second pass

template <class T>
struct WeightGradientJob {
  Im2col im2col;
  FastDivide pixels;                 // of an image
  int filters, patch, group_inputs;  // of a group
  int all_pixels, pixels_of_part, parts;
  const T* large;
  const T* small;
  T* partial;  // [parts, out_channels, patch]

  __device__ int end_of_part(int part) const {
    const std::int64_t end = (std::int64_t{part} + 1) * pixels_of_part;
    return end < all_pixels ? static_cast<int>(end) : all_pixels;
  }
};

template <class T>
struct WeightGradientOperands {
  static constexpr bool kADown = true, kBDown = true, kComputesA = false;
  const WeightGradientJob<T>& job;
  int group, first_filter, first_column;

  __device__ int channel(int filter) const { return group * job.filters + filter; }
  // Index, in `small`, of pixel k counted over all images.
  __device__ std::int64_t place(int filter, int k) const {
    const int image = job.pixels.quotient(k), pixel = k - image * job.pixels.divisor();
    const std::int64_t plane =
        std::int64_t{image} * job.im2col.sizes.out_channels + channel(filter);
    return plane * job.pixels.divisor() + pixel;
  }
  __device__ const T* a(int row, int k) const {
    const int filter = first_filter + row;
    return filter < job.filters ? job.small + place(filter, k) : nullptr;
  }
  __device__ const T* b(int column, int k) const {
    const ConvSizes& sizes = job.im2col.sizes;
    const int element = first_column + column;
    if (element >= job.patch) {
      return nullptr;
    }
    const int image = job.pixels.quotient(k), pixel = k - image * job.pixels.divisor();
    const std::int64_t channel =
        std::int64_t{image} * sizes.in_channels + std::int64_t{group} * job.group_inputs;
    return job.im2col.find(job.large + channel * sizes.in_height * sizes.in_width, pixel, element);
  }
};

// Stores the sums of one part.
template <class TileType, class T>
__device__ __forceinline__ void store_part(
    const WeightGradientOperands<T>& operands, int part,
    const T (&sum)[TileType::kThreadRows][TileType::kThreadColumns]) {
  const WeightGradientJob<T>& job = operands.job;
  for_each_sum<TileType>(sum, [&](int row, int column, T value) {
    const int filter = operands.first_filter + row, element = operands.first_column + column;
    if (filter < job.filters && element < job.patch) {
      const std::int64_t channel =
          std::int64_t{part} * job.im2col.sizes.out_channels + operands.channel(filter);
      job.partial[channel * job.patch + element] = value;
    }
  });
}

template <class TileType, class T>
__global__ void __launch_bounds__(kGemmThreads)
    conv_weight_gradient_kernel(WeightGradientJob<T> job) {
  const int part = static_cast<int>(blockIdx.x) % job.parts;
  const WeightGradientOperands<T> operands{
      job, static_cast<int>(blockIdx.z), static_cast<int>(blockIdx.y) * TileType::kRows,
      static_cast<int>(blockIdx.x) / job.parts * TileType::kColumns};
  T sum[TileType::kThreadRows][TileType::kThreadColumns] = {};
  implicit_gemm<TileType>(operands, part * job.pixels_of_part, job.end_of_part(part), sum);
  store_part<TileType>(operands, part, sum);
}

// Computes dz as it loads dy. One thread computes each element, and sums what it contributes to the
// gradients of the slope and of the bias.
template <class TileType, class T>
class PreluOperands : public WeightGradientOperands<T> {
 public:
  static constexpr bool kComputesA = true;

  __device__ PreluOperands(const WeightGradientOperands<T>& operands,
                           const FusedPreluGradient<T>& prelu)
      : WeightGradientOperands<T>(operands), prelu_(prelu) {}

  // All loads come before all stores: dz may be the same memory as dy, so the compiler may not
  // reorder them.
  __device__ __forceinline__ void load_a(int first, int end) {
    inside_ = first + depth() < end;
    place_ = inside_ ? this->place(this->first_filter + row(0), first + depth()) : 0;
    PISR_UNROLL
    for (int i = 0; i < kElements; ++i) {
      if (has(i)) {
        dy_[i] = this->job.small[place(i)];
        before_[i] = prelu_.before[place(i)];
      }
    }
  }

  __device__ __forceinline__ void put_a(T (&slice)[kDepth][TileType::kRows + TileType::kPad]) {
    PISR_UNROLL
    for (int i = 0; i < kElements; ++i) {
      T dz = 0;
      if (has(i)) {
        const bool passes = before_[i] > 0;
        dz = passes ? dy_[i] : prelu_.slope_of(this->channel(filter(i))) * dy_[i];
        if (prelu_.dz != nullptr) {
          prelu_.dz[place(i)] = dz;
        }
        of_slope_[i] += passes ? T(0) : before_[i] * dy_[i];
        of_bias_[i] += dz;
      }
      slice[depth()][row(i)] = dz;
    }
  }

  // Sums over the threads of a row, which are neighbours in a warp.
  __device__ __forceinline__ void store_sums(int part) const {
    PISR_UNROLL
    for (int i = 0; i < kElements; ++i) {
      double of_slope = of_slope_[i], of_bias = of_bias_[i];
      for (int distance = kDepth / 2; distance > 0; distance /= 2) {
        of_slope += __shfl_down_sync(kAllLanes, of_slope, distance);
        of_bias += __shfl_down_sync(kAllLanes, of_bias, distance);
      }
      if (depth() == 0 && filter(i) < this->job.filters) {
        const std::int64_t at =
            std::int64_t{part} * this->job.im2col.sizes.out_channels + this->channel(filter(i));
        prelu_.of_slope[at] = of_slope;
        prelu_.of_bias[at] = of_bias;
      }
    }
  }

 private:
  static constexpr int kElements = kDepth * TileType::kRows / kGemmThreads;
  static_assert(kElements * kGemmThreads == kDepth * TileType::kRows);
  static constexpr int kRowsApart = kGemmThreads / kDepth;

  // All elements of a thread have the same depth in a slice; element i has row(i).
  __device__ static int depth() { return static_cast<int>(threadIdx.x) % kDepth; }
  __device__ static int row(int i) {
    return static_cast<int>(threadIdx.x) / kDepth + i * kRowsApart;
  }
  __device__ int filter(int i) const { return this->first_filter + row(i); }
  __device__ bool has(int i) const { return inside_ && filter(i) < this->job.filters; }
  using WeightGradientOperands<T>::place;
  __device__ std::int64_t place(int i) const {
    return place_ + std::int64_t{i} * kRowsApart * this->job.pixels.divisor();
  }

  const FusedPreluGradient<T>& prelu_;
  bool inside_ = false;     // whether this thread's depth in the slice is a pixel
  std::int64_t place_ = 0;  // of its element 0
  T dy_[kElements], before_[kElements];
  double of_slope_[kElements] = {}, of_bias_[kElements] = {};
};

template <class TileType, class T>
__global__ void __launch_bounds__(kGemmThreads)
    conv_prelu_weight_gradient_kernel(WeightGradientJob<T> job, FusedPreluGradient<T> prelu) {
  const auto part = static_cast<int>(blockIdx.x);
  PreluOperands<TileType, T> operands(
      {job, static_cast<int>(blockIdx.z), static_cast<int>(blockIdx.y) * TileType::kRows, 0},
      prelu);
  T sum[TileType::kThreadRows][TileType::kThreadColumns] = {};
  implicit_gemm<TileType>(operands, part * job.pixels_of_part, job.end_of_part(part), sum);
  operands.store_sums(part);
  store_part<TileType>(operands, part, sum);
}

// The job without its operands, and with scratch memory for its parts: so many that there are about
// kWantedBlocks blocks in all.
template <class TileType, class T>
WeightGradientJob<T> weight_gradient_job(Launcher& launcher, const ConvSizes& sizes) {
  const Im2col im2col(sizes);
  const int filters = sizes.out_channels / sizes.groups;
  const int group_inputs = sizes.in_channels / sizes.groups;
  const int patch = count_32(std::int64_t{group_inputs} * im2col.taps.divisor(), "weights");
  const std::int64_t pixels = std::int64_t{sizes.out_height} * sizes.out_width;
  const int all_pixels = count_32(sizes.batch * pixels, "pixels");
  const std::int64_t other_blocks = std::int64_t{block_count(patch, TileType::kColumns)} *
                                    block_count(filters, TileType::kRows) * sizes.groups;
  const std::int64_t most_parts = std::max<std::int64_t>(1, kWantedBlocks / other_blocks);
  const std::int64_t wanted =
      std::max<std::int64_t>(kPixelsOfPart, (all_pixels + most_parts - 1) / most_parts);
  const int pixels_of_part = static_cast<int>((wanted + kDepth - 1) / kDepth * kDepth);
  const auto parts = static_cast<int>(block_count(all_pixels, pixels_of_part));
  const auto weights = static_cast<std::size_t>(sizes.out_channels) * patch;
  return {im2col,
          FastDivide(static_cast<int>(pixels)),
          filters,
          patch,
          group_inputs,
          all_pixels,
          pixels_of_part,
          parts,
          nullptr,
          nullptr,
          launcher.scratch_array<T>(parts * weights)};
}

template <class T>
DeferredSum<T> deferred_weight(const WeightGradientJob<T>& job, T* weight, Store store) {
  const std::int64_t weights = std::int64_t{job.im2col.sizes.out_channels} * job.patch;
  return {weight, store, job.partial, nullptr, job.parts, weights};
}

template <class TileType, class T>
void launch_prelu_weight_gradient(Launcher& launcher, const ConvPreluBackwardArgs<T>& args) {
  const ConvBackwardWeightArgs<T>& conv = args.conv;
  WeightGradientJob<T> job = weight_gradient_job<TileType, T>(launcher, conv.sizes);
  job.large = conv.x;
  job.small = conv.dy;
  const FusedPreluGradient<T> prelu = fused_prelu_gradient(launcher, args, job.parts);
  const dim3 blocks(block_count(job.parts, 1), block_count(job.filters, TileType::kRows),
                    static_cast<unsigned>(conv.sizes.groups));
  launch(launcher, conv_prelu_weight_gradient_kernel<TileType, T>, blocks, kGemmThreads, job,
         prelu);
  DeferredSums<T> sums = deferred_prelu_sums(prelu, args, job.parts);
  sums.push_back(deferred_weight(job, conv.dweight, conv.dweight_store));
  defer_or_finish(launcher, sums, conv.deferred);
}

}  // namespace

template <class T>
void conv_weight_gradient(Launcher& launcher, const ConvSizes& sizes, const T* large,
                          const T* small, T* weight, Store store, DeferredSums<T>* deferred,
                          Precision precision) {
  if constexpr (std::is_same_v<T, float>) {
    if (tiles_take_weight_gradient(sizes, precision)) {
      tiles_weight_gradient(launcher, sizes, large, small, weight, store, deferred, precision);
      return;
    }
  }
  with_gemm_tile<T>(sizes.out_channels / sizes.groups, precision, [&](auto tile) {
    using TileType = decltype(tile);
    WeightGradientJob<T> job = weight_gradient_job<TileType, T>(launcher, sizes);
    job.large = large;
    job.small = small;
    const std::int64_t columns = block_count(job.patch, TileType::kColumns);
    const dim3 blocks(block_count(columns * job.parts, 1),
                      block_count(job.filters, TileType::kRows),
                      static_cast<unsigned>(sizes.groups));
    launch(launcher, conv_weight_gradient_kernel<TileType, T>, blocks, kGemmThreads, job);
    defer_or_finish(launcher, {deferred_weight(job, weight, store)}, deferred);
  });
}

template <class T>
bool conv_prelu_weight_gradient(Launcher& launcher, const ConvPreluBackwardArgs<T>& args,
                                Precision precision) {
  const ConvSizes& sizes = args.conv.sizes;
  if (args.conv.dweight == nullptr) {
    return false;
  }
  if constexpr (std::is_same_v<T, float>) {
    if (tiles_take_weight_gradient(sizes, precision)) {
      if (tiles_take_prelu_weight_gradient(sizes, precision)) {
        tiles_prelu_weight_gradient(launcher, args, precision);
        return true;
      }
      return false;
    }
  }
  const std::int64_t patch =
      std::int64_t{sizes.in_channels} / sizes.groups * sizes.kernel_height * sizes.kernel_width;
  bool done = false;
  with_gemm_tile<T>(sizes.out_channels / sizes.groups, precision, [&](auto tile) {
    using TileType = decltype(tile);
    // In the tile for few filters a slice has fewer elements of dz than there are threads.
    if constexpr (kDepth * TileType::kRows >= kGemmThreads) {
      if (patch <= TileType::kColumns) {
        launch_prelu_weight_gradient<TileType>(launcher, args);
        done = true;
      }
    }
  });
  return done;
}

template bool conv_prelu_weight_gradient<float>(Launcher&, const ConvPreluBackwardArgs<float>&,
                                                Precision);
template bool conv_prelu_weight_gradient<double>(Launcher&, const ConvPreluBackwardArgs<double>&,
                                                 Precision);
template void conv_weight_gradient<float>(Launcher&, const ConvSizes&, const float*, const float*,
                                          float*, Store, DeferredSums<float>*, Precision);
template void conv_weight_gradient<double>(Launcher&, const ConvSizes&, const double*,
                                           const double*, double*, Store, DeferredSums<double>*,
                                           Precision);

}  // namespace pisr::kernels::PISR_CUDA_NAMESPACE
