#include "kernels/cpu/conv/packed_filter.h"

#include <algorithm>
#include <array>

#include "kernels/cpu/conv/rounding.h"

namespace pisr::kernels::cpu {
namespace {

/// A direct tap multiplies with a weight as it is, which is this component of the weight transform.
constexpr int kDirect = 2;

/// A tap: what it reads, and of which weights of a channel its own is made.
struct Tap {
  std::ptrdiff_t offset;
  std::int64_t first_weight;
  int component;    ///< along the height
  int piece_taps;   ///< its weight is that of F(2, piece_taps)
  int across = -1;  ///< of F(2 x 2, 3 x 3): the component along the width
};

/// The taps of a filter, in scratch memory, in the order of their components.
struct Taps {
  Taps(Launcher& launcher, std::int64_t most)
      : taps(launcher.scratch_array<Tap>(static_cast<std::size_t>(most))) {}
  void add(const Tap& tap) {
    taps[count++] = tap;
    ++component_taps[static_cast<std::size_t>(tap.component)];
  }

  Tap* taps;
  std::int64_t count = 0;
  std::array<std::int64_t, kWinogradComponents> component_taps{};
  std::int64_t step = 0;         ///< from a weight to that of the tap below
  std::int64_t step_across = 0;  ///< to that of the tap at the right
};

/// Adds the taps of F(2 x 2, 3 x 3); weight_of(c) is the first weight of a channel.
template <class WeightOf>
void add_square_taps(const InputTransform& transform, int channels, const WeightOf& weight_of,
                     Taps& taps) {
  for (int component = 0; component < kSquareComponents; ++component) {
    for (int c = 0; c < channels; ++c) {
      taps.add({transform.square_offset(c, component), weight_of(c),
                component / kWinogradComponents, 3, component % kWinogradComponents});
    }
  }
}

/// Calls visit(component, piece, transformed row among those of a channel) for all components of
/// all pieces of columns of `column_taps` taps, or of any number of taps where that is 0.
template <class Visit>
void for_each_component(const InputTransform& transform, int column_taps, const Visit& visit) {
  for (int component = 0; component < kWinogradComponents; ++component) {
    for (const WinogradPiece& piece : transform) {
      const int row = transformed_row(piece.taps, component);
      if (row >= 0 && (column_taps == 0 || piece.column_taps == column_taps)) {
        visit(component, piece, piece.first_row + row);
      }
    }
  }
}

/// Packs `channels` channels in each group, the weights of a channel beginning at
/// weight[channel_start(channel)] of its group. The result has no epilogue yet.
template <class T, class ChannelStart>
PackedFilter<T> pack_filter(Launcher& launcher, const Taps& taps, std::int64_t groups,
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
      const int block = block_channels(channels - first, conv_vector_ops<T>().channel_block);
      std::array<const T*, kMostBlockChannels> starts{};
      for (int o = 0; o < block; ++o) {
        starts[o] = weight + group * group_weights + channel_start(first + o);
      }
      for (std::int64_t t = 0; t < taps.count; ++t) {
        const Tap& tap = taps.taps[t];
        for (int o = 0; o < block; ++o) {
          const T* const first_tap = starts[o] + tap.first_weight;
          *packed++ = tap.across < 0
                          ? transformed_weight(tap.component, tap.piece_taps, first_tap, taps.step)
                          : transformed_weight(tap.component, tap.across, first_tap, taps.step,
                                               taps.step_across);
        }
      }
      first += block;
    }
  }
  return {channels, taps.count, taps.component_taps,  offsets,
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

/// The filter of a transposed convolution for `count` pixels of a position, 1 or all, from the
/// pixel `first` on. A pixel is its residues of the stride, stride * that of the row + that of the
/// column.
template <class T>
PackedFilter<T> residue_filter(Launcher& launcher, const ConvSizes& sizes,
                               const ConvGeometry& geometry, const PaddedKernel<T>& kernel,
                               const TapSource& source, int first, int count) {
  const int stride = sizes.stride;
  const int channels = sizes.in_channels / sizes.groups;
  const std::int64_t kernel_size = std::int64_t{kernel.height} * kernel.width;
  const int first_row = count == 1 ? first / stride : 0;
  const int first_column = count == 1 ? first % stride : 0;
  const int rows = static_cast<int>(ceil_divide(kernel.height - first_row, stride));
  const int columns = static_cast<int>(ceil_divide(kernel.width - first_column, stride));
  Taps taps(launcher,
            std::int64_t{2} * geometry.channels * geometry.kernel_height * geometry.kernel_width);
  const auto weight_at = [&](int o, int row, int column) {
    return std::int64_t{o} * channels * kernel_size +
           std::int64_t{stride} * (row * kernel.width + column);
  };
  // Taps run against the window: the first row of a kernel reads the last one.
  taps.step = -std::int64_t{stride} * kernel.width;
  taps.step_across = -stride;
  const int last_row = geometry.kernel_height - 1;
  const int last_column = geometry.kernel_width - 1;
  const auto for_each_column = [&](const auto& visit) {
    for (int o = 0; o < geometry.channels; ++o) {
      for (int j = 0; j < columns; ++j) {
        visit(o, j);
      }
    }
  };
  if (source.transform.empty()) {
    for_each_column([&](int o, int j) {
      for (int i = 0; i < rows; ++i) {
        taps.add({source.offset(o, last_row - i, last_column - j), weight_at(o, i, j), kDirect, 1});
      }
    });
  } else if (source.transform.is_square()) {
    add_square_taps(
        source.transform, geometry.channels,
        [&](int o) { return weight_at(o, last_row, last_column); }, taps);
  } else {
    for_each_component(
        source.transform, rows, [&](int component, const WinogradPiece& piece, int row) {
          for_each_column([&](int o, int j) {
            taps.add({source.transform.offset(o, last_column - j, row),
                      weight_at(o, last_row - piece.first, j), component, piece.taps});
          });
        });
  }
  const std::int64_t group_weights = std::int64_t{geometry.channels} * channels * kernel_size;
  return pack_filter(launcher, taps, sizes.groups, group_weights, kernel.weight,
                     std::int64_t{count} * channels, [&](std::int64_t v) {
                       const std::int64_t pixel = first + v / channels;
                       return v % channels * kernel_size + pixel / stride * kernel.width +
                              pixel % stride;
                     });
}

/// `values` [groups, channels], or one value for all where one_value, as [groups, repeats,
/// channels].
template <class T>
const T* repeat_values(Launcher& launcher, std::int64_t groups, std::int64_t channels, int repeats,
                       const T* values, bool one_value) {
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

/// Gives the filter its epilogue; it has `repeats` results for each channel.
template <class T>
void add_epilogue(Launcher& launcher, std::int64_t groups, std::int64_t channels, int repeats,
                  const Epilogue<T>& epilogue, PackedFilter<T>& filter) {
  const Activation<T>& activation = epilogue.activation;
  filter.bias = epilogue.bias == nullptr
                    ? nullptr
                    : repeat_values(launcher, groups, channels, repeats, epilogue.bias, false);
  filter.activation = activation.kind;
  filter.slopes = activation.kind != ActivationKind::prelu
                      ? nullptr
                      : repeat_values(launcher, groups, channels, repeats, activation.slopes,
                                      activation.slope_count == 1);
}

template <class T>
FilterBank<T> conv_forward_bank(Launcher& launcher, const ConvSizes& sizes, const T* weight,
                                const Epilogue<T>& epilogue, const TapSource& source) {
  const int channels = sizes.in_channels / sizes.groups;
  const std::int64_t out_channels = sizes.out_channels / sizes.groups;
  const std::int64_t kernel_size = std::int64_t{sizes.kernel_height} * sizes.kernel_width;
  Taps taps(launcher, std::int64_t{2} * channels * kernel_size);
  taps.step = std::int64_t{sizes.stride} * sizes.kernel_width;
  taps.step_across = 1;
  const auto for_each_column = [&](const auto& visit) {
    for (int c = 0; c < channels; ++c) {
      for (int j = 0; j < sizes.kernel_width; ++j) {
        visit(c, j);
      }
    }
  };
  const auto weight_at = [&](int c, int i, int j) {
    return c * kernel_size + std::int64_t{i} * sizes.kernel_width + j;
  };
  if (source.transform.empty()) {
    for_each_column([&](int c, int j) {
      for (int i = 0; i < sizes.kernel_height; ++i) {
        taps.add({source.offset(c, i, j), weight_at(c, i, j), kDirect, 1});
      }
    });
  } else if (source.transform.is_square()) {
    add_square_taps(
        source.transform, channels, [&](int c) { return weight_at(c, 0, 0); }, taps);
  } else {
    for_each_component(
        source.transform, 0, [&](int component, const WinogradPiece& piece, int row) {
          const int i = piece.residue + piece.first * sizes.stride;
          for_each_column([&](int c, int j) {
            taps.add(
                {source.transform.offset(c, j, row), weight_at(c, i, j), component, piece.taps});
          });
        });
  }
  auto* const filter = launcher.scratch_array<PackedFilter<T>>(1);
  *filter = pack_filter(launcher, taps, sizes.groups, out_channels * channels * kernel_size, weight,
                        out_channels, [&](std::int64_t o) { return o * channels * kernel_size; });
  add_epilogue(launcher, sizes.groups, out_channels, 1, epilogue, *filter);
  return {filter, 1};
}

template <class T>
FilterBank<T> conv_transpose_bank(Launcher& launcher, const ConvSizes& sizes, const T* weight,
                                  const Epilogue<T>& epilogue, const TapSource& source) {
  const ConvGeometry geometry = conv_transpose_geometry(sizes);
  const int channels = geometry.out_channels;
  const int pixels = geometry.upscale * geometry.upscale;
  const bool together = channels < kFewChannels;
  PaddedKernel<T> kernel{weight, sizes.kernel_height, sizes.kernel_width};
  if (together && geometry.upscale > 1) {
    kernel = pad_kernel(launcher, sizes, weight);
  }
  const int count = together ? pixels : 1;
  auto* const filters =
      launcher.scratch_array<PackedFilter<T>>(static_cast<std::size_t>(pixels / count));
  for (int first = 0; first < pixels; first += count) {
    PackedFilter<T>& filter = filters[first / count];
    filter = residue_filter(launcher, sizes, geometry, kernel, source, first, count);
    add_epilogue(launcher, sizes.groups, channels, count, epilogue, filter);
  }
  return {filters, pixels / count};
}

}  // namespace

template <class T>
ConvFilters<T> conv_forward_filters(Launcher& launcher, const ConvSizes& sizes, const T* weight,
                                    const Epilogue<T>& epilogue, const TapSource& source) {
  const InputTransform none;
  const FilterBank<T> direct =
      conv_forward_bank(launcher, sizes, weight, epilogue, {source.offset, none});
  return {direct, source.transform.empty()
                      ? direct
                      : conv_forward_bank(launcher, sizes, weight, epilogue, source)};
}

template <class T>
ConvFilters<T> conv_transpose_filters(Launcher& launcher, const ConvSizes& sizes, const T* weight,
                                      const Epilogue<T>& epilogue, const TapSource& source) {
  const InputTransform none;
  const FilterBank<T> direct =
      conv_transpose_bank(launcher, sizes, weight, epilogue, {source.offset, none});
  return {direct, source.transform.empty()
                      ? direct
                      : conv_transpose_bank(launcher, sizes, weight, epilogue, source)};
}

template ConvFilters<float> conv_forward_filters(Launcher&, const ConvSizes&, const float*,
                                                 const Epilogue<float>&, const TapSource&);
template ConvFilters<double> conv_forward_filters(Launcher&, const ConvSizes&, const double*,
                                                  const Epilogue<double>&, const TapSource&);
template ConvFilters<float> conv_transpose_filters(Launcher&, const ConvSizes&, const float*,
                                                   const Epilogue<float>&, const TapSource&);
template ConvFilters<double> conv_transpose_filters(Launcher&, const ConvSizes&, const double*,
                                                    const Epilogue<double>&, const TapSource&);

}  // namespace pisr::kernels::cpu
