// The products of a convolution whose result is an image: in tasks of a few rows, each from a
// padded copy of what it reads.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "kernels/cpu/conv/conv_blocks.h"
#include "kernels/cpu/conv/conv_filter.h"
#include "kernels/cpu/conv/conv_pairs.h"
#include "kernels/cpu/conv/conv_primitives.h"
#include "kernels/cpu/conv/conv_tiles.h"
#include "kernels/cpu/conv/conv_window.h"

namespace pisr::kernels::cpu {
namespace {

// What a task works on should stay in the level-2 cache, next to the weights.
constexpr std::int64_t kWindowBytes = std::int64_t{320} * 1024;
constexpr std::int64_t kMostRows = 16;
constexpr std::int64_t kMostColumns = 192;
constexpr std::int64_t kMostPixels = 768;
constexpr int kTileVectors = 3;

/// How the positions are cut into tasks, and the window of a task.
struct Tiling {
  std::int64_t rows, columns;  ///< positions of a task
  std::int64_t row_tasks, column_tasks;
  bool in_place;      ///< the source is its own window
  bool without_copy;  ///< pairs of rows are made of the source, and only other rows need a window
  Window window;      ///< of a task, or of one row

  /// The offset of a tap; that into the image itself, where it is its own window.
  std::ptrdiff_t offset(const ConvGeometry& p, int c, int i, int j) const {
    return in_place ? c * std::ptrdiff_t{p.height} * p.width : window.offset(c, i, j);
  }
};

Tiling tile(const ConvGeometry& p, int lanes, std::size_t element_bytes) {
  Tiling t;
  t.in_place = p.is_pointwise() && p.height == 1 && p.width % lanes == 0;
  const std::int64_t step = std::int64_t{kTileVectors} * lanes;
  const auto even_share = [](std::int64_t whole, std::int64_t most) {
    return ceil_divide(whole, ceil_divide(whole, most));
  };
  t.without_copy = p.in_pairs() && p.pairs_read_planes();
  const auto window = [&] {
    return Window(p.channels, p.kernel_height, p.kernel_width, p.stride,
                  t.without_copy ? 1 : t.rows, t.columns, lanes);
  };
  t.columns = round_up(even_share(p.columns, p.rows == 1 ? kMostPixels : kMostColumns), step);
  // Pairs of rows begin at even ones.
  const std::int64_t least_rows = p.in_pairs() ? 2 : 1;
  t.rows = round_up(even_share(p.rows, kMostRows), least_rows);
  t.window = window();
  while (!t.without_copy && t.rows > least_rows &&
         static_cast<std::int64_t>(t.window.size() * element_bytes) > kWindowBytes) {
    t.rows = (t.rows - 1) / least_rows * least_rows;
    t.window = window();
  }
  t.row_tasks = ceil_divide(p.rows, t.rows);
  t.column_tasks = ceil_divide(p.columns, t.columns);
  return t;
}

/// Computes all results of all images and groups.
template <class T>
void convolve(Launcher& launcher, const ConvGeometry& positions, const Tiling& tiling,
              const PairRows& pairs, const FilterBanks<T>& banks, const T* source,
              const Destination<T>& target) {
  const ConvVectorOps<T>& tiles = conv_tiles<T>();
  const std::size_t workers = static_cast<std::size_t>(launcher.workers());
  const std::size_t window_size = tiling.in_place ? 0 : tiling.window.size();
  const std::size_t joined_elements =
      static_cast<std::size_t>(joined_size(positions, tiling.columns));
  const std::size_t pair_size = pairs.size();
  const std::size_t worker_size = window_size + pair_size + 4 * joined_elements;
  T* const scratch = launcher.scratch_array<T>(worker_size * workers);
  const std::int64_t image_tasks = tiling.row_tasks * tiling.column_tasks;
  const std::int64_t source_plane = std::int64_t{positions.height} * positions.width;
  const std::int64_t target_plane = std::int64_t{positions.out_height} * positions.out_width;

  const auto compute_task = [&](std::int64_t task, int worker) {
    const std::int64_t image = task / image_tasks;
    const std::int64_t group = image % positions.groups;
    const std::int64_t y0 = task % image_tasks / tiling.column_tasks * tiling.rows;
    const std::int64_t x0 = task % tiling.column_tasks * tiling.columns;
    const std::int64_t rows = std::min(tiling.rows, positions.rows - y0);
    const std::int64_t columns = std::min(tiling.columns, positions.columns - x0);
    const T* const from = source + image * positions.channels * source_plane;
    const std::int64_t to = image * positions.out_channels * target_plane;
    T* const y = target.y + to;
    T* const before = target.before == nullptr ? nullptr : target.before + to;
    T* const window = scratch + static_cast<std::size_t>(worker) * worker_size;
    const Planes<T> planes{from, positions.height, positions.width, positions.padding_mode};
    const std::int64_t left = positions.left + x0 * positions.stride;
    const auto top = [&](std::int64_t row) {
      return positions.top + (y0 + row) * positions.stride;
    };
    const auto fill_window = [&](std::int64_t row) {
      tiling.window.fill(tiles, planes, positions.channels, top(row), left, window);
    };
    if (!tiling.in_place && !tiling.without_copy) {
      fill_window(0);
    }
    const T* const input = tiling.in_place ? from + x0 : window;
    T* const pair = window + window_size;
    const BlockRows<T> blocks(tiles, positions, banks, group, pair + pair_size, tiling.columns);
    // Calls compute_row for rows one by one, with what they read, or compute_pair for two in
    // one.
    const auto for_each_row = [&](const auto& compute_row, const auto& compute_pair) {
      for (std::int64_t row = 0; row < rows;) {
        if (pairs.empty() || row % 2 != 0 || !positions.pair_is_inside(y0 + row)) {
          if (tiling.without_copy) {
            fill_window(row);
          }
          compute_row(row, tiling.without_copy ? window : input + row * tiling.window.pitch());
          ++row;
          continue;
        }
        if (tiling.without_copy) {
          pairs.fill(tiles, planes, positions.channels, top(row), left, pair);
        } else {
          pairs.fill(tiles, window, row, pair);
        }
        compute_pair(row, PairChoice{true, row + 1 < rows});
        row += 2;
      }
    };
    if (positions.block > 1) {
      for_each_row(
          [&](std::int64_t row, const T* from_row) {
            blocks.compute({from_row, y0 + row, x0, columns}, y, before, target.store);
          },
          [&](std::int64_t row, PairChoice wanted) {
            blocks.compute_pair({pair, y0 + row, x0, columns}, wanted, y, before, target.store);
          });
      return;
    }
    const auto convolve_rows = [&](const FilterBank<T>& bank, std::int64_t row, std::int64_t count,
                                   const T* from_row, const auto& run) {
      ConvolvePass<T> p = pass_of(bank.filters[0], group);
      p.rows = count;
      p.columns = columns;
      p.input = from_row;
      p.input_pitch = tiling.window.pitch();
      const std::int64_t first = (y0 + row) * positions.out_width + x0;
      p.out = y + first;
      p.before = before == nullptr ? nullptr : before + first;
      p.out_pitch = positions.out_width;
      p.out_channel_stride = target_plane;
      p.store = target.store;
      run(p);
    };
    if (pairs.empty()) {
      convolve_rows(banks.rows, 0, rows, input, tiles.convolve);
      return;
    }
    for_each_row(
        [&](std::int64_t row, const T* from_row) {
          convolve_rows(banks.rows, row, 1, from_row, tiles.convolve);
        },
        [&](std::int64_t row, PairChoice wanted) {
          convolve_rows(banks.pairs, row, 2, pair,
                        [&](const ConvolvePass<T>& pass) { tiles.convolve_pair(pass, wanted); });
        });
  };
  launcher.parallel_for(positions.batch * positions.groups * image_tasks, compute_task);
}

/// A pointwise convolution treats the image as one long row.
ConvGeometry flattened_if_pointwise(ConvGeometry p) {
  if (p.is_pointwise() && p.block == 1) {
    p.width *= p.height;
    p.columns = p.width;
    p.rows = p.height = 1;
    p.out_width *= p.out_height;
    p.out_height = 1;
  }
  return p;
}

/// dx of a convolution with replicate padding, from the gradient of the padded image: the border
/// takes what its copies got.
template <class T>
void fold_border(Launcher& launcher, const ConvSizes& sizes, const T* padded, T* dx, Store store) {
  const std::int64_t padding = sizes.padding;
  const std::int64_t height = sizes.in_height;
  const std::int64_t width = sizes.in_width;
  const std::int64_t padded_width = width + 2 * padding;
  const std::int64_t padded_plane = (height + 2 * padding) * padded_width;
  const auto begin = [&](std::int64_t i) { return i == 0 ? 0 : i + padding; };
  const auto end = [&](std::int64_t i, std::int64_t size) {
    return i == size - 1 ? size + 2 * padding : i + padding + 1;
  };
  launcher.parallel_for(sizes.batch * sizes.in_channels, [&](std::int64_t plane, int) {
    const T* const from = padded + plane * padded_plane;
    T* const to = dx + plane * height * width;
    for (std::int64_t y = 0; y < height; ++y) {
      for (std::int64_t x = 0; x < width; ++x) {
        double sum = 0;
        for (std::int64_t i = begin(y); i < end(y, height); ++i) {
          for (std::int64_t j = begin(x); j < end(x, width); ++j) {
            sum += static_cast<double>(from[i * padded_width + j]);
          }
        }
        T& pixel = to[y * width + x];
        pixel = store == Store::add ? pixel + static_cast<T>(sum) : static_cast<T>(sum);
      }
    }
  });
}

}  // namespace

template <class T>
void conv_forward(Launcher& launcher, const ConvSizes& sizes, const T* large, const T* weight,
                  const Destination<T>& small) {
  const ConvGeometry positions = flattened_if_pointwise(positions_to_small(sizes));
  const Tiling tiling = tile(positions, conv_tiles<T>().lanes, sizeof(T));
  const PairRows pairs = pair_rows_of(launcher, positions, tiling.window);
  const FilterBanks<T> banks = filters_to_small(
      launcher, sizes, weight, small.epilogue,
      {[&](int c, int i, int j) { return tiling.offset(positions, c, i, j); }, pairs});
  convolve(launcher, positions, tiling, pairs, banks, large, small);
}

template <class T>
void conv_transpose(Launcher& launcher, const ConvSizes& sizes, const T* small, const T* weight,
                    const Destination<T>& large) {
  if (sizes.padding_mode == PaddingMode::replicate && sizes.padding > 0) {
    ConvSizes padded = sizes;
    padded.in_height += 2 * sizes.padding;
    padded.in_width += 2 * sizes.padding;
    padded.padding = 0;
    padded.padding_mode = PaddingMode::zero;
    T* const gradient =
        launcher.scratch_array<T>(static_cast<std::size_t>(sizes.batch) * sizes.in_channels *
                                  padded.in_height * padded.in_width);
    conv_transpose(launcher, padded, small, weight, Destination<T>{gradient});
    fold_border(launcher, sizes, gradient, large.y, large.store);
    return;
  }
  const ConvGeometry positions = flattened_if_pointwise(positions_to_large(sizes));
  const Tiling tiling = tile(positions, conv_tiles<T>().lanes, sizeof(T));
  const PairRows pairs = pair_rows_of(launcher, positions, tiling.window);
  const FilterBanks<T> banks = filters_to_large(
      launcher, sizes, weight, large.epilogue,
      {[&](int c, int i, int j) { return tiling.offset(positions, c, i, j); }, pairs});
  convolve(launcher, positions, tiling, pairs, banks, small, large);
}

template void conv_forward(Launcher&, const ConvSizes&, const float*, const float*,
                           const Destination<float>&);
template void conv_forward(Launcher&, const ConvSizes&, const double*, const double*,
                           const Destination<double>&);
template void conv_transpose(Launcher&, const ConvSizes&, const float*, const float*,
                             const Destination<float>&);
template void conv_transpose(Launcher&, const ConvSizes&, const double*, const double*,
                             const Destination<double>&);

}  // namespace pisr::kernels::cpu
