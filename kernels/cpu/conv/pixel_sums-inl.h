// The sums over pixels of conv_vector_ops.h, `weight_sums`; compiled once per instruction set.
#if defined(PISR_KERNELS_CPU_CONV_PIXEL_SUMS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef PISR_KERNELS_CPU_CONV_PIXEL_SUMS_INL_H_
#undef PISR_KERNELS_CPU_CONV_PIXEL_SUMS_INL_H_
#else
#define PISR_KERNELS_CPU_CONV_PIXEL_SUMS_INL_H_
#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "kernels/cpu/conv/conv_vector_ops.h"
#include "kernels/cpu/conv/rounding.h"
#include "kernels/cpu/vector_loops-inl.h"

HWY_BEFORE_NAMESPACE();
namespace pisr::kernels::cpu {
namespace HWY_NAMESPACE {
namespace {

/// Taps and channels of the largest block of accumulators.
constexpr int kTapBlock = kHas32Registers ? 6 : 3;
constexpr int kWeightChannels = 4;

/// Products that are summed in each lane. As in tap_sums-inl.h, longer sums would be less accurate.
constexpr std::int64_t kLongestPixelSum = 160;

/// A rectangle of pixels, at most kLongestPixelSum vectors.
template <class T>
struct Rectangle {
  const T* small;
  const T* large;
  std::int64_t rows, columns;
};

/// The sums of a block of channels and a block of taps, of which only the first `valid` are taps.
template <int kChannels, int kTaps, class T>
HWY_INLINE void weight_tile(const WeightPass<T>& pass, const Rectangle<T>& area, const T* small,
                            const std::ptrdiff_t* offsets, int valid, double* sums) {
  const Tag<T> d;
  Vector<T> acc[kChannels][kTaps];
  const T* HWY_RESTRICT large[kTaps];
  PISR_UNROLL
  for (int t = 0; t < kTaps; ++t) {
    large[t] = area.large + offsets[std::min(t, valid - 1)];
  }
  // A loop of its own, in the order of memory: otherwise GCC for ARM keeps `acc` in memory.
  PISR_UNROLL
  for (int o = 0; o < kChannels; ++o) {
    PISR_UNROLL
    for (int t = 0; t < kTaps; ++t) {
      acc[o][t] = hn::Zero(d);
    }
  }
  const std::int64_t stride = pass.small_channel_stride;
  for (std::int64_t y = 0; y < area.rows; ++y) {
    for (std::int64_t x = 0; x < area.columns; x += kLanes<T>) {
      Vector<T> taps[kTaps];
      PISR_UNROLL
      for (int t = 0; t < kTaps; ++t) {
        taps[t] = hn::LoadU(d, large[t] + x);
      }
      PISR_UNROLL
      for (int o = 0; o < kChannels; ++o) {
        const Vector<T> value = hn::LoadU(d, small + o * stride + x);
        PISR_UNROLL
        for (int t = 0; t < kTaps; ++t) {
          acc[o][t] = hn::MulAdd(value, taps[t], acc[o][t]);
        }
      }
    }
    small += pass.small_pitch;
    PISR_UNROLL
    for (int t = 0; t < kTaps; ++t) {
      large[t] += pass.large_pitch;
    }
  }
  PISR_UNROLL
  for (int o = 0; o < kChannels; ++o) {
    PISR_UNROLL
    for (int t = 0; t < kTaps; ++t) {
      if (t < valid) {
        sums[o * pass.taps + t] += static_cast<double>(hn::GetLane(hn::SumOfLanes(d, acc[o][t])));
      }
    }
  }
}

template <int kTaps, class T>
HWY_INLINE void weight_channels(const WeightPass<T>& pass, const Rectangle<T>& area,
                                std::int64_t first_tap, int valid) {
  const std::ptrdiff_t* const offsets = pass.offsets + first_tap;
  std::int64_t channel = 0;
  for (; channel + kWeightChannels <= pass.channels; channel += kWeightChannels) {
    weight_tile<kWeightChannels, kTaps>(pass, area,
                                        area.small + channel * pass.small_channel_stride, offsets,
                                        valid, pass.sums + channel * pass.taps + first_tap);
  }
  for (; channel < pass.channels; ++channel) {
    weight_tile<1, kTaps>(pass, area, area.small + channel * pass.small_channel_stride, offsets,
                          valid, pass.sums + channel * pass.taps + first_tap);
  }
}

template <class T>
void weight_rectangle(const WeightPass<T>& pass, const Rectangle<T>& area) {
  // Blocks of kTapBlock taps and, so that few are left over, of one less.
  const std::int64_t blocks = ceil_divide(pass.taps, kTapBlock);
  const std::int64_t short_blocks = std::min(blocks, blocks * kTapBlock - pass.taps);
  std::int64_t tap = 0;
  for (std::int64_t block = 0; block < blocks; ++block) {
    const int size = block < short_blocks ? kTapBlock - 1 : kTapBlock;
    const int valid = static_cast<int>(std::min<std::int64_t>(size, pass.taps - tap));
    if (valid <= 0) {
      break;
    }
    if (size == kTapBlock) {
      weight_channels<kTapBlock>(pass, area, tap, valid);
    } else {
      weight_channels<kTapBlock - 1>(pass, area, tap, valid);
    }
    tap += size;
  }
}

template <class T>
void weight_sums(const WeightPass<T>& pass) {
  constexpr std::int64_t kWidth = kLanes<T>;
  const std::int64_t vectors = pass.columns / kWidth;
  const std::int64_t column_parts = ceil_divide(vectors, kLongestPixelSum);
  const std::int64_t most_rows =
      std::max<std::int64_t>(1, kLongestPixelSum / std::max<std::int64_t>(1, vectors));
  const std::int64_t row_parts = ceil_divide(pass.rows, most_rows);
  for (std::int64_t i = 0; i < row_parts; ++i) {
    const std::int64_t y = pass.rows * i / row_parts;
    const std::int64_t end_y = pass.rows * (i + 1) / row_parts;
    for (std::int64_t j = 0; j < column_parts; ++j) {
      const std::int64_t x = vectors * j / column_parts * kWidth;
      const std::int64_t end_x = vectors * (j + 1) / column_parts * kWidth;
      weight_rectangle<T>(pass, {pass.small + y * pass.small_pitch + x,
                                 pass.large + y * pass.large_pitch + x, end_y - y, end_x - x});
    }
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace pisr::kernels::cpu
HWY_AFTER_NAMESPACE();

#endif
