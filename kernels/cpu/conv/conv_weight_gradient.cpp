// The gradient of the weight, and of the bias.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "kernels/cpu/conv/conv_geometry.h"
#include "kernels/cpu/conv/conv_primitives.h"
#include "kernels/cpu/conv/conv_vector_ops.h"
#include "kernels/cpu/conv/conv_window.h"
#include "kernels/cpu/conv/rounding.h"
#include "kernels/cpu/conv/winograd.h"
#include "kernels/cpu/segments.h"

namespace pisr::kernels::cpu {
namespace {

// A task computes a block of the weight: enough taps for whole blocks of accumulators, and enough
// filters to be worth the padded copy of the image.
constexpr std::int64_t kTaskTaps = 96;
constexpr std::int64_t kTaskFilters = 32;

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
  const ConvVectorOps<T>& ops = conv_vector_ops<T>();
  std::int64_t height = sizes.in_height;
  std::int64_t width = sizes.in_width;
  std::int64_t rows = sizes.out_height;
  std::int64_t columns = sizes.out_width;
  const bool pointwise = sizes.kernel_height == 1 && sizes.kernel_width == 1 && sizes.stride == 1 &&
                         sizes.padding == 0;
  if (pointwise) {
    width *= height;
    columns = width;
    height = rows = 1;
  }
  const bool whole_vectors = columns % ops.lanes == 0;
  const bool in_place = pointwise && whole_vectors;
  const std::int64_t channels = sizes.in_channels / sizes.groups;
  const std::int64_t filters = sizes.out_channels / sizes.groups;
  const std::int64_t kernel_size = std::int64_t{sizes.kernel_height} * sizes.kernel_width;
  const std::int64_t taps = channels * kernel_size;

  const std::int64_t task_channels = std::min(channels, ceil_divide(kTaskTaps, kernel_size));
  const std::int64_t channel_tasks = ceil_divide(channels, task_channels);
  const std::int64_t filter_tasks = ceil_divide(filters, kTaskFilters);
  const std::int64_t task_filters = ceil_divide(filters, filter_tasks);
  const Window window(static_cast<int>(task_channels), sizes.kernel_height, sizes.kernel_width,
                      sizes.stride, rows, columns, ops.lanes);
  const Window small_window(static_cast<int>(task_filters), 1, 1, 1, rows, columns, ops.lanes);

  auto* const offsets =
      launcher.scratch_array<std::ptrdiff_t>(static_cast<std::size_t>(task_channels * kernel_size));
  std::int64_t tap = 0;
  for (int c = 0; c < task_channels; ++c) {
    for (int i = 0; i < sizes.kernel_height; ++i) {
      for (int j = 0; j < sizes.kernel_width; ++j) {
        offsets[tap++] = in_place ? c * width : window.offset(c, i, j);
      }
    }
  }
  const std::size_t window_size = in_place ? 0 : window.size();
  const std::size_t small_size = whole_vectors ? 0 : small_window.size();
  const std::size_t worker_size = window_size + small_size;
  const std::size_t workers = static_cast<std::size_t>(launcher.workers());
  T* const scratch = launcher.scratch_array<T>(worker_size * workers);
  const std::size_t sums_size = static_cast<std::size_t>(task_filters * tap);
  double* const all_sums = launcher.scratch_array<double>(sums_size * workers);

  launcher.parallel_for(sizes.groups * channel_tasks * filter_tasks, [&](std::int64_t task,
                                                                         int worker) {
    const std::int64_t group = task / (channel_tasks * filter_tasks);
    const std::int64_t c0 = task / filter_tasks % channel_tasks * task_channels;
    const std::int64_t o0 = task % filter_tasks * task_filters;
    const std::int64_t these_channels = std::min(task_channels, channels - c0);
    const std::int64_t these_taps = these_channels * kernel_size;
    T* const large_copy = scratch + static_cast<std::size_t>(worker) * worker_size;
    T* const small_copy = large_copy + window_size;
    double* const sums = all_sums + static_cast<std::size_t>(worker) * sums_size;
    WeightPass<T> pass{};
    pass.channels = std::min(task_filters, filters - o0);
    pass.rows = rows;
    pass.columns = round_up(columns, ops.lanes);
    pass.offsets = offsets;
    pass.taps = these_taps;
    pass.sums = sums;
    std::fill_n(sums, pass.channels * these_taps, 0.0);
    for (std::int64_t n = 0; n < sizes.batch; ++n) {
      const T* const x = large + ((n * sizes.groups + group) * channels + c0) * height * width;
      const T* const y = small + ((n * sizes.groups + group) * filters + o0) * rows * columns;
      pass.large = x;
      pass.large_pitch = width;
      pass.small = y;
      pass.small_pitch = columns;
      pass.small_channel_stride = rows * columns;
      if (!in_place) {
        window.fill(ops, Planes<T>{x, height, width, sizes.padding_mode},
                    static_cast<int>(these_channels), -sizes.padding, -sizes.padding, large_copy);
        pass.large = large_copy;
        pass.large_pitch = window.pitch();
      }
      if (!whole_vectors) {
        // Filled up with zeros, so that what the other factor has there does not count.
        small_window.fill(ops, Planes<T>{y, rows, columns, PaddingMode::zero},
                          static_cast<int>(pass.channels), 0, 0, small_copy);
        pass.small = small_copy;
        pass.small_pitch = small_window.pitch();
        pass.small_channel_stride = small_window.offset(1, 0, 0);
      }
      ops.weight_sums(pass);
    }
    for (std::int64_t o = 0; o < pass.channels; ++o) {
      T* const to = weight + (group * filters + o0 + o) * taps + c0 * kernel_size;
      for (std::int64_t t = 0; t < these_taps; ++t) {
        const T sum = static_cast<T>(sums[o * these_taps + t]);
        to[t] = store == Store::add ? to[t] + sum : sum;
      }
    }
  });
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
