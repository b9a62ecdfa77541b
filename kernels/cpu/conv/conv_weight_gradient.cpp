// The gradient of the weight, and of the bias.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "kernels/cpu/conv/conv_geometry.h"
#include "kernels/cpu/conv/conv_primitives.h"
#include "kernels/cpu/conv/conv_vector_ops.h"
#include "kernels/cpu/conv/conv_window.h"
#include "kernels/cpu/conv/rounding.h"
#include "kernels/cpu/conv/weight_tasks.h"
#include "kernels/cpu/conv/winograd.h"
#include "kernels/cpu/segments.h"

namespace pisr::kernels::cpu {
namespace {

// A task computes a block of the weight: enough taps for whole blocks of accumulators, and enough
// filters to be worth the padded copy of the image.
constexpr std::int64_t kTaskTaps = 96;
constexpr std::int64_t kTaskFilters = 32;

/// The gradient as sums over pixels, each tap apart.
template <class T>
class DirectGradient {
 public:
  DirectGradient(Launcher& launcher, const ConvSizes& sizes)
      : sizes_(sizes),
        height_(sizes.in_height),
        width_(sizes.in_width),
        rows_(sizes.out_height),
        columns_(sizes.out_width),
        kernel_size_(std::int64_t{sizes.kernel_height} * sizes.kernel_width) {
    const bool pointwise = kernel_size_ == 1 && sizes.stride == 1 && sizes.padding == 0;
    if (pointwise) {
      // As one long row.
      width_ *= height_;
      columns_ = width_;
      height_ = rows_ = 1;
    }
    whole_vectors_ = columns_ % ops_.lanes == 0;
    in_place_ = pointwise && whole_vectors_;
    const std::int64_t channels = sizes.in_channels / sizes.groups;
    const std::int64_t filters = sizes.out_channels / sizes.groups;
    tasks = {sizes.groups, channels, filters,
             std::min(channels, ceil_divide(kTaskTaps, kernel_size_)),
             even_share(filters, kTaskFilters)};
    window_ = Window(static_cast<int>(tasks.task_channels), sizes.kernel_height, sizes.kernel_width,
                     sizes.stride, rows_, columns_, ops_.lanes);
    small_window_ =
        Window(static_cast<int>(tasks.task_filters), 1, 1, 1, rows_, columns_, ops_.lanes);
    offsets_ = launcher.scratch_array<std::ptrdiff_t>(
        static_cast<std::size_t>(tasks.task_channels * kernel_size_));
    std::ptrdiff_t* offset = offsets_;
    for (int c = 0; c < tasks.task_channels; ++c) {
      for (int i = 0; i < sizes.kernel_height; ++i) {
        for (int j = 0; j < sizes.kernel_width; ++j) {
          *offset++ = in_place_ ? c * width_ : window_.offset(c, i, j);
        }
      }
    }
  }

  std::size_t scratch_size() const { return window_size() + small_window_size(); }
  std::size_t sums_size() const {
    return static_cast<std::size_t>(tasks.task_filters * tasks.task_channels * kernel_size_);
  }

  void compute(const WeightBlock& block, const WeightOperands<T>& operands, T* scratch,
               double* sums) const {
    const std::int64_t taps = block.channels * kernel_size_;
    WeightPass<T> pass{};
    pass.channels = block.filters;
    pass.rows = rows_;
    pass.columns = round_up(columns_, ops_.lanes);
    pass.offsets = offsets_;
    pass.taps = taps;
    pass.sums = sums;
    std::fill_n(sums, pass.channels * taps, 0.0);
    for (std::int64_t n = 0; n < sizes_.batch; ++n) {
      read_large(operands.large + tasks.channel_offset(block, n, height_ * width_), block, scratch,
                 pass);
      read_small(operands.small + tasks.filter_offset(block, n, rows_ * columns_), block,
                 scratch + window_size(), pass);
      ops_.weight_sums(pass);
    }
    for (std::int64_t o = 0; o < block.filters; ++o) {
      T* const to = operands.weight + tasks.weight_offset(block, o, kernel_size_);
      for (std::int64_t t = 0; t < taps; ++t) {
        const T sum = static_cast<T>(sums[o * taps + t]);
        to[t] = operands.store == Store::add ? to[t] + sum : sum;
      }
    }
  }

  WeightTasks tasks;

 private:
  std::size_t window_size() const { return in_place_ ? 0 : window_.size(); }
  std::size_t small_window_size() const { return whole_vectors_ ? 0 : small_window_.size(); }

  void read_large(const T* large, const WeightBlock& block, T* copy, WeightPass<T>& pass) const {
    pass.large = large;
    pass.large_pitch = width_;
    if (!in_place_) {
      window_.fill(ops_, Planes<T>{large, height_, width_, sizes_.padding_mode},
                   static_cast<int>(block.channels), -sizes_.padding, -sizes_.padding, copy);
      pass.large = copy;
      pass.large_pitch = window_.pitch();
    }
  }

  void read_small(const T* small, const WeightBlock& block, T* copy, WeightPass<T>& pass) const {
    pass.small = small;
    pass.small_pitch = columns_;
    pass.small_channel_stride = rows_ * columns_;
    if (!whole_vectors_) {
      // Filled up with zeros, so that what the other factor has there does not count.
      small_window_.fill(ops_, Planes<T>{small, rows_, columns_, PaddingMode::zero},
                         static_cast<int>(block.filters), 0, 0, copy);
      pass.small = copy;
      pass.small_pitch = small_window_.pitch();
      pass.small_channel_stride = small_window_.offset(1, 0, 0);
    }
  }

  const ConvVectorOps<T>& ops_ = conv_vector_ops<T>();
  ConvSizes sizes_;
  std::int64_t height_, width_;  ///< of the large image
  std::int64_t rows_, columns_;  ///< of the small image
  std::int64_t kernel_size_;
  bool whole_vectors_ = false;  ///< rows of the small image are, so it needs no copy
  bool in_place_ = false;       ///< the large image needs no copy
  Window window_, small_window_;
  std::ptrdiff_t* offsets_ = nullptr;
};

}  // namespace

template <class T>
void conv_weight_gradient(Launcher& launcher, const ConvSizes& sizes, const T* large,
                          const T* small, T* weight, Store store) {
  // Short sums are not accurate: those of the components have products that are not the weight's.
  constexpr std::int64_t kLeastPixels = 64;
  if (use_winograd(conv_forward_geometry(sizes)) && sizes.out_height > 1 &&
      sizes.batch * sizes.out_height * sizes.out_width >= kLeastPixels) {
    winograd_weight_gradient(launcher, sizes, large, small, weight, store);
    return;
  }
  compute_blocks<T>(launcher, DirectGradient<T>(launcher, sizes), {large, small, weight, store});
}

template <class T>
void sum_channels(Launcher& launcher, std::int64_t batch, std::int64_t channels, std::int64_t inner,
                  const T* x, T* y, Store store) {
  const ConvVectorOps<T>& ops = conv_vector_ops<T>();
  const Segments segments(batch * channels, inner);
  const double* const sums = plane_sums(
      launcher, segments, [&](const Segment& s) { return ops.sum(x + s.begin, s.count); });
  store_channel_sums(sums, segments.planes(), channels, y, store);
}

template void conv_weight_gradient(Launcher&, const ConvSizes&, const float*, const float*, float*,
                                   Store);
template void conv_weight_gradient(Launcher&, const ConvSizes&, const double*, const double*,
                                   double*, Store);
template void sum_channels(Launcher&, std::int64_t, std::int64_t, std::int64_t, const float*,
                           float*, Store);
template void sum_channels(Launcher&, std::int64_t, std::int64_t, std::int64_t, const double*,
                           double*, Store);

}  // namespace pisr::kernels::cpu
