#include "kernels/cpu/conv/conv_filter.h"

#include <algorithm>
#include <array>

#include "kernels/cpu/conv/conv_tiles.h"
#include "kernels/cpu/conv/conv_window.h"

namespace pisr::kernels::cpu {
namespace {

constexpr int kLargestBlock = 16;
/// Fewer channels than this are computed for all remainders at once, so that they share loads.
constexpr int kFewChannels = 4;

/// A tap: what it reads, and the weights of a channel that its own is made of.
struct Tap {
  std::ptrdiff_t offset;
  std::int64_t start;  ///< the first of the weights
  int part;            ///< of the sum of a pair; 2 (a weight as it is) for a row
  int pieces;          ///< taps of the piece
};

/// The weight of a tap (conv_pairs.h), w being its first; the next one is `step` behind.
template <class T>
T weight_of(const Tap& tap, const T* w, std::int64_t step) {
  if (tap.part >= 2) {
    return *w;
  }
  const double first = static_cast<double>(w[0]);
  const double second = static_cast<double>(w[step]);
  if (tap.pieces == 2) {
    return static_cast<T>(first + second);
  }
  const double outer = first + static_cast<double>(w[2 * step]);
  return static_cast<T>((tap.part == 0 ? outer + second : outer - second) / 2);
}

/// The taps of a filter, in scratch memory, in the order of their parts.
struct Taps {
  Taps(Launcher& launcher, std::int64_t most)
      : taps(launcher.scratch_array<Tap>(static_cast<std::size_t>(most))) {}
  void add(const Tap& tap) {
    taps[count++] = tap;
    ++part_taps[static_cast<std::size_t>(tap.part)];
  }

  Tap* taps;
  std::int64_t count = 0;
  std::array<std::int64_t, 4> part_taps{};
  std::int64_t step = 0;  ///< from a weight to that of the tap below
};

/// Adds the taps of all pieces for columns of `column` taps (or any, where 0): `visit` is called
/// with each piece and a function that adds, for a column of taps, those of one part.
template <class Visit>
void add_pair_taps(const PairRows& pairs, int column, Taps& taps, const Visit& visit) {
  for (int part = 0; part < 4; ++part) {
    for (const RowPiece& piece : pairs) {
      const int row = row_of_part(piece.count, part);
      if (row < 0 || (column != 0 && piece.column != column)) {
        continue;
      }
      visit(piece, [&](int channel, int j, std::int64_t start) {
        // The last part is that of the piece's last tap.
        const std::int64_t first = part == 3 ? start + (piece.count - 1) * taps.step : start;
        taps.add({pairs.offset(channel, j, piece.slot + row), first, part, piece.count});
      });
    }
  }
}

/// A filter for weights of which those of a channel begin at weight[channel_start(channel)]; its
/// taps in scratch memory.
template <class T, class ChannelStart>
Filter<T> pack_filter(Launcher& launcher, const Taps& taps, std::int64_t groups,
                      std::int64_t group_weights, const T* weight, std::int64_t channels,
                      ChannelStart channel_start) {
  auto* const offsets =
      launcher.scratch_array<std::ptrdiff_t>(static_cast<std::size_t>(taps.count));
  for (std::int64_t t = 0; t < taps.count; ++t) {
    offsets[t] = taps.taps[t].offset;
  }
  T* const all =
      launcher.scratch_array<T>(static_cast<std::size_t>(groups * channels * taps.count));
  T* packed = all;
  for (std::int64_t group = 0; group < groups; ++group) {
    for (std::int64_t first = 0; first < channels;) {
      const int block = channel_block(channels - first, conv_tiles<T>().largest_block);
      std::array<const T*, kLargestBlock> starts{};
      for (int o = 0; o < block; ++o) {
        starts[o] = weight + group * group_weights + channel_start(first + o);
      }
      for (std::int64_t t = 0; t < taps.count; ++t) {
        const Tap& tap = taps.taps[t];
        for (int o = 0; o < block; ++o) {
          *packed++ = weight_of(tap, starts[o] + tap.start, taps.step);
        }
      }
      first += block;
    }
  }
  return {channels, taps.count, taps.part_taps,       offsets,
          all,      nullptr,    ActivationKind::none, nullptr};
}

/// A kernel whose sides are multiples of the stride: what is missing is 0.
template <class T>
struct PaddedKernel {
  const T* weight;  ///< [filters, channels, height, width]
  int height, width;
};

template <class T>
PaddedKernel<T> pad_kernel(Launcher& launcher, const ConvSizes& sizes, const T* weight) {
  const int height = static_cast<int>(round_up(sizes.kernel_height, sizes.stride));
  const int width = static_cast<int>(round_up(sizes.kernel_width, sizes.stride));
  const std::int64_t kernels = std::int64_t{sizes.out_channels} * sizes.in_channels / sizes.groups;
  T* const padded = launcher.scratch_array<T>(static_cast<std::size_t>(kernels * height * width));
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
Filter<T> remainder_filter(Launcher& launcher, const ConvSizes& sizes,
                           const ConvGeometry& positions, const PaddedKernel<T>& kernel,
                           const TapSource& source, int first, int count) {
  const int stride = sizes.stride;
  const int channels = sizes.in_channels / sizes.groups;
  const std::int64_t kernel_size = std::int64_t{kernel.height} * kernel.width;
  const int first_row = count == 1 ? first / stride : 0;
  const int first_column = count == 1 ? first % stride : 0;
  const int rows = static_cast<int>(ceil_divide(kernel.height - first_row, stride));
  const int columns = static_cast<int>(ceil_divide(kernel.width - first_column, stride));
  Taps taps(launcher, std::int64_t{2} * positions.channels * positions.kernel_height *
                          positions.kernel_width);
  const auto start = [&](int o, int row, int column) {
    return std::int64_t{o} * channels * kernel_size +
           std::int64_t{stride} * (row * kernel.width + column);
  };
  // Taps run against the window: the first row of a kernel reads the last one.
  taps.step = -std::int64_t{stride} * kernel.width;
  const auto for_each_column = [&](const auto& add) {
    for (int o = 0; o < positions.channels; ++o) {
      for (int j = 0; j < columns; ++j) {
        add(o, j);
      }
    }
  };
  if (source.pairs.empty()) {
    for_each_column([&](int o, int j) {
      for (int i = 0; i < rows; ++i) {
        taps.add({source.offset(o, positions.kernel_height - 1 - i, positions.kernel_width - 1 - j),
                  start(o, i, j), 2, 1});
      }
    });
  } else {
    add_pair_taps(source.pairs, rows, taps, [&](const RowPiece& piece, const auto& add) {
      for_each_column([&](int o, int j) {
        add(o, positions.kernel_width - 1 - j,
            start(o, positions.kernel_height - 1 - piece.first, j));
      });
    });
  }
  const std::int64_t group_weights = std::int64_t{positions.channels} * channels * kernel_size;
  return pack_filter(launcher, taps, sizes.groups, group_weights, kernel.weight,
                     std::int64_t{count} * channels, [&](std::int64_t v) {
                       const std::int64_t remainder = first + v / channels;
                       return v % channels * kernel_size + remainder / stride * kernel.width +
                              remainder % stride;
                     });
}

/// [groups, channels] of the caller as [groups, repeats, channels]; one value goes to all.
template <class T>
const T* spread_over_channels(Launcher& launcher, std::int64_t groups, std::int64_t channels,
                              int repeats, const T* values, bool one_value) {
  if (repeats == 1 && !one_value) {
    return values;
  }
  T* const all = launcher.scratch_array<T>(static_cast<std::size_t>(groups * repeats * channels));
  for (std::int64_t i = 0; i < groups * repeats; ++i) {
    for (std::int64_t c = 0; c < channels; ++c) {
      all[i * channels + c] = values[one_value ? 0 : i / repeats * channels + c];
    }
  }
  return all;
}

/// Adds what follows the sum of products; the filter has `repeats` results for each channel.
template <class T>
void finish_filter(Launcher& launcher, std::int64_t groups, std::int64_t channels, int repeats,
                   const Epilogue<T>& epilogue, Filter<T>& filter) {
  const Activation<T>& activation = epilogue.activation;
  filter.bias = epilogue.bias == nullptr ? nullptr
                                         : spread_over_channels(launcher, groups, channels, repeats,
                                                                epilogue.bias, false);
  filter.activation = activation.kind;
  filter.slopes = activation.kind != ActivationKind::prelu
                      ? nullptr
                      : spread_over_channels(launcher, groups, channels, repeats, activation.slopes,
                                             activation.slope_count == 1);
}

}  // namespace

ConvGeometry positions_to_small(const ConvSizes& sizes) {
  return {.batch = sizes.batch,
          .groups = sizes.groups,
          .channels = sizes.in_channels / sizes.groups,
          .height = sizes.in_height,
          .width = sizes.in_width,
          .padding_mode = sizes.padding_mode,
          .kernel_height = sizes.kernel_height,
          .kernel_width = sizes.kernel_width,
          .stride = sizes.stride,
          .top = -sizes.padding,
          .left = -sizes.padding,
          .rows = sizes.out_height,
          .columns = sizes.out_width,
          .out_channels = sizes.out_channels / sizes.groups,
          .out_height = sizes.out_height,
          .out_width = sizes.out_width,
          .block = 1,
          .cut = 0,
          .shorter_columns = false};
}

ConvGeometry positions_to_large(const ConvSizes& sizes) {
  const int stride = sizes.stride;
  const int first = sizes.padding / stride;
  const int kernel_height = static_cast<int>(ceil_divide(sizes.kernel_height, stride));
  const int kernel_width = static_cast<int>(ceil_divide(sizes.kernel_width, stride));
  return {.batch = sizes.batch,
          .groups = sizes.groups,
          .channels = sizes.out_channels / sizes.groups,
          .height = sizes.out_height,
          .width = sizes.out_width,
          .padding_mode = PaddingMode::zero,
          .kernel_height = kernel_height,
          .kernel_width = kernel_width,
          .stride = 1,
          .top = first - (kernel_height - 1),
          .left = first - (kernel_width - 1),
          .rows = (sizes.in_height - 1 + sizes.padding) / stride - first + 1,
          .columns = (sizes.in_width - 1 + sizes.padding) / stride - first + 1,
          .out_channels = sizes.in_channels / sizes.groups,
          .out_height = sizes.in_height,
          .out_width = sizes.in_width,
          .block = stride,
          .cut = sizes.padding % stride,
          .shorter_columns = sizes.kernel_height % stride != 0 &&
                             sizes.in_channels / sizes.groups >= kFewChannels};
}

namespace {

template <class T>
FilterBank<T> bank_to_small(Launcher& launcher, const ConvSizes& sizes, const T* weight,
                            const Epilogue<T>& epilogue, const TapSource& source) {
  const int channels = sizes.in_channels / sizes.groups;
  const std::int64_t out_channels = sizes.out_channels / sizes.groups;
  const std::int64_t kernel_size = std::int64_t{sizes.kernel_height} * sizes.kernel_width;
  Taps taps(launcher, 2 * channels * kernel_size);
  taps.step = std::int64_t{sizes.stride} * sizes.kernel_width;
  const auto for_each_column = [&](const auto& add) {
    for (int c = 0; c < channels; ++c) {
      for (int j = 0; j < sizes.kernel_width; ++j) {
        add(c, j);
      }
    }
  };
  const auto start = [&](int c, int i, int j) {
    return c * kernel_size + std::int64_t{i} * sizes.kernel_width + j;
  };
  if (source.pairs.empty()) {
    for_each_column([&](int c, int j) {
      for (int i = 0; i < sizes.kernel_height; ++i) {
        taps.add({source.offset(c, i, j), start(c, i, j), 2, 1});
      }
    });
  } else {
    add_pair_taps(source.pairs, 0, taps, [&](const RowPiece& piece, const auto& add) {
      for_each_column(
          [&](int c, int j) { add(c, j, start(c, piece.phase + piece.first * sizes.stride, j)); });
    });
  }
  auto* const filter = launcher.scratch_array<Filter<T>>(1);
  *filter = pack_filter(launcher, taps, sizes.groups, out_channels * channels * kernel_size, weight,
                        out_channels, [&](std::int64_t o) { return o * channels * kernel_size; });
  finish_filter(launcher, sizes.groups, out_channels, 1, epilogue, *filter);
  return {filter, 1};
}

template <class T>
FilterBank<T> bank_to_large(Launcher& launcher, const ConvSizes& sizes, const T* weight,
                            const Epilogue<T>& epilogue, const TapSource& source) {
  const ConvGeometry positions = positions_to_large(sizes);
  const int channels = positions.out_channels;
  const int remainders = positions.block * positions.block;
  const bool together = channels < kFewChannels;
  PaddedKernel<T> kernel{weight, sizes.kernel_height, sizes.kernel_width};
  if (together && positions.block > 1) {
    kernel = pad_kernel(launcher, sizes, weight);
  }
  const int count = together ? remainders : 1;
  auto* const filters =
      launcher.scratch_array<Filter<T>>(static_cast<std::size_t>(remainders / count));
  for (int r = 0; r < remainders; r += count) {
    Filter<T>& filter = filters[r / count];
    filter = remainder_filter(launcher, sizes, positions, kernel, source, r, count);
    finish_filter(launcher, sizes.groups, channels, count, epilogue, filter);
  }
  return {filters, remainders / count};
}

}  // namespace

PairRows pair_rows_of(Launcher& launcher, const ConvGeometry& positions, const Window& window) {
  return positions.in_pairs()
             ? PairRows(launcher, window, positions.channels, positions.kernel_height,
                        positions.stride, positions.shorter_columns)
             : PairRows();
}

template <class T>
FilterBanks<T> filters_to_small(Launcher& launcher, const ConvSizes& sizes, const T* weight,
                                const Epilogue<T>& epilogue, const TapSource& source) {
  const PairRows none;
  const FilterBank<T> rows =
      bank_to_small(launcher, sizes, weight, epilogue, {source.offset, none});
  return {rows,
          source.pairs.empty() ? rows : bank_to_small(launcher, sizes, weight, epilogue, source)};
}

template <class T>
FilterBanks<T> filters_to_large(Launcher& launcher, const ConvSizes& sizes, const T* weight,
                                const Epilogue<T>& epilogue, const TapSource& source) {
  const PairRows none;
  const FilterBank<T> rows =
      bank_to_large(launcher, sizes, weight, epilogue, {source.offset, none});
  return {rows,
          source.pairs.empty() ? rows : bank_to_large(launcher, sizes, weight, epilogue, source)};
}

template FilterBanks<float> filters_to_small(Launcher&, const ConvSizes&, const float*,
                                             const Epilogue<float>&, const TapSource&);
template FilterBanks<double> filters_to_small(Launcher&, const ConvSizes&, const double*,
                                              const Epilogue<double>&, const TapSource&);
template FilterBanks<float> filters_to_large(Launcher&, const ConvSizes&, const float*,
                                             const Epilogue<float>&, const TapSource&);
template FilterBanks<double> filters_to_large(Launcher&, const ConvSizes&, const double*,
                                              const Epilogue<double>&, const TapSource&);

}  // namespace pisr::kernels::cpu
