// The sums over taps of conv_tiles.h, `convolve` and `convolve_pair`, and what follows them;
// compiled once per instruction set.
#if defined(PISR_KERNELS_CPU_CONV_TAPS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef PISR_KERNELS_CPU_CONV_TAPS_INL_H_
#undef PISR_KERNELS_CPU_CONV_TAPS_INL_H_
#else
#define PISR_KERNELS_CPU_CONV_TAPS_INL_H_
#endif

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "kernels/cpu/conv/conv_tiles.h"
#include "kernels/cpu/vector_loops-inl.h"

HWY_BEFORE_NAMESPACE();
namespace pisr::kernels::cpu {
namespace HWY_NAMESPACE {
namespace {

constexpr int kLargestBlock = kHas32Registers ? 8 : 4;
constexpr int kTileVectors = 3;

// A sum of n products of one sign is off by about sqrt(n) / 4 roundings, so long sums are cut.
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
constexpr std::array<T, kLargestBlock> kZeros{};

/// Where a block of results goes: channels from `first` on, the first `columns` of each at `out`
/// elements from the first of the row.
struct BlockPlace {
  std::int64_t first, out, columns;
};

/// What a block of sums over taps is used for: results. It holds copies, as vectors that are stored
/// might otherwise change what it refers to.
template <int kChannels, int kVectors, bool kAdds, class T>
struct StoreResults {
  StoreResults(const ConvolvePass<T>& pass, const BlockPlace& place, const T* added = nullptr)
      : first_sums(added),
        bias(pass.bias == nullptr ? kZeros<T>.data() : pass.bias + place.first),
        slopes(pass.slopes == nullptr ? kZeros<T>.data() : pass.slopes + place.first),
        out(pass.out + place.out + place.first * pass.out_channel_stride),
        before_from_out(pass.before == nullptr ? 0 : pass.before - pass.out),
        channel_stride(pass.out_channel_stride),
        columns(place.columns),
        activation(pass.activation),
        add(pass.store == Store::add) {}

  HWY_INLINE void operator()(const Block<kChannels, kVectors, T>& sums) const {
    if (columns >= kVectors * kLanes<T> && before_from_out == 0 && !add) {
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

  /// Calls use(sum with all that is added to it, o, j) for each vector.
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

  /// What most blocks need: whole vectors, and nothing but them.
  template <ActivationKind kKind>
  HWY_INLINE void store_all(const Block<kChannels, kVectors, T>& sums) const {
    const Tag<T> d;
    for_each_result(sums, [&](Vector<T> y, int o, int j) HWY_ATTR {
      hn::StoreU(activate<kKind, T>(y, hn::Set(d, slopes[o])), d,
                 out + o * channel_stride + j * kLanes<T>);
    });
  }

  /// Everything else: a part of the block, `before`, results to be added.
  HWY_NOINLINE void store_some(T* results) const {
    for (int o = 0; o < kChannels; ++o, results += kVectors * kLanes<T>) {
      T* const row = out + o * channel_stride;
      if (before_from_out != 0) {
        store_row(results, row + before_from_out);
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
    const Vector<T> before = hn::Load(d, x);
    if (activation == ActivationKind::relu) {
      hn::Store(activate<ActivationKind::relu, T>(before, hn::Zero(d)), d, x);
    } else if (activation == ActivationKind::prelu) {
      hn::Store(activate<ActivationKind::prelu, T>(before, hn::Set(d, slope)), d, x);
    }
  }

  const T* first_sums;  ///< of the block, added to those given where kAdds
  const T* bias;
  const T* slopes;
  T* out;
  std::ptrdiff_t before_from_out;
  std::int64_t channel_stride, columns;
  ActivationKind activation;
  bool add;
};

template <int kChannels, int kVectors, class T>
struct KeepSums {
  T* HWY_RESTRICT sums;

  HWY_INLINE void operator()(const Block<kChannels, kVectors, T>& from) const {
    for_each_vector<kChannels, kVectors, T>([&](int o, int j, std::int64_t at) HWY_ATTR {
      hn::Store(from[o][j], Tag<T>(), sums + at);
    });
  }
};

/// Of the sums m that are in `upper` and these sums d: m + d to `upper` and m - d to `lower`.
template <int kChannels, int kVectors, class T>
struct SplitSums {
  T* upper;
  T* lower;

  HWY_INLINE void operator()(const Block<kChannels, kVectors, T>& sums) const {
    const Tag<T> d;
    for_each_vector<kChannels, kVectors, T>([&](int o, int j, std::int64_t at) HWY_ATTR {
      const Vector<T> both = hn::Load(d, upper + at);
      hn::Store(hn::Add(both, sums[o][j]), d, upper + at);
      hn::Store(hn::Sub(both, sums[o][j]), d, lower + at);
    });
  }
};

/// Taps [first, past) of a pass.
struct TapRange {
  std::int64_t first, past;
};

/// acc = sum over the taps, `weights` being those of the first one
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

/// Calls finish(sums over the taps of a block). Parts of at most `longest` taps are summed apart,
/// their sums being kept in `sums`. Not inlined: several of these loops in one function are too
/// many for GCC to keep the accumulators of all in registers.
template <int kChannels, int kVectors, class T, class Finish>
HWY_NOINLINE void sum_taps(const ConvolvePass<T>& pass, const T* HWY_RESTRICT input,
                           const T* HWY_RESTRICT weights, TapRange taps, std::int64_t longest,
                           T* HWY_RESTRICT sums, Finish finish) {
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
  finish(acc);
}

/// One row.
struct RowTile {
  template <int kChannels, int kVectors, class T>
  HWY_INLINE void compute(const ConvolvePass<T>& pass, const T* input, const T* weights,
                          const BlockPlace& place) const {
    HWY_ALIGN T sums[kLanes<T> * kChannels * kVectors];
    sum_taps<kChannels, kVectors>(pass, input, weights, {0, pass.taps}, kLongestTapSum, sums,
                                  StoreResults<kChannels, kVectors, false, T>(pass, place));
  }
};

/// The taps to be summed at once of the first part of a pair, whose products are larger than those
/// of the other parts and often of one sign: sums as long as leave few sums of sums.
inline std::int64_t longest_first_sum(std::int64_t taps) {
  return taps <= 72 ? 12 : taps <= 240 ? 20 : kLongestTapSum;
}

/// Two rows, of which those wanted are stored.
struct PairTile {
  PairChoice wanted;

  template <int kChannels, int kVectors, class T>
  HWY_INLINE void compute(const ConvolvePass<T>& pass, const T* input, const T* weights,
                          const BlockPlace& place) const {
    HWY_ALIGN T sums[kLanes<T> * kChannels * kVectors];
    HWY_ALIGN T upper[kLanes<T> * kChannels * kVectors];
    HWY_ALIGN T lower[kLanes<T> * kChannels * kVectors];
    TapRange taps{0, 0};
    const auto sum_part = [&](std::size_t part, std::int64_t longest, const auto& finish) {
      taps = {taps.past, taps.past + pass.part_taps[part]};
      sum_taps<kChannels, kVectors>(pass, input, weights, taps, longest, sums, finish);
    };
    sum_part(0, longest_first_sum(pass.part_taps[0]), KeepSums<kChannels, kVectors, T>{upper});
    sum_part(1, kLongestTapSum, SplitSums<kChannels, kVectors, T>{upper, lower});
    if (wanted.first) {
      sum_part(2, kLongestTapSum, StoreResults<kChannels, kVectors, true, T>(pass, place, upper));
    } else {
      taps.past += pass.part_taps[2];
    }
    if (wanted.second) {
      const BlockPlace next_row{place.first, place.out + pass.out_pitch, place.columns};
      sum_part(3, kLongestTapSum,
               StoreResults<kChannels, kVectors, true, T>(pass, next_row, lower));
    }
  }
};

/// A strip of results of a row, for a block of channels.
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

/// The same for all channels; the first results go `out` elements from the first of the pass.
template <class T, class Tile>
HWY_INLINE void convolve_strip(const ConvolvePass<T>& pass, const Tile& tile, const T* input,
                               std::int64_t out, std::int64_t columns) {
  const T* weights = pass.weights;
  BlockPlace strip{0, out, columns};
  while (strip.first < pass.channels) {
    const int block = channel_block(pass.channels - strip.first, kLargestBlock);
    if (block == kLargestBlock) {
      convolve_columns<kLargestBlock>(pass, tile, input, weights, strip);
    } else if (block == 4) {
      convolve_columns<4>(pass, tile, input, weights, strip);
    } else {
      convolve_columns<1>(pass, tile, input, weights, strip);
    }
    weights += block * pass.taps;
    strip.first += block;
  }
}

/// Where few elements are read, all columns of some channels come before the next channels, so that
/// results are written in sequence; else all channels of some columns come first, so that what they
/// read stays in the first-level cache.
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

template <class T>
void convolve_pair(const ConvolvePass<T>& pass, PairChoice wanted) {
  convolve_row(pass, PairTile{wanted}, pass.input, 0);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace pisr::kernels::cpu
HWY_AFTER_NAMESPACE();

#endif
