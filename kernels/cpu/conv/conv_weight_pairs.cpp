// The gradient of the weight from pairs of rows (conv_pairs.h). It is the same sum of products read
// the other way round: the two rows of the gradient, as those of the image, are made into one row
// for each part, the parts are summed over all pairs, and each weight gets what it was part of.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "kernels/cpu/conv/conv_filter.h"
#include "kernels/cpu/conv/conv_pairs.h"
#include "kernels/cpu/conv/conv_primitives.h"
#include "kernels/cpu/conv/conv_tiles.h"
#include "kernels/cpu/conv/conv_window.h"

namespace pisr::kernels::cpu {
namespace {

constexpr int kParts = 4;

// A task is a block of the weight: channels for enough taps in the smallest part, and enough
// filters to be worth the rows made for them.
constexpr std::int64_t kTaskTaps = 36;
constexpr std::int64_t kTaskFilters = 32;
/// Vectors of one row of a channel that are summed at once: more would cost accuracy, and fewer
/// time, as each sum over the lanes of a vector takes some.
constexpr std::int64_t kChunkVectors = 156;
/// Pairs of rows that are made from one window.
constexpr std::int64_t kStripPairs = 8;

/// ConvGeometry of taps of a task in the sums of a part: [channels, pieces, kernel_width].
struct PartTaps {
  std::ptrdiff_t* offsets;
  std::int64_t pieces;
  std::int64_t begin;  ///< of its sums, for one filter of a task with all its channels
};

template <class T>
class WeightTask {
 public:
  WeightTask(Launcher& launcher, const ConvSizes& sizes)
      : tiles_(conv_tiles<T>()),
        sizes_(sizes),
        positions_(positions_to_small(sizes)),
        filters_(sizes.out_channels / sizes.groups) {
    const auto even_share = [](std::int64_t whole, std::int64_t most) {
      return ceil_divide(whole, ceil_divide(whole, most));
    };
    const std::int64_t width = sizes.kernel_width;
    channels_ = even_share(positions_.channels, ceil_divide(kTaskTaps, width));
    task_filters_ = even_share(filters_, kTaskFilters);
    pitch_ = round_up(positions_.columns, tiles_.lanes);
    const std::int64_t pairs = ceil_divide(positions_.rows, 2);
    chunk_pairs_ =
        even_share(pairs, std::max<std::int64_t>(1, kChunkVectors / (pitch_ / tiles_.lanes)));
    strip_pairs_ = std::min(chunk_pairs_, kStripPairs);
    window_ = Window(static_cast<int>(channels_), sizes.kernel_height, sizes.kernel_width,
                     sizes.stride, 2 * strip_pairs_, positions_.columns, tiles_.lanes);
    pairs_ = PairRows(launcher, window_, static_cast<int>(channels_), sizes.kernel_height,
                      sizes.stride, false);
    // An odd number of vectors, as in a window.
    factor_stride_ = kParts * chunk_pairs_ * pitch_ + tiles_.lanes;
    for (int part = 0; part < kParts; ++part) {
      place_taps(launcher, part);
    }
  }

  std::int64_t channel_tasks() const { return ceil_divide(positions_.channels, channels_); }
  std::int64_t filter_tasks() const { return ceil_divide(filters_, task_filters_); }
  std::int64_t tasks() const { return sizes_.groups * channel_tasks() * filter_tasks(); }

  /// Elements that a worker needs.
  std::size_t scratch_size() const {
    return window_size() + static_cast<std::size_t>(chunk_pairs_) * pairs_.size() +
           static_cast<std::size_t>(task_filters_ * factor_stride_);
  }
  std::size_t sums_size() const { return static_cast<std::size_t>(task_filters_ * taps_); }

  void compute(std::int64_t task, const T* large, const T* small, T* scratch, double* sums,
               T* weight, Store store) const {
    const std::int64_t group = task / (channel_tasks() * filter_tasks());
    const std::int64_t c0 = task / filter_tasks() % channel_tasks() * channels_;
    const std::int64_t o0 = task % filter_tasks() * task_filters_;
    const std::int64_t channels = std::min<std::int64_t>(channels_, positions_.channels - c0);
    const std::int64_t filters = std::min(task_filters_, filters_ - o0);
    const std::int64_t large_plane = std::int64_t{positions_.height} * positions_.width;
    const std::int64_t small_plane = positions_.rows * positions_.columns;
    T* const made = scratch + window_size();
    T* const factors = made + chunk_pairs_ * static_cast<std::int64_t>(pairs_.size());
    std::fill_n(sums, sums_size(), 0.0);
    const std::int64_t pairs = ceil_divide(positions_.rows, 2);
    for (std::int64_t n = 0; n < sizes_.batch; ++n) {
      const std::int64_t image = n * sizes_.groups + group;
      const T* const x = large + (image * positions_.channels + c0) * large_plane;
      const T* const y = small + (image * filters_ + o0) * small_plane;
      for (std::int64_t first = 0; first < pairs; first += chunk_pairs_) {
        const std::int64_t count = std::min(chunk_pairs_, pairs - first);
        make_rows(x, channels, first, count, scratch, made);
        make_factors(y, filters, first, count, factors);
        add_sums(channels, filters, count, made, factors, sums);
      }
    }
    for (std::int64_t o = 0; o < filters; ++o) {
      T* const to = weight + ((group * filters_ + o0 + o) * positions_.channels + c0) *
                                 sizes_.kernel_height * sizes_.kernel_width;
      store_weights(sums, o, channels, to, store);
    }
  }

 private:
  std::size_t window_size() const { return positions_.pairs_read_planes() ? 0 : window_.size(); }

  void place_taps(Launcher& launcher, int part) {
    PartTaps& taps = parts_[static_cast<std::size_t>(part)];
    for (const RowPiece& piece : pairs_) {
      taps.pieces += row_of_part(piece.count, part) >= 0 ? 1 : 0;
    }
    const std::int64_t count = channels_ * taps.pieces * sizes_.kernel_width;
    taps.begin = taps_;
    taps_ += count;
    taps.offsets = launcher.scratch_array<std::ptrdiff_t>(static_cast<std::size_t>(count));
    std::ptrdiff_t* offset = taps.offsets;
    for (int c = 0; c < channels_; ++c) {
      for (const RowPiece& piece : pairs_) {
        const int row = row_of_part(piece.count, part);
        for (int j = 0; row >= 0 && j < sizes_.kernel_width; ++j) {
          *offset++ = pairs_.offset(c, j, piece.slot + row);
        }
      }
    }
  }

  /// The rows of `count` pairs from `first` on, each pair's behind the other.
  void make_rows(const T* x, std::int64_t channels, std::int64_t first, std::int64_t count,
                 T* window, T* made) const {
    const Planes<T> planes{x, positions_.height, positions_.width, positions_.padding_mode};
    const int all = static_cast<int>(channels);
    const auto made_at = [&](std::int64_t pair) {
      return made + pair * static_cast<std::int64_t>(pairs_.size());
    };
    const auto top = [&](std::int64_t pair) {
      return positions_.top + 2 * (first + pair) * positions_.stride;
    };
    if (positions_.pairs_read_planes()) {
      for (std::int64_t i = 0; i < count; ++i) {
        pairs_.fill(tiles_, planes, all, top(i), positions_.left, made_at(i));
      }
      return;
    }
    for (std::int64_t strip = 0; strip < count; strip += strip_pairs_) {
      window_.fill(tiles_, planes, all, top(strip), positions_.left, window);
      for (std::int64_t i = 0; i < std::min(strip_pairs_, count - strip); ++i) {
        pairs_.fill(tiles_, window, 2 * i, made_at(strip + i));
      }
    }
  }

  /// What the rows of each part are multiplied with: [filters, parts, pairs, pitch].
  void make_factors(const T* y, std::int64_t filters, std::int64_t first, std::int64_t count,
                    T* factors) const {
    for (std::int64_t o = 0; o < filters; ++o) {
      for (std::int64_t i = 0; i < count; ++i) {
        const std::int64_t row = 2 * (first + i);
        const T* const upper = y + (o * positions_.rows + row) * positions_.columns;
        tiles_.pair_factors(upper, row + 1 < positions_.rows ? upper + positions_.columns : nullptr,
                            positions_.columns, chunk_pairs_ * pitch_,
                            factors + o * factor_stride_ + i * pitch_);
      }
    }
  }

  void add_sums(std::int64_t channels, std::int64_t filters, std::int64_t count, const T* made,
                const T* factors, double* sums) const {
    for (int part = 0; part < kParts; ++part) {
      const PartTaps& taps = parts_[static_cast<std::size_t>(part)];
      WeightPass<T> pass{};
      pass.channels = filters;
      pass.rows = count;
      pass.columns = pitch_;
      pass.small = factors + part * chunk_pairs_ * pitch_;
      pass.small_pitch = pitch_;
      pass.small_channel_stride = factor_stride_;
      pass.large = made;
      pass.large_pitch = static_cast<std::int64_t>(pairs_.size());
      pass.offsets = taps.offsets;
      pass.taps = channels * taps.pieces * sizes_.kernel_width;
      pass.sums = sums + task_filters_ * taps.begin;
      if (pass.taps > 0) {
        tiles_.weight_sums(pass);
      }
    }
  }

  /// Stores the weights [channels, kernel_height, kernel_width] of the filter o of the task.
  void store_weights(const double* sums, std::int64_t o, std::int64_t channels, T* weight,
                     Store store) const {
    const std::int64_t width = sizes_.kernel_width;
    const auto put = [&](std::int64_t c, int i, std::int64_t j, double sum) {
      T& w = weight[(c * sizes_.kernel_height + i) * width + j];
      w = store == Store::add ? w + static_cast<T>(sum) : static_cast<T>(sum);
    };
    for (std::int64_t c = 0; c < channels; ++c) {
      std::array<std::int64_t, kParts> piece_of_part{};
      for (const RowPiece& piece : pairs_) {
        std::array<const double*, kParts> from{};
        for (int part = 0; part < kParts; ++part) {
          const std::size_t p = static_cast<std::size_t>(part);
          if (row_of_part(piece.count, part) >= 0) {
            const PartTaps& taps = parts_[p];
            from[p] = sums + task_filters_ * taps.begin +
                      ((o * channels + c) * taps.pieces + piece_of_part[p]++) * width;
          }
        }
        const auto row = [&](int tap) { return piece.phase + (piece.first + tap) * sizes_.stride; };
        for (std::int64_t j = 0; j < width; ++j) {
          const double first = from[2][j];
          const double second = from[3][j];
          if (piece.count == 1) {
            put(c, row(0), j, first + second);
          } else if (piece.count == 2) {
            put(c, row(0), j, from[0][j] + first);
            put(c, row(1), j, from[0][j] + second);
          } else {
            const double outer = (from[0][j] + from[1][j]) / 2;
            put(c, row(0), j, outer + first);
            put(c, row(1), j, (from[0][j] - from[1][j]) / 2);
            put(c, row(2), j, outer + second);
          }
        }
      }
    }
  }

  const ConvVectorOps<T>& tiles_;
  ConvSizes sizes_;
  ConvGeometry positions_;
  std::int64_t filters_;
  std::int64_t channels_ = 0, task_filters_ = 0;  ///< of a task
  std::int64_t pitch_ = 0, chunk_pairs_ = 0, strip_pairs_ = 0, factor_stride_ = 0;
  Window window_;
  PairRows pairs_;
  std::array<PartTaps, kParts> parts_{};
  std::int64_t taps_ = 0;
};

}  // namespace

template <class T>
void conv_weight_gradient_in_pairs(Launcher& launcher, const ConvSizes& sizes, const T* large,
                                   const T* small, T* weight, Store store) {
  const WeightTask<T> task(launcher, sizes);
  const std::size_t workers = static_cast<std::size_t>(launcher.workers());
  T* const scratch = launcher.scratch_array<T>(task.scratch_size() * workers);
  double* const sums = launcher.scratch_array<double>(task.sums_size() * workers);
  launcher.parallel_for(task.tasks(), [&](std::int64_t i, int worker) {
    const std::size_t w = static_cast<std::size_t>(worker);
    task.compute(i, large, small, scratch + w * task.scratch_size(), sums + w * task.sums_size(),
                 weight, store);
  });
}

template void conv_weight_gradient_in_pairs(Launcher&, const ConvSizes&, const float*, const float*,
                                            float*, Store);
template void conv_weight_gradient_in_pairs(Launcher&, const ConvSizes&, const double*,
                                            const double*, double*, Store);

}  // namespace pisr::kernels::cpu
