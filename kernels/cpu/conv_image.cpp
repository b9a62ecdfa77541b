// The products of a convolution whose result is an image. In both, a position [y, x] of the result
// reads a dense window of the source at [stride y, stride x]. Towards the small image the window
// strides by the stride of the convolution and a position is a pixel. Towards the large one it
// strides by 1, and a position is a block of stride x stride pixels: for each remainder r of the
// rows (and of the columns alike) only the taps i = r + stride m reach the large image, from the
// position y - m.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "kernels/cpu/conv_primitives.h"
#include "kernels/cpu/conv_tiles.h"
#include "kernels/cpu/conv_window.h"

namespace pisr::kernels::cpu {
namespace {

// What a task works on should stay in the level-2 cache, next to the weights.
constexpr std::int64_t kWindowBytes = std::int64_t{320} * 1024;
constexpr std::int64_t kMostRows = 16;
constexpr std::int64_t kMostColumns = 192;
constexpr std::int64_t kMostPixels = 768;
constexpr int kTileVectors = 3;
constexpr int kLargestBlock = 16;
/// Fewer channels than this are computed for all remainders at once, so that they share loads.
constexpr int kFewChannels = 4;

/// A result with the same taps for all its channels, in every group.
template <class T>
struct Filter {
  std::int64_t channels, taps;
  const std::ptrdiff_t* offsets;  ///< [taps], into the window
  const T* weights;               ///< [groups, channels, taps], in blocks of channels
  const T* bias;                  ///< [groups, channels], or null
};

/// A source image, and the positions of the result. Sizes are those of one group.
template <class T>
struct Source {
  const T* data;
  std::int64_t batch;
  int groups, channels, height, width;
  PaddingMode padding_mode;
  int kernel_height, kernel_width, stride;
  std::int64_t top, left;  ///< where the window of the first position begins
  std::int64_t rows, columns;
};

/// The result: each position holds block x block pixels; the first position begins at
/// [-cut_top, -cut_left] of it.
template <class T>
struct Target {
  T* data;
  int channels, height, width;
  int block;
  std::int64_t cut_top, cut_left;
  Store store;
};

/// How the positions are cut into tasks, and the window of a task.
struct Tiling {
  std::int64_t rows, columns;  ///< positions of a task
  std::int64_t row_tasks, column_tasks;
  bool in_place;  ///< the source is its own window
  Window window;
};

template <class T>
bool is_pointwise(const Source<T>& s) {
  return s.kernel_height == 1 && s.kernel_width == 1 && s.stride == 1 && s.top == 0 &&
         s.left == 0 && s.rows == s.height && s.columns == s.width;
}

template <class T>
Tiling tile(const ConvTiles<T>& tiles, const Source<T>& s) {
  Tiling t;
  t.in_place = is_pointwise(s) && s.height == 1 && s.width % tiles.lanes == 0;
  const std::int64_t step = std::int64_t{kTileVectors} * tiles.lanes;
  const auto even_share = [](std::int64_t whole, std::int64_t most) {
    return ceil_divide(whole, ceil_divide(whole, most));
  };
  t.columns = round_up(even_share(s.columns, s.rows == 1 ? kMostPixels : kMostColumns), step);
  t.rows = even_share(s.rows, kMostRows);
  while (t.rows > 1) {
    t.window = Window(s.channels, s.kernel_height, s.kernel_width, s.stride, t.rows, t.columns,
                      tiles.lanes);
    if (static_cast<std::int64_t>(t.window.size() * sizeof(T)) <= kWindowBytes) {
      break;
    }
    t.rows = even_share(s.rows, t.rows - 1);
  }
  t.window =
      Window(s.channels, s.kernel_height, s.kernel_width, s.stride, t.rows, t.columns, tiles.lanes);
  t.row_tasks = ceil_divide(s.rows, t.rows);
  t.column_tasks = ceil_divide(s.columns, t.columns);
  return t;
}

/// One row of positions from `joined`, [block, block, channels, pitch], to the pixels of the
/// target.
template <class T>
void store_blocks(const ConvTiles<T>& tiles, const Target<T>& target, std::int64_t position_y,
                  std::int64_t position_x, std::int64_t columns, std::int64_t pitch,
                  const T* joined, T* image) {
  const int block = target.block;
  const bool add = target.store == Store::add;
  const std::int64_t left = position_x * block - target.cut_left;
  // The positions all of whose pixels are inside.
  const std::int64_t first =
      std::min(columns, ceil_divide(std::max<std::int64_t>(-left, 0), block));
  const std::int64_t end = std::clamp((target.width - left) / block, first, columns);
  for (int i = 0; i < block; ++i) {
    const std::int64_t y = position_y * block + i - target.cut_top;
    if (y < 0 || y >= target.height) {
      continue;
    }
    for (int c = 0; c < target.channels; ++c) {
      T* const row = image + (std::int64_t{c} * target.height + y) * target.width;
      const T* const from = joined + (std::int64_t{i} * block * target.channels + c) * pitch;
      const auto store_positions = [&](std::int64_t begin, std::int64_t past) {
        for (std::int64_t x = begin; x < past; ++x) {
          for (int j = 0; j < block; ++j) {
            const std::int64_t column = left + x * block + j;
            if (column >= 0 && column < target.width) {
              const T value = from[j * target.channels * pitch + x];
              row[column] = add ? row[column] + value : value;
            }
          }
        }
      };
      if (block == 2) {
        tiles.join_pairs(from + first, from + target.channels * pitch + first, end - first,
                         row + left + 2 * first, target.store);
        store_positions(0, first);
        store_positions(end, columns);
      } else {
        store_positions(0, columns);
      }
    }
  }
}

/// Computes `filters`, all of the target's block x block x channels results in this order, for all
/// images and groups.
template <class T>
void convolve(Queue& queue, const ConvTiles<T>& tiles, const Source<T>& source,
              const Target<T>& target, const Tiling& tiling, const Filter<T>* filters,
              std::int64_t filter_count) {
  const std::size_t workers = static_cast<std::size_t>(queue.workers());
  const std::size_t window_size = tiling.in_place ? 0 : tiling.window.size();
  const std::int64_t pixels = std::int64_t{target.block} * target.block;
  const std::size_t joined_size =
      pixels == 1 ? 0 : static_cast<std::size_t>(pixels * target.channels * tiling.columns);
  const std::size_t worker_size = window_size + joined_size;
  T* const scratch = queue.scratch_array<T>(worker_size * workers);
  const std::int64_t image_tasks = tiling.row_tasks * tiling.column_tasks;
  const std::int64_t source_plane = std::int64_t{source.height} * source.width;
  const std::int64_t target_plane = std::int64_t{target.height} * target.width;

  queue.parallel_for(source.batch * source.groups * image_tasks, [&](std::int64_t task,
                                                                     int worker) {
    const std::int64_t image = task / image_tasks;
    const std::int64_t group = image % source.groups;
    const std::int64_t y0 = task % image_tasks / tiling.column_tasks * tiling.rows;
    const std::int64_t x0 = task % tiling.column_tasks * tiling.columns;
    const std::int64_t rows = std::min(tiling.rows, source.rows - y0);
    const std::int64_t columns = std::min(tiling.columns, source.columns - x0);
    const T* const from = source.data + image * source.channels * source_plane;
    T* const to = target.data + image * target.channels * target_plane;
    T* const window = scratch + static_cast<std::size_t>(worker) * worker_size;
    T* const joined = window + window_size;
    if (!tiling.in_place) {
      tiling.window.fill(tiles, Planes<T>{from, source.height, source.width, source.padding_mode},
                         source.channels, source.top + y0 * source.stride,
                         source.left + x0 * source.stride, window);
    }
    const auto pass = [&](const Filter<T>& filter) {
      ConvolvePass<T> p{};
      p.channels = filter.channels;
      p.columns = columns;
      p.input = tiling.in_place ? from + x0 : window;
      p.input_pitch = tiling.window.pitch();
      p.offsets = filter.offsets;
      p.taps = filter.taps;
      p.weights = filter.weights + group * filter.channels * filter.taps;
      p.bias = filter.bias == nullptr ? nullptr : filter.bias + group * filter.channels;
      return p;
    };
    if (pixels == 1) {
      ConvolvePass<T> p = pass(filters[0]);
      p.rows = rows;
      p.out = to + y0 * target.width + x0;
      p.out_pitch = target.width;
      p.out_channel_stride = target_plane;
      p.store = target.store;
      tiles.convolve(p);
      return;
    }
    for (std::int64_t y = 0; y < rows; ++y) {
      T* out = joined;
      for (std::int64_t f = 0; f < filter_count; ++f) {
        ConvolvePass<T> p = pass(filters[f]);
        p.rows = 1;
        p.input += y * p.input_pitch;
        p.out = out;
        p.out_pitch = tiling.columns;
        p.out_channel_stride = tiling.columns;
        p.store = Store::write;
        tiles.convolve(p);
        out += filters[f].channels * tiling.columns;
      }
      store_blocks(tiles, target, y0 + y, x0, columns, tiling.columns, joined, to);
    }
  });
}

/// Puts weights into the order of `ConvolvePass`; the one of a channel and a tap is
/// weight[channel_start(channel) + tap_start(tap)].
template <class T, class ChannelStart, class TapStart>
void pack_weights(const T* weight, std::int64_t channels, std::int64_t taps, int largest_block,
                  ChannelStart channel_start, TapStart tap_start, T* packed) {
  for (std::int64_t first = 0; first < channels;) {
    const int block = channel_block(channels - first, largest_block);
    std::array<const T*, kLargestBlock> starts{};
    for (int o = 0; o < block; ++o) {
      starts[o] = weight + channel_start(first + o);
    }
    for (std::int64_t tap = 0; tap < taps; ++tap) {
      const std::int64_t start = tap_start(tap);
      for (int o = 0; o < block; ++o) {
        *packed++ = starts[o][start];
      }
    }
    first += block;
  }
}

/// The offset of each tap; those into the image itself, where it is its own window.
template <class T>
std::ptrdiff_t tap_offset(const Source<T>& source, const Tiling& tiling, int c, int i, int j) {
  return tiling.in_place ? c * std::ptrdiff_t{source.height} * source.width
                         : tiling.window.offset(c, i, j);
}

/// A pointwise convolution treats the image as one long row.
template <class T>
void flatten_if_pointwise(Source<T>& source, Target<T>& target) {
  if (is_pointwise(source) && target.block == 1) {
    source.width *= source.height;
    source.columns = source.width;
    source.rows = source.height = 1;
    target.width *= target.height;
    target.height = 1;
  }
}

}  // namespace

template <class T>
void conv_to_small(Queue& queue, const ConvSizes& sizes, const T* large, const T* weight,
                   const T* bias, T* small, Store store) {
  const ConvTiles<T>& tiles = conv_tiles<T>();
  Source<T> source{large,
                   sizes.batch,
                   sizes.groups,
                   sizes.in_channels / sizes.groups,
                   sizes.in_height,
                   sizes.in_width,
                   sizes.padding_mode,
                   sizes.kernel_height,
                   sizes.kernel_width,
                   sizes.stride,
                   -sizes.padding,
                   -sizes.padding,
                   sizes.out_height,
                   sizes.out_width};
  Target<T> target{
      small, sizes.out_channels / sizes.groups, sizes.out_height, sizes.out_width, 1, 0, 0, store};
  flatten_if_pointwise(source, target);
  const Tiling tiling = tile(tiles, source);

  const std::int64_t taps =
      std::int64_t{source.channels} * sizes.kernel_height * sizes.kernel_width;
  auto* const offsets = queue.scratch_array<std::ptrdiff_t>(static_cast<std::size_t>(taps));
  std::int64_t tap = 0;
  for (int c = 0; c < source.channels; ++c) {
    for (int i = 0; i < sizes.kernel_height; ++i) {
      for (int j = 0; j < sizes.kernel_width; ++j) {
        offsets[tap++] = tap_offset(source, tiling, c, i, j);
      }
    }
  }
  T* const packed = queue.scratch_array<T>(static_cast<std::size_t>(sizes.out_channels * taps));
  for (int group = 0; group < sizes.groups; ++group) {
    const std::int64_t first = group * target.channels * taps;
    pack_weights(
        weight + first, target.channels, taps, tiles.largest_block,
        [&](std::int64_t o) { return o * taps; }, [](std::int64_t t) { return t; }, packed + first);
  }
  const Filter<T> filter{target.channels, taps, offsets, packed, bias};
  convolve(queue, tiles, source, target, tiling, &filter, 1);
}

namespace {

/// A kernel whose sides are multiples of the stride: what is missing is 0.
template <class T>
struct PaddedKernel {
  const T* weight;  ///< [filters, channels, height, width]
  int height, width;
};

template <class T>
PaddedKernel<T> pad_kernel(Queue& queue, const ConvSizes& sizes, const T* weight) {
  const int height = static_cast<int>(round_up(sizes.kernel_height, sizes.stride));
  const int width = static_cast<int>(round_up(sizes.kernel_width, sizes.stride));
  const std::int64_t kernels = std::int64_t{sizes.out_channels} * sizes.in_channels / sizes.groups;
  T* const padded = queue.scratch_array<T>(static_cast<std::size_t>(kernels * height * width));
  std::fill_n(padded, kernels * height * width, T{0});
  for (std::int64_t k = 0; k < kernels; ++k) {
    for (int i = 0; i < sizes.kernel_height; ++i) {
      std::copy_n(weight + (k * sizes.kernel_height + i) * sizes.kernel_width, sizes.kernel_width,
                  padded + (k * height + i) * width);
    }
  }
  return {padded, height, width};
}

/// The filter of the remainders [first, first + count) of stride x stride.
template <class T>
Filter<T> remainder_filter(Queue& queue, const ConvSizes& sizes, const Source<T>& source,
                           const Tiling& tiling, const PaddedKernel<T>& kernel, int largest_block,
                           int first, int count) {
  const int stride = sizes.stride;
  const int channels = sizes.in_channels / sizes.groups;
  const std::int64_t kernel_size = std::int64_t{kernel.height} * kernel.width;
  const int first_row = count == 1 ? first / stride : 0;
  const int first_column = count == 1 ? first % stride : 0;
  const std::size_t most_taps =
      static_cast<std::size_t>(source.channels) * source.kernel_height * source.kernel_width;
  auto* const offsets = queue.scratch_array<std::ptrdiff_t>(most_taps);
  auto* const starts = queue.scratch_array<std::int64_t>(most_taps);
  std::int64_t taps = 0;
  for (int o = 0; o < source.channels; ++o) {
    for (int i = 0; first_row + stride * i < kernel.height; ++i) {
      for (int j = 0; first_column + stride * j < kernel.width; ++j) {
        offsets[taps] = tap_offset(source, tiling, o, source.kernel_height - 1 - i,
                                   source.kernel_width - 1 - j);
        starts[taps++] = std::int64_t{o} * channels * kernel_size +
                         std::int64_t{stride} * i * kernel.width + std::int64_t{stride} * j;
      }
    }
  }
  const std::int64_t all_channels = std::int64_t{count} * channels;
  T* const packed =
      queue.scratch_array<T>(static_cast<std::size_t>(sizes.groups * all_channels * taps));
  for (int group = 0; group < sizes.groups; ++group) {
    pack_weights(
        kernel.weight + std::int64_t{group} * source.channels * channels * kernel_size,
        all_channels, taps, largest_block,
        [&](std::int64_t v) {
          const std::int64_t remainder = first + v / channels;
          return v % channels * kernel_size + remainder / stride * kernel.width +
                 remainder % stride;
        },
        [&](std::int64_t t) { return starts[t]; }, packed + group * all_channels * taps);
  }
  return {all_channels, taps, offsets, packed, nullptr};
}

/// dx of a convolution with replicate padding, from the gradient of the padded image: the border
/// takes what its copies got.
template <class T>
void fold_border(Queue& queue, const ConvSizes& sizes, const T* padded, T* dx, Store store) {
  const std::int64_t padding = sizes.padding;
  const std::int64_t height = sizes.in_height;
  const std::int64_t width = sizes.in_width;
  const std::int64_t padded_width = width + 2 * padding;
  const std::int64_t padded_plane = (height + 2 * padding) * padded_width;
  const auto begin = [&](std::int64_t i) { return i == 0 ? 0 : i + padding; };
  const auto end = [&](std::int64_t i, std::int64_t size) {
    return i == size - 1 ? size + 2 * padding : i + padding + 1;
  };
  queue.parallel_for(sizes.batch * sizes.in_channels, [&](std::int64_t plane, int) {
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
void conv_to_large(Queue& queue, const ConvSizes& sizes, const T* small, const T* weight,
                   const T* bias, T* large, Store store) {
  if (sizes.padding_mode == PaddingMode::replicate && sizes.padding > 0) {
    ConvSizes padded = sizes;
    padded.in_height += 2 * sizes.padding;
    padded.in_width += 2 * sizes.padding;
    padded.padding = 0;
    padded.padding_mode = PaddingMode::zero;
    T* const gradient =
        queue.scratch_array<T>(static_cast<std::size_t>(sizes.batch) * sizes.in_channels *
                               padded.in_height * padded.in_width);
    conv_to_large<T>(queue, padded, small, weight, nullptr, gradient, Store::write);
    fold_border(queue, sizes, gradient, large, store);
    return;
  }
  const ConvTiles<T>& tiles = conv_tiles<T>();
  const int stride = sizes.stride;
  const int cut = sizes.padding % stride;
  const int first = sizes.padding / stride;
  const int channels = sizes.in_channels / sizes.groups;
  Source<T> source{small,
                   sizes.batch,
                   sizes.groups,
                   sizes.out_channels / sizes.groups,
                   sizes.out_height,
                   sizes.out_width,
                   PaddingMode::zero,
                   static_cast<int>(ceil_divide(sizes.kernel_height, stride)),
                   static_cast<int>(ceil_divide(sizes.kernel_width, stride)),
                   1,
                   0,
                   0,
                   (sizes.in_height - 1 + sizes.padding) / stride - first + 1,
                   (sizes.in_width - 1 + sizes.padding) / stride - first + 1};
  source.top = first - (source.kernel_height - 1);
  source.left = first - (source.kernel_width - 1);
  Target<T> target{large, channels, sizes.in_height, sizes.in_width, stride, cut, cut, store};
  flatten_if_pointwise(source, target);
  const Tiling tiling = tile(tiles, source);

  const int remainders = stride * stride;
  const bool together = channels < kFewChannels;
  PaddedKernel<T> kernel{weight, sizes.kernel_height, sizes.kernel_width};
  if (together && stride > 1) {
    kernel = pad_kernel(queue, sizes, weight);
  }
  const int count = together ? remainders : 1;
  auto* const filters =
      queue.scratch_array<Filter<T>>(static_cast<std::size_t>(remainders / count));
  for (int r = 0; r < remainders; r += count) {
    filters[r / count] =
        remainder_filter(queue, sizes, source, tiling, kernel, tiles.largest_block, r, count);
  }
  if (bias != nullptr) {
    // Each remainder has the bias of its channels.
    T* const all = queue.scratch_array<T>(static_cast<std::size_t>(count) * sizes.in_channels);
    for (std::int64_t group = 0; group < sizes.groups; ++group) {
      for (int r = 0; r < count; ++r) {
        std::copy_n(bias + group * channels, channels, all + (group * count + r) * channels);
      }
    }
    for (int f = 0; f < remainders / count; ++f) {
      filters[f].bias = all;
    }
  }
  convolve(queue, tiles, source, target, tiling, filters, remainders / count);
}

template void conv_to_small(Queue&, const ConvSizes&, const float*, const float*, const float*,
                            float*, Store);
template void conv_to_small(Queue&, const ConvSizes&, const double*, const double*, const double*,
                            double*, Store);
template void conv_to_large(Queue&, const ConvSizes&, const float*, const float*, const float*,
                            float*, Store);
template void conv_to_large(Queue&, const ConvSizes&, const double*, const double*, const double*,
                            double*, Store);

}  // namespace pisr::kernels::cpu
