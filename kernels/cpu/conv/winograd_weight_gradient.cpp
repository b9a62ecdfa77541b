// The gradient of the weight by the transposed transforms of winograd.h: the rows of `large` go
// through the input transform, those of `small` two at a time through the transposed output
// transform, the products are summed over the image for each component, and the transposed weight
// transform makes the gradient of the sums.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "kernels/cpu/conv/conv_geometry.h"
#include "kernels/cpu/conv/conv_primitives.h"
#include "kernels/cpu/conv/conv_vector_ops.h"
#include "kernels/cpu/conv/conv_window.h"
#include "kernels/cpu/conv/rounding.h"
#include "kernels/cpu/conv/weight_tasks.h"
#include "kernels/cpu/conv/winograd.h"

namespace pisr::kernels::cpu {
namespace {

// A task computes a block of the weight: channels for enough taps in the smallest component, and
// enough filters to be worth the transformed rows.
constexpr std::int64_t kTaskTaps = 36;
constexpr std::int64_t kTaskFilters = 32;
/// Vectors of one row of a channel that are summed at once. More would cost accuracy; fewer would
/// cost time, because each sum ends with one over the lanes of a vector.
constexpr std::int64_t kChunkVectors = 156;
/// Pairs of rows that are transformed from one window.
constexpr std::int64_t kStripPairs = 8;

/// The taps of a task in the sums of a component: [channels, pieces, kernel_width].
struct ComponentTaps {
  std::ptrdiff_t* offsets;
  std::int64_t pieces;  ///< that have this component
  std::int64_t begin;   ///< of its sums, for one filter of a task with all its channels
};

template <class T>
class WinogradGradient {
 public:
  WinogradGradient(Launcher& launcher, const ConvSizes& sizes)
      : sizes_(sizes), geometry_(conv_forward_geometry(sizes)) {
    const std::int64_t filters = sizes.out_channels / sizes.groups;
    tasks = {sizes.groups, geometry_.channels, filters,
             even_share(geometry_.channels, ceil_divide(kTaskTaps, sizes.kernel_width)),
             even_share(filters, kTaskFilters)};
    const int channels = static_cast<int>(tasks.task_channels);
    pitch_ = round_up(geometry_.columns, ops_.lanes);
    const std::int64_t pairs = ceil_divide(geometry_.rows, 2);
    chunk_pairs_ =
        even_share(pairs, std::max<std::int64_t>(1, kChunkVectors / (pitch_ / ops_.lanes)));
    strip_pairs_ = std::min(chunk_pairs_, kStripPairs);
    window_ = Window(channels, sizes.kernel_height, sizes.kernel_width, sizes.stride,
                     2 * strip_pairs_, geometry_.columns, ops_.lanes);
    transform_ =
        InputTransform(launcher, window_, channels, sizes.kernel_height, sizes.stride, false);
    // An odd number of vectors, as in a window.
    filter_stride_ = kWinogradComponents * chunk_pairs_ * pitch_ + ops_.lanes;
    for (int component = 0; component < kWinogradComponents; ++component) {
      place_taps(launcher, component);
    }
  }

  std::size_t scratch_size() const {
    return window_size() + static_cast<std::size_t>(chunk_pairs_) * transform_.size() +
           static_cast<std::size_t>(tasks.task_filters * filter_stride_);
  }
  std::size_t sums_size() const { return static_cast<std::size_t>(tasks.task_filters * taps_); }

  void compute(const WeightBlock& block, const WeightOperands<T>& operands, T* scratch,
               double* sums) const {
    const std::int64_t large_plane = geometry_.height * geometry_.width;
    const std::int64_t small_plane = geometry_.rows * geometry_.columns;
    T* const large_transformed = scratch + window_size();
    T* const small_transformed =
        large_transformed + chunk_pairs_ * static_cast<std::int64_t>(transform_.size());
    std::fill_n(sums, sums_size(), 0.0);
    const std::int64_t pairs = ceil_divide(geometry_.rows, 2);
    for (std::int64_t n = 0; n < sizes_.batch; ++n) {
      const T* const x = operands.large + tasks.channel_offset(block, n, large_plane);
      const T* const y = operands.small + tasks.filter_offset(block, n, small_plane);
      for (std::int64_t first = 0; first < pairs; first += chunk_pairs_) {
        const std::int64_t count = std::min(chunk_pairs_, pairs - first);
        transform_large(x, block.channels, first, count, scratch, large_transformed);
        transform_small(y, block.filters, first, count, small_transformed);
        add_sums(block.channels, block.filters, count, large_transformed, small_transformed, sums);
      }
    }
    const std::int64_t kernel_size = std::int64_t{sizes_.kernel_height} * sizes_.kernel_width;
    for (std::int64_t o = 0; o < block.filters; ++o) {
      store_weights(sums, o, block.channels,
                    operands.weight + tasks.weight_offset(block, o, kernel_size), operands.store);
    }
  }

  WeightTasks tasks;

 private:
  std::size_t window_size() const { return transforms_source(geometry_) ? 0 : window_.size(); }

  void place_taps(Launcher& launcher, int component) {
    ComponentTaps& taps = components_[static_cast<std::size_t>(component)];
    for (const WinogradPiece& piece : transform_) {
      taps.pieces += transformed_row(piece.taps, component) >= 0 ? 1 : 0;
    }
    const std::int64_t count = tasks.task_channels * taps.pieces * sizes_.kernel_width;
    taps.begin = taps_;
    taps_ += count;
    taps.offsets = launcher.scratch_array<std::ptrdiff_t>(static_cast<std::size_t>(count));
    std::ptrdiff_t* offset = taps.offsets;
    for (int c = 0; c < tasks.task_channels; ++c) {
      for (const WinogradPiece& piece : transform_) {
        const int row = transformed_row(piece.taps, component);
        for (int j = 0; row >= 0 && j < sizes_.kernel_width; ++j) {
          *offset++ = transform_.offset(c, j, piece.first_row + row);
        }
      }
    }
  }

  /// The input transform of `count` pairs of rows of `large` from the pair `first` on, one behind
  /// the other.
  void transform_large(const T* x, std::int64_t channels, std::int64_t first, std::int64_t count,
                       T* window, T* large_transformed) const {
    const Planes<T> planes{x, geometry_.height, geometry_.width, geometry_.padding_mode};
    const int all = static_cast<int>(channels);
    const auto transformed_at = [&](std::int64_t pair) {
      return large_transformed + pair * static_cast<std::int64_t>(transform_.size());
    };
    const auto top = [&](std::int64_t pair) {
      return geometry_.top + 2 * (first + pair) * geometry_.stride;
    };
    if (transforms_source(geometry_)) {
      for (std::int64_t i = 0; i < count; ++i) {
        transform_.apply(ops_, planes, all, top(i), geometry_.left, transformed_at(i));
      }
      return;
    }
    for (std::int64_t strip = 0; strip < count; strip += strip_pairs_) {
      window_.fill(ops_, planes, all, top(strip), geometry_.left, window);
      for (std::int64_t i = 0; i < std::min(strip_pairs_, count - strip); ++i) {
        transform_.apply(ops_, window, 2 * i, 0, transformed_at(strip + i));
      }
    }
  }

  /// The transposed output transform of the same pairs of rows of `small`: [filters, components,
  /// pairs, pitch].
  void transform_small(const T* y, std::int64_t filters, std::int64_t first, std::int64_t count,
                       T* small_transformed) const {
    for (std::int64_t o = 0; o < filters; ++o) {
      for (std::int64_t i = 0; i < count; ++i) {
        const std::int64_t row = 2 * (first + i);
        const T* const upper = y + (o * geometry_.rows + row) * geometry_.columns;
        ops_.winograd.gradient_transform(
            upper, row + 1 < geometry_.rows ? upper + geometry_.columns : nullptr,
            geometry_.columns, chunk_pairs_ * pitch_,
            small_transformed + o * filter_stride_ + i * pitch_);
      }
    }
  }

  void add_sums(std::int64_t channels, std::int64_t filters, std::int64_t count,
                const T* large_transformed, const T* small_transformed, double* sums) const {
    for (int component = 0; component < kWinogradComponents; ++component) {
      const ComponentTaps& taps = components_[static_cast<std::size_t>(component)];
      WeightPass<T> pass{};
      pass.channels = filters;
      pass.rows = count;
      pass.columns = pitch_;
      pass.small = small_transformed + component * chunk_pairs_ * pitch_;
      pass.small_pitch = pitch_;
      pass.small_channel_stride = filter_stride_;
      pass.large = large_transformed;
      pass.large_pitch = static_cast<std::int64_t>(transform_.size());
      pass.offsets = taps.offsets;
      pass.taps = channels * taps.pieces * sizes_.kernel_width;
      pass.sums = sums + tasks.task_filters * taps.begin;
      if (pass.taps > 0) {
        ops_.weight_sums(pass);
      }
    }
  }

  /// The transposed weight transform: stores the gradient [channels, kernel_height, kernel_width]
  /// of the filter o of the task.
  void store_weights(const double* sums, std::int64_t o, std::int64_t channels, T* weight,
                     Store store) const {
    const std::int64_t width = sizes_.kernel_width;
    const auto put = [&](std::int64_t c, int i, std::int64_t j, double sum) {
      T& w = weight[(c * sizes_.kernel_height + i) * width + j];
      w = store == Store::add ? w + static_cast<T>(sum) : static_cast<T>(sum);
    };
    for (std::int64_t c = 0; c < channels; ++c) {
      std::array<std::int64_t, kWinogradComponents> piece_of_component{};
      for (const WinogradPiece& piece : transform_) {
        std::array<const double*, kWinogradComponents> s{};
        for (int component = 0; component < kWinogradComponents; ++component) {
          const std::size_t p = static_cast<std::size_t>(component);
          if (transformed_row(piece.taps, component) >= 0) {
            const ComponentTaps& taps = components_[p];
            s[p] = sums + tasks.task_filters * taps.begin +
                   ((o * channels + c) * taps.pieces + piece_of_component[p]++) * width;
          }
        }
        const auto row = [&](int tap) {
          return piece.residue + (piece.first + tap) * sizes_.stride;
        };
        for (std::int64_t j = 0; j < width; ++j) {
          const double s2 = s[2][j];
          const double s3 = s[3][j];
          if (piece.taps == 1) {
            put(c, row(0), j, s2 + s3);
          } else if (piece.taps == 2) {
            put(c, row(0), j, s[0][j] + s2);
            put(c, row(1), j, s[0][j] + s3);
          } else {
            const double outer = (s[0][j] + s[1][j]) / 2;
            put(c, row(0), j, outer + s2);
            put(c, row(1), j, (s[0][j] - s[1][j]) / 2);
            put(c, row(2), j, outer + s3);
          }
        }
      }
    }
  }

  const ConvVectorOps<T>& ops_ = conv_vector_ops<T>();
  ConvSizes sizes_;
  ConvGeometry geometry_;
  std::int64_t pitch_ = 0, chunk_pairs_ = 0, strip_pairs_ = 0, filter_stride_ = 0;
  Window window_;
  InputTransform transform_;
  std::array<ComponentTaps, kWinogradComponents> components_{};
  std::int64_t taps_ = 0;
};

}  // namespace

template <class T>
void winograd_weight_gradient(Launcher& launcher, const ConvSizes& sizes, const T* large,
                              const T* small, T* weight, Store store) {
  compute_blocks<T>(launcher, WinogradGradient<T>(launcher, sizes), {large, small, weight, store});
}

template void winograd_weight_gradient(Launcher&, const ConvSizes&, const float*, const float*,
                                       float*, Store);
template void winograd_weight_gradient(Launcher&, const ConvSizes&, const double*, const double*,
                                       double*, Store);

}  // namespace pisr::kernels::cpu
