#include "kernels/cpu/conv_filter.h"

#include <algorithm>
#include <array>

#include "kernels/cpu/conv_tiles.h"
#include "kernels/cpu/conv_window.h"

namespace pisr::kernels::cpu {
namespace {

constexpr int kLargestBlock = 16;
/// Fewer channels than this are computed for all remainders at once, so that they share loads.
constexpr int kFewChannels = 4;

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
Filter<T> remainder_filter(Queue& queue, const ConvSizes& sizes, const Positions& positions,
                           const PaddedKernel<T>& kernel, TapOffset offset, int first, int count) {
  const int stride = sizes.stride;
  const int channels = sizes.in_channels / sizes.groups;
  const std::int64_t kernel_size = std::int64_t{kernel.height} * kernel.width;
  const int first_row = count == 1 ? first / stride : 0;
  const int first_column = count == 1 ? first % stride : 0;
  const std::size_t most_taps = static_cast<std::size_t>(positions.channels) *
                                positions.kernel_height * positions.kernel_width;
  auto* const offsets = queue.scratch_array<std::ptrdiff_t>(most_taps);
  auto* const starts = queue.scratch_array<std::int64_t>(most_taps);
  std::int64_t taps = 0;
  for (int o = 0; o < positions.channels; ++o) {
    for (int i = 0; first_row + stride * i < kernel.height; ++i) {
      for (int j = 0; first_column + stride * j < kernel.width; ++j) {
        offsets[taps] = offset(o, positions.kernel_height - 1 - i, positions.kernel_width - 1 - j);
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
        kernel.weight + std::int64_t{group} * positions.channels * channels * kernel_size,
        all_channels, taps, conv_tiles<T>().largest_block,
        [&](std::int64_t v) {
          const std::int64_t remainder = first + v / channels;
          return v % channels * kernel_size + remainder / stride * kernel.width +
                 remainder % stride;
        },
        [&](std::int64_t t) { return starts[t]; }, packed + group * all_channels * taps);
  }
  return {all_channels, taps, offsets, packed, nullptr, ActivationKind::none, nullptr};
}

/// [groups, channels] of the caller as [groups, repeats, channels]; one value goes to all.
template <class T>
const T* spread_over_channels(Queue& queue, std::int64_t groups, std::int64_t channels, int repeats,
                              const T* values, bool one_value) {
  if (repeats == 1 && !one_value) {
    return values;
  }
  T* const all = queue.scratch_array<T>(static_cast<std::size_t>(groups * repeats * channels));
  for (std::int64_t i = 0; i < groups * repeats; ++i) {
    for (std::int64_t c = 0; c < channels; ++c) {
      all[i * channels + c] = values[one_value ? 0 : i / repeats * channels + c];
    }
  }
  return all;
}

/// Adds what follows the sum of products; the filter has `repeats` results for each channel.
template <class T>
void finish_filter(Queue& queue, std::int64_t groups, std::int64_t channels, int repeats,
                   const Epilogue<T>& epilogue, Filter<T>& filter) {
  const Activation<T>& activation = epilogue.activation;
  filter.bias = epilogue.bias == nullptr
                    ? nullptr
                    : spread_over_channels(queue, groups, channels, repeats, epilogue.bias, false);
  filter.activation = activation.kind;
  filter.slopes = activation.kind != ActivationKind::prelu
                      ? nullptr
                      : spread_over_channels(queue, groups, channels, repeats, activation.slopes,
                                             activation.slope_count == 1);
}

}  // namespace

Positions positions_to_small(const ConvSizes& sizes) {
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
          .cut = 0};
}

Positions positions_to_large(const ConvSizes& sizes) {
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
          .cut = sizes.padding % stride};
}

template <class T>
FilterBank<T> filters_to_small(Queue& queue, const ConvSizes& sizes, const T* weight,
                               const Epilogue<T>& epilogue, TapOffset offset) {
  const int channels = sizes.in_channels / sizes.groups;
  const std::int64_t out_channels = sizes.out_channels / sizes.groups;
  const std::int64_t taps = std::int64_t{channels} * sizes.kernel_height * sizes.kernel_width;
  auto* const offsets = queue.scratch_array<std::ptrdiff_t>(static_cast<std::size_t>(taps));
  std::int64_t tap = 0;
  for (int c = 0; c < channels; ++c) {
    for (int i = 0; i < sizes.kernel_height; ++i) {
      for (int j = 0; j < sizes.kernel_width; ++j) {
        offsets[tap++] = offset(c, i, j);
      }
    }
  }
  T* const packed = queue.scratch_array<T>(static_cast<std::size_t>(sizes.out_channels * taps));
  for (int group = 0; group < sizes.groups; ++group) {
    const std::int64_t first = group * out_channels * taps;
    pack_weights(
        weight + first, out_channels, taps, conv_tiles<T>().largest_block,
        [&](std::int64_t o) { return o * taps; }, [](std::int64_t t) { return t; }, packed + first);
  }
  auto* const filter = queue.scratch_array<Filter<T>>(1);
  *filter = {out_channels, taps, offsets, packed, nullptr, ActivationKind::none, nullptr};
  finish_filter(queue, sizes.groups, out_channels, 1, epilogue, *filter);
  return {filter, 1};
}

template <class T>
FilterBank<T> filters_to_large(Queue& queue, const ConvSizes& sizes, const T* weight,
                               const Epilogue<T>& epilogue, TapOffset offset) {
  const Positions positions = positions_to_large(sizes);
  const int channels = positions.out_channels;
  const int remainders = positions.block * positions.block;
  const bool together = channels < kFewChannels;
  PaddedKernel<T> kernel{weight, sizes.kernel_height, sizes.kernel_width};
  if (together && positions.block > 1) {
    kernel = pad_kernel(queue, sizes, weight);
  }
  const int count = together ? remainders : 1;
  auto* const filters =
      queue.scratch_array<Filter<T>>(static_cast<std::size_t>(remainders / count));
  for (int r = 0; r < remainders; r += count) {
    Filter<T>& filter = filters[r / count];
    filter = remainder_filter(queue, sizes, positions, kernel, offset, r, count);
    finish_filter(queue, sizes.groups, channels, count, epilogue, filter);
  }
  return {filters, remainders / count};
}

template FilterBank<float> filters_to_small(Queue&, const ConvSizes&, const float*,
                                            const Epilogue<float>&, TapOffset);
template FilterBank<double> filters_to_small(Queue&, const ConvSizes&, const double*,
                                             const Epilogue<double>&, TapOffset);
template FilterBank<float> filters_to_large(Queue&, const ConvSizes&, const float*,
                                            const Epilogue<float>&, TapOffset);
template FilterBank<double> filters_to_large(Queue&, const ConvSizes&, const double*,
                                             const Epilogue<double>&, TapOffset);

}  // namespace pisr::kernels::cpu
