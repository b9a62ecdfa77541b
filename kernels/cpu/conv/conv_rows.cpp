// conv_forward and conv_transpose: tasks of a few rows of one group of an image, each from a padded
// copy of what it reads.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "kernels/cpu/conv/conv_geometry.h"
#include "kernels/cpu/conv/conv_primitives.h"
#include "kernels/cpu/conv/conv_vector_ops.h"
#include "kernels/cpu/conv/conv_window.h"
#include "kernels/cpu/conv/packed_filter.h"
#include "kernels/cpu/conv/rounding.h"
#include "kernels/cpu/conv/row_convolver.h"
#include "kernels/cpu/conv/winograd.h"

namespace pisr::kernels::cpu {
namespace {

// What a task works on should stay in the level-2 cache, next to the weights.
constexpr std::int64_t kWindowBytes = std::int64_t{320} * 1024;
constexpr std::int64_t kMostRows = 16;
constexpr std::int64_t kMostColumns = 192;
constexpr std::int64_t kMostPixels = 768;  ///< columns, where there is one row

/// How the positions are cut into tasks, and the window of a task.
struct Tiling {
  std::int64_t rows, columns;  ///< positions of a task
  std::int64_t row_tasks, column_tasks;
  bool in_place;           ///< the source is its own window
  bool transforms_source;  ///< only rows computed one by one read a window, each one of its own
  Window window;           ///< of a task, or of one row where transforms_source

  /// The offset of a tap in the window; in the source itself, where that is the window.
  std::ptrdiff_t offset(const ConvGeometry& geometry, int c, int i, int j) const {
    return in_place ? c * geometry.height * geometry.width : window.offset(c, i, j);
  }
};

Tiling tiling_of(const ConvGeometry& geometry, int lanes, std::size_t element_bytes) {
  Tiling t;
  t.in_place = geometry.is_pointwise() && geometry.height == 1 && geometry.width % lanes == 0;
  const bool winograd = use_winograd(geometry);
  t.transforms_source = winograd && transforms_source(geometry);
  const auto window = [&] {
    return Window(geometry.channels, geometry.kernel_height, geometry.kernel_width, geometry.stride,
                  t.transforms_source ? 1 : t.rows, t.columns, lanes);
  };
  // F(2 x 2, 3 x 3) takes vectors of pairs.
  const std::int64_t step = std::int64_t{kTileVectors} * lanes * (is_square(geometry) ? 2 : 1);
  t.columns =
      round_up(even_share(geometry.columns, geometry.rows == 1 ? kMostPixels : kMostColumns), step);
  // Winograd computes an even row and the next together.
  const std::int64_t least_rows = winograd ? 2 : 1;
  t.rows = round_up(even_share(geometry.rows, kMostRows), least_rows);
  t.window = window();
  while (!t.transforms_source && t.rows > least_rows &&
         static_cast<std::int64_t>(t.window.size() * element_bytes) > kWindowBytes) {
    t.rows = (t.rows - 1) / least_rows * least_rows;
    t.window = window();
  }
  t.row_tasks = ceil_divide(geometry.rows, t.rows);
  t.column_tasks = ceil_divide(geometry.columns, t.columns);
  return t;
}

/// Computes all results of all images and groups.
template <class T>
void convolve(Launcher& launcher, const ConvGeometry& geometry, const Tiling& tiling,
              const InputTransform& transform, const ConvFilters<T>& filters, const T* source,
              const Destination<T>& target) {
  const ConvVectorOps<T>& ops = conv_vector_ops<T>();
  const std::size_t workers = static_cast<std::size_t>(launcher.workers());
  const std::size_t window_size = tiling.in_place ? 0 : tiling.window.size();
  const std::size_t depth_size =
      4 * static_cast<std::size_t>(depth_row_size(geometry, tiling.columns));
  const std::size_t worker_size = window_size + transform.size() + depth_size;
  T* const scratch = launcher.scratch_array<T>(worker_size * workers);
  const std::int64_t image_tasks = tiling.row_tasks * tiling.column_tasks;
  const std::int64_t source_plane = geometry.height * geometry.width;
  const std::int64_t target_plane = geometry.out_height * geometry.out_width;

  const auto compute_task = [&](std::int64_t task, int worker) {
    const std::int64_t image_group = task / image_tasks;
    const std::int64_t group = image_group % geometry.groups;
    const std::int64_t y0 = task % image_tasks / tiling.column_tasks * tiling.rows;
    const std::int64_t x0 = task % tiling.column_tasks * tiling.columns;
    const PositionTile tile{y0, std::min(tiling.rows, geometry.rows - y0), x0,
                            std::min(tiling.columns, geometry.columns - x0)};
    const T* const from = source + image_group * geometry.channels * source_plane;
    T* const window = scratch + static_cast<std::size_t>(worker) * worker_size;
    T* const transformed = window + window_size;
    T* const depth = transformed + transform.size();

    const Planes<T> planes{from, geometry.height, geometry.width, geometry.padding_mode};
    const auto top = [&](std::int64_t y) { return geometry.top + y * geometry.stride; };
    const std::int64_t left = geometry.left + x0 * geometry.stride;
    const auto fill_window = [&](std::int64_t y) {
      tiling.window.fill(ops, planes, geometry.channels, top(y), left, window);
    };
    if (!tiling.in_place && !tiling.transforms_source) {
      fill_window(y0);
    }
    const T* const input = tiling.in_place ? from + x0 : window;
    const RowSource rows{tiling.window.pitch(),
                         [&](std::int64_t y) {
                           if (tiling.transforms_source) {
                             fill_window(y);
                             return input;
                           }
                           return input + (y - y0) * tiling.window.pitch();
                         },
                         [&](std::int64_t y) -> const T* {
                           if (tiling.transforms_source) {
                             transform.apply(ops, planes, geometry.channels, top(y), left,
                                             transformed);
                           } else {
                             transform.apply(ops, window, y - y0, 0, transformed);
                           }
                           return transformed;
                         }};

    const std::int64_t to = image_group * geometry.out_channels * target_plane;
    T* const y = target.y + to;
    T* const before = target.before == nullptr ? nullptr : target.before + to;
    const RowConvolver<T> convolver(geometry, transform, filters, group, depth, tiling.columns);
    if (geometry.upscale > 1) {
      convolver.to_image(rows, tile, y, before, target.store);
    } else {
      const std::int64_t first = y0 * geometry.out_width + x0;
      convolver.to_pixels(rows, tile,
                          {y + first, before == nullptr ? nullptr : before + first,
                           geometry.out_width, target_plane, target.store});
    }
  };
  launcher.parallel_for(geometry.batch * geometry.groups * image_tasks, compute_task);
}

/// dx of a convolution with replicate padding, from the gradient of the padded image: a pixel at
/// the border gets the gradients of all its copies.
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
  const ConvGeometry geometry = flattened_if_pointwise(conv_forward_geometry(sizes));
  const Tiling tiling = tiling_of(geometry, conv_vector_ops<T>().lanes, sizeof(T));
  const InputTransform transform = input_transform(launcher, geometry, tiling.window,
                                                   tiling.columns, conv_vector_ops<T>().lanes);
  const ConvFilters<T> filters = conv_forward_filters(
      launcher, sizes, weight, small.epilogue,
      {[&](int c, int i, int j) { return tiling.offset(geometry, c, i, j); }, transform});
  convolve(launcher, geometry, tiling, transform, filters, large, small);
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
  const ConvGeometry geometry = flattened_if_pointwise(conv_transpose_geometry(sizes));
  const Tiling tiling = tiling_of(geometry, conv_vector_ops<T>().lanes, sizeof(T));
  const InputTransform transform = input_transform(launcher, geometry, tiling.window,
                                                   tiling.columns, conv_vector_ops<T>().lanes);
  const ConvFilters<T> filters = conv_transpose_filters(
      launcher, sizes, weight, large.epilogue,
      {[&](int c, int i, int j) { return tiling.offset(geometry, c, i, j); }, transform});
  convolve(launcher, geometry, tiling, transform, filters, small, large);
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
