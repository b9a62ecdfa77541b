// The sum over taps of conv_vector_ops.h, `convolve`, and what follows it; compiled once per
// instruction set.
#if defined(PISR_KERNELS_CPU_CONV_TAP_SUMS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef PISR_KERNELS_CPU_CONV_TAP_SUMS_INL_H_
#undef PISR_KERNELS_CPU_CONV_TAP_SUMS_INL_H_
#else
#define PISR_KERNELS_CPU_CONV_TAP_SUMS_INL_H_
#endif

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "kernels/cpu/conv/conv_vector_ops.h"
#include "kernels/cpu/conv/rounding.h"
#include "kernels/cpu/vector_loops-inl.h"

HWY_BEFORE_NAMESPACE();
namespace pisr::kernels::cpu {
namespace HWY_NAMESPACE {
namespace {

/// Channels of the largest block of accumulators, which has kTileVectors vectors of columns.
constexpr int kChannelBlock = kHas32Registers ? 8 : 4;
static_assert(kChannelBlock <= kMostBlockChannels);

/// A sum of n products of one sign is off by about sqrt(n) / 4 roundings, so longer sums are cut.
constexpr std::int64_t kLongestTapSum = 48;

/// Sums, or results, of some channels and of as many columns as `kVectors` vectors hold.
template <int kChannels, int kVectors, class T>
using Block = Vector<T>[kChannels][kVectors];

/// Calls visit(o, j, index in an array of the elements) for each vector of a block.
template <int kChannels, int kVectors, class T, class Visit>
HWY_INLINE void for_each_vector(const Visit& visit) {
  PISR_UNROLL
  for (int o = 0; o < kChannels; ++o) {
    PISR_UNROLL
    for (int j = 0; j < kVectors; ++j) {
      visit(o, j, (o * kVectors + j) * kLanes<T>);
    }
  }
}

template <ActivationKind kKind, class T>
HWY_INLINE Vector<T> activate(Vector<T> x, Vector<T> slope) {
  const Tag<T> d;
  if constexpr (kKind == ActivationKind::relu) {
    return hn::IfThenZeroElse(hn::Lt(x, hn::Zero(d)), x);
  } else if constexpr (kKind == ActivationKind::prelu) {
    return hn::IfThenElse(hn::Gt(x, hn::Zero(d)), x, hn::Mul(slope, x));
  } else {
    return x;
  }
}

/// In place of biases and slopes where there are none.
template <class T>
constexpr std::array<T, kChannelBlock> kZeros{};

/// Where a block of results goes: to the channels from `first` on, each `out` elements behind
/// ConvolvePass::out; only the first `columns` of its columns are results.
struct BlockPlace {
  std::int64_t first, out, columns;
};

/// The epilogue: makes results of a block of sums and stores them. It copies what it needs of the
/// pass, because for all the compiler knows a stored vector may overwrite the pass itself.
template <int kChannels, int kVectors, bool kAdds, class T>
struct StoreResults {
  StoreResults(const ConvolvePass<T>& pass, const BlockPlace& place, const T* added = nullptr)
      : first_sums(added),
        bias(pass.bias == nullptr ? kZeros<T>.data() : pass.bias + place.first),
        slopes(pass.slopes == nullptr ? kZeros<T>.data() : pass.slopes + place.first),
        out(pass.out + place.out + place.first * pass.out_channel_stride),
        before(pass.before == nullptr
                   ? nullptr
                   : pass.before + place.out + place.first * pass.out_channel_stride),
        channel_stride(pass.out_channel_stride),
        columns(place.columns),
        activation(pass.activation),
        add(pass.store == Store::add) {}

  HWY_INLINE void operator()(const Block<kChannels, kVectors, T>& sums) const {
    if (columns >= kVectors * kLanes<T> && before == nullptr && !add) {
      switch (activation) {
        case ActivationKind::none:
          return store_all<ActivationKind::none>(sums);
        case ActivationKind::relu:
          return store_all<ActivationKind::relu>(sums);
        case ActivationKind::prelu:
          return store_all<ActivationKind::prelu>(sums);
      }
    }
    HWY_ALIGN T results[kChannels * kVectors * kLanes<T>];
    for_each_result(sums, [&](Vector<T> y, int o, int j) HWY_ATTR {
      hn::Store(y, Tag<T>(), results + (o * kVectors + j) * kLanes<T>);
    });
    store_some(results);
  }

  /// Calls use(y, o, j) for each vector y of sums with the bias added.
  template <class Use>
  HWY_INLINE void for_each_result(const Block<kChannels, kVectors, T>& sums, const Use& use) const {
    const Tag<T> d;
    PISR_UNROLL
    for (int o = 0; o < kChannels; ++o) {
      const Vector<T> start = hn::Set(d, bias[o]);
      PISR_UNROLL
      for (int j = 0; j < kVectors; ++j) {
        Vector<T> y = sums[o][j];
        if constexpr (kAdds) {
          y = hn::Add(y, hn::Load(d, first_sums + (o * kVectors + j) * kLanes<T>));
        }
        use(hn::Add(y, start), o, j);
      }
    }
  }

  /// Most blocks: whole vectors, which are written and not added, and no `before`.
  template <ActivationKind kKind>
  HWY_INLINE void store_all(const Block<kChannels, kVectors, T>& sums) const {
    const Tag<T> d;
    for_each_result(sums, [&](Vector<T> y, int o, int j) HWY_ATTR {
      hn::StoreU(activate<kKind, T>(y, hn::Set(d, slopes[o])), d,
                 out + o * channel_stride + j * kLanes<T>);
    });
  }

  /// All other blocks.
  HWY_NOINLINE void store_some(T* results) const {
    for (int o = 0; o < kChannels; ++o, results += kVectors * kLanes<T>) {
      T* const row = out + o * channel_stride;
      if (before != nullptr) {
        store_row(results, before + o * channel_stride);
      }
      for (int j = 0; j < kVectors; ++j) {
        activate_vector(slopes[o], results + j * kLanes<T>);
      }
      store_row(results, row);
    }
  }

  void store_row(const T* results, T* to) const {
    const Tag<T> d;
    const std::int64_t count = std::min(columns, kVectors * kLanes<T>);
    std::int64_t x = 0;
    for (; x + kLanes<T> <= count; x += kLanes<T>) {
      const Vector<T> y = hn::Load(d, results + x);
      hn::StoreU(add ? hn::Add(y, hn::LoadU(d, to + x)) : y, d, to + x);
    }
    for (; x < count; ++x) {
      to[x] = add ? to[x] + results[x] : results[x];
    }
  }

  void activate_vector(T slope, T* x) const {
    const Tag<T> d;
    const Vector<T> values = hn::Load(d, x);
    if (activation == ActivationKind::relu) {
      hn::Store(activate<ActivationKind::relu, T>(values, hn::Zero(d)), d, x);
    } else if (activation == ActivationKind::prelu) {
      hn::Store(activate<ActivationKind::prelu, T>(values, hn::Set(d, slope)), d, x);
    }
  }

  const T* first_sums;  ///< where kAdds: a block of sums to be added
  const T* bias;
  const T* slopes;
  T* out;
  T* before;  ///< may be null
  std::int64_t channel_stride, columns;
  ActivationKind activation;
  bool add;
};

/// Stores a block of sums for later.
template <int kChannels, int kVectors, class T>
struct KeepSums {
  T* HWY_RESTRICT sums;

  HWY_INLINE void operator()(const Block<kChannels, kVectors, T>& from) const {
    for_each_vector<kChannels, kVectors, T>([&](int o, int j, std::int64_t at) HWY_ATTR {
      hn::Store(from[o][j], Tag<T>(), sums + at);
    });
  }
};

/// Taps [first, past) of a pass.
struct TapRange {
  std::int64_t first, past;
};

/// acc = sum over the taps; `weights` are those of the first tap
template <int kChannels, int kVectors, class T>
HWY_INLINE void sum_part(const ConvolvePass<T>& pass, const T* HWY_RESTRICT input,
                         const T* HWY_RESTRICT weights, TapRange taps,
                         Block<kChannels, kVectors, T>& acc) {
  const Tag<T> d;
  PISR_UNROLL
  for (int o = 0; o < kChannels; ++o) {
    PISR_UNROLL
    for (int j = 0; j < kVectors; ++j) {
      acc[o][j] = hn::Zero(d);
    }
  }
  for (std::int64_t tap = taps.first; tap < taps.past; ++tap, weights += kChannels) {
    const T* HWY_RESTRICT from = input + pass.offsets[tap];
    Vector<T> x[kVectors];
    PISR_UNROLL
    for (int j = 0; j < kVectors; ++j) {
      x[j] = hn::LoadU(d, from + j * kLanes<T>);
    }
    PISR_UNROLL
    for (int o = 0; o < kChannels; ++o) {
      const Vector<T> weight = hn::Set(d, weights[o]);
      PISR_UNROLL
      for (int j = 0; j < kVectors; ++j) {
        acc[o][j] = hn::MulAdd(weight, x[j], acc[o][j]);
      }
    }
  }
}

/// acc += sums
template <int kChannels, int kVectors, class T>
HWY_INLINE void add_sums(const T* HWY_RESTRICT sums, Block<kChannels, kVectors, T>& acc) {
  for_each_vector<kChannels, kVectors, T>([&](int o, int j, std::int64_t at) HWY_ATTR {
    acc[o][j] = hn::Add(acc[o][j], hn::Load(Tag<T>(), sums + at));
  });
}

/// Calls finish(block of sums over the taps). More than `longest` taps are cut into parts, whose
/// sums are added up in `sums`. Not inlined: of several such loops in one function GCC does not
/// keep all accumulators in registers. `finish` is copied after the loop, because the vectors that
/// copy what was written just before would wait until it has left the store buffer.
template <int kChannels, int kVectors, class T, class Finish>
HWY_NOINLINE void sum_taps(const ConvolvePass<T>& pass, const T* HWY_RESTRICT input,
                           const T* HWY_RESTRICT weights, TapRange taps, std::int64_t longest,
                           T* HWY_RESTRICT sums, const Finish& finish) {
  const std::int64_t count = taps.past - taps.first;
  const std::int64_t parts = ceil_divide(count, longest);
  Block<kChannels, kVectors, T> acc;
  TapRange part{taps.first, taps.first + (parts > 1 ? count / parts : count)};
  sum_part<kChannels, kVectors>(pass, input, weights + part.first * kChannels, part, acc);
  for (std::int64_t i = 1; i < parts; ++i) {
    KeepSums<kChannels, kVectors, T>{sums}(acc);
    part = {part.past, taps.first + count * (i + 1) / parts};
    sum_part<kChannels, kVectors>(pass, input, weights + part.first * kChannels, part, acc);
    add_sums<kChannels, kVectors>(sums, acc);
  }
  const Finish copied = finish;
  copied(acc);
}

/// A block of results of one row.
struct RowTile {
  template <int kChannels, int kVectors, class T>
  HWY_INLINE void compute(const ConvolvePass<T>& pass, const T* input, const T* weights,
                          const BlockPlace& place) const {
    HWY_ALIGN T sums[kLanes<T> * kChannels * kVectors];
    sum_taps<kChannels, kVectors>(pass, input, weights, {0, pass.taps}, kLongestTapSum, sums,
                                  StoreResults<kChannels, kVectors, false, T>(pass, place));
  }
};

/// Results of a row: all columns of a strip, for a block of channels. Tile is RowTile, or its
/// counterpart of winograd-inl.h.
template <int kChannels, class T, class Tile>
HWY_INLINE void convolve_columns(const ConvolvePass<T>& pass, const Tile& tile, const T* input,
                                 const T* weights, const BlockPlace& strip) {
  static_assert(kTileVectors == 3, "the last tile of a strip has 1 or 2 vectors");
  constexpr std::int64_t kWidth = kLanes<T>;
  for (std::int64_t x = 0; x < strip.columns; x += kTileVectors * kWidth) {
    const BlockPlace place{strip.first, strip.out + x, strip.columns - x};
    if (place.columns > 2 * kWidth) {
      tile.template compute<kChannels, 3>(pass, input + x, weights, place);
    } else if (place.columns > kWidth) {
      tile.template compute<kChannels, 2>(pass, input + x, weights, place);
    } else {
      tile.template compute<kChannels, 1>(pass, input + x, weights, place);
    }
  }
}

/// The same for all channels; the first results go `out` elements behind ConvolvePass::out.
template <class T, class Tile>
HWY_INLINE void convolve_strip(const ConvolvePass<T>& pass, const Tile& tile, const T* input,
                               std::int64_t out, std::int64_t columns) {
  const T* weights = pass.weights;
  BlockPlace strip{0, out, columns};
  while (strip.first < pass.channels) {
    const int block = block_channels(pass.channels - strip.first, kChannelBlock);
    if (block == kChannelBlock) {
      convolve_columns<kChannelBlock>(pass, tile, input, weights, strip);
    } else if (block == 4) {
      convolve_columns<4>(pass, tile, input, weights, strip);
    } else {
      convolve_columns<1>(pass, tile, input, weights, strip);
    }
    weights += block * pass.taps;
    strip.first += block;
  }
}

/// Where a row reads little, all columns of a block of channels are computed before the next block,
/// so that results are written in sequence. Otherwise all channels of a few columns are computed
/// before the next columns, so that what they read stays in the first-level cache.
template <class T, class Tile>
HWY_INLINE void convolve_row(const ConvolvePass<T>& pass, const Tile& tile, const T* input,
                             std::int64_t out) {
  constexpr std::int64_t kFewProducts = 32768;
  const std::int64_t strip =
      pass.taps * pass.columns <= kFewProducts ? pass.columns : kTileVectors * kLanes<T>;
  for (std::int64_t x = 0; x < pass.columns; x += strip) {
    convolve_strip(pass, tile, input + x, out + x, std::min(strip, pass.columns - x));
  }
}

template <class T>
void convolve(const ConvolvePass<T>& pass) {
  for (std::int64_t y = 0; y < pass.rows; ++y) {
    convolve_row(pass, RowTile{}, pass.input + y * pass.input_pitch, y * pass.out_pitch);
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace pisr::kernels::cpu
HWY_AFTER_NAMESPACE();

#endif
