#include "kernels/cpu/conv_tiles.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "kernels/cpu/highway_targets.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/conv_tiles.cpp"
#include <hwy/foreach_target.h>
// After foreach_target:
#include "kernels/cpu/vector_loops-inl.h"

// The blocks of accumulators below must live in registers, so every loop over one is unrolled.
#if defined(__clang__)
#define PISR_UNROLL _Pragma("clang loop unroll(full)")
#else
#define PISR_UNROLL _Pragma("GCC unroll 16")
#endif

HWY_BEFORE_NAMESPACE();
namespace pisr::kernels::cpu {
namespace HWY_NAMESPACE {
namespace {

// Accumulators per block: 24 of 32 vector registers, or 12 of 16.
#if HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_SSE4
constexpr int kLargestBlock = 4;
constexpr int kTapBlock = 3;
#else
constexpr int kLargestBlock = 8;
constexpr int kTapBlock = 6;
#endif
constexpr int kTileVectors = 3;
constexpr int kWeightChannels = 4;

// A sum of n products of one sign is off by about sqrt(n) / 4 roundings, so long sums are cut:
// `convolve` after so many taps, `weight_sums` after so many products in each lane.
constexpr std::int64_t kLongestTapSum = 48;
constexpr std::int64_t kLongestPixelSum = 160;

template <class T>
constexpr std::int64_t kLanes = static_cast<std::int64_t>(hn::MaxLanes(Tag<T>()));

std::int64_t ceil_divide(std::int64_t a, std::int64_t b) {
  return (a + b - 1) / b;
}

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

/// Puts what is made of one vector of each row where it belongs, the results `pitch` apart.
template <int kTaps, class T>
HWY_INLINE void store_made(const Vector<T> (&r)[kTaps + 1], T* HWY_RESTRICT out,
                           std::int64_t pitch) {
  const Tag<T> d;
  if constexpr (kTaps == 1) {
    hn::StoreU(r[0], d, out);
    hn::StoreU(r[1], d, out + pitch);
  } else if constexpr (kTaps == 2) {
    hn::StoreU(hn::Sub(r[0], r[1]), d, out);
    hn::StoreU(r[1], d, out + pitch);
    hn::StoreU(hn::Sub(r[2], r[1]), d, out + 2 * pitch);
  } else {
    hn::StoreU(hn::Sub(r[0], r[2]), d, out);
    hn::StoreU(hn::Add(r[1], r[2]), d, out + pitch);
    hn::StoreU(hn::Sub(r[2], r[1]), d, out + 2 * pitch);
    hn::StoreU(hn::Sub(r[3], r[1]), d, out + 3 * pitch);
  }
}

template <int kTaps, int kPhases, class T>
struct PairRowsMaker {
  const PairSource<T>& from;
  std::int64_t columns;
  T* HWY_RESTRICT out;
  std::int64_t phase_stride;

  T element(int row, std::int64_t at) const {
    const T* const data = from.rows[static_cast<std::size_t>(row)];
    const std::int64_t inside = std::clamp<std::int64_t>(at, 0, from.width - 1);
    return data == nullptr || (inside != at && !from.replicate) ? T{0} : data[inside];
  }

  /// The elements `at` and, of a second phase, at + 1 of all rows: to a whole vector from the
  /// column x on, or to one column.
  HWY_INLINE void spread(std::int64_t at, std::int64_t x, bool vector) const {
    const Tag<T> d;
    for (int phase = 0; phase < kPhases; ++phase) {
      Vector<T> r[kTaps + 1];
      PISR_UNROLL
      for (int i = 0; i <= kTaps; ++i) {
        r[i] = vector && !from.replicate ? hn::Zero(d) : hn::Set(d, element(i, at + phase));
      }
      T* const to = out + phase * phase_stride + x;
      if (vector) {
        store_made<kTaps>(r, to, columns);
        continue;
      }
      HWY_ALIGN T made[(kTaps + 1) * kLanes<T>];
      store_made<kTaps>(r, made, kLanes<T>);
      for (int i = 0; i <= kTaps; ++i) {
        to[i * columns] = made[i * kLanes<T>];
      }
    }
  }

  HWY_INLINE void make_vector(std::int64_t x) const {
    const Tag<T> d;
    Vector<T> first[kTaps + 1];
    Vector<T> second[kTaps + 1];
    PISR_UNROLL
    for (int i = 0; i <= kTaps; ++i) {
      first[i] = second[i] = hn::Zero(d);
      const T* const data = from.rows[static_cast<std::size_t>(i)];
      if (data == nullptr) {
        continue;
      }
      if constexpr (kPhases == 1) {
        first[i] = hn::LoadU(d, data + from.left + x);
      } else {
        hn::LoadInterleaved2(d, data + from.left + 2 * x, first[i], second[i]);
      }
    }
    store_made<kTaps>(first, out + x, columns);
    if constexpr (kPhases == 2) {
      store_made<kTaps>(second, out + phase_stride + x, columns);
    }
  }

  void make() const {
    constexpr std::int64_t kWidth = kLanes<T>;
    const auto position = [&](std::int64_t x) { return from.left + kPhases * x; };
    const std::int64_t begin =
        std::min(columns, ceil_divide(std::max<std::int64_t>(-from.left, 0), kPhases));
    const std::int64_t end = std::clamp((from.width - from.left) / kPhases, begin, columns);
    if (end - begin < kWidth) {
      for (std::int64_t x = 0; x < columns; ++x) {
        spread(position(x), x, false);
      }
      return;
    }
    // What lies outside runs over into what is written after it.
    for (std::int64_t x = 0; x < begin; x += kWidth) {
      spread(-kPhases, x, true);
    }
    for (std::int64_t x = columns - kWidth; x + kWidth > end; x -= kWidth) {
      spread(from.width, x, true);
    }
    for (std::int64_t x = begin; x + kWidth <= end; x += kWidth) {
      make_vector(x);
    }
    make_vector(end - kWidth);
    if (kPhases == 2 && begin > 0) {
      spread(position(begin - 1), begin - 1, false);
    }
    if (kPhases == 2 && end < columns) {
      spread(position(end), end, false);
    }
  }
};

template <class T>
void pair_rows(const PairSource<T>& from, int taps, int phases, std::int64_t columns, T* out,
               std::int64_t phase_stride) {
  const auto make = [&](auto tap_count) {
    constexpr int kTaps = decltype(tap_count)::value;
    if (phases == 1) {
      PairRowsMaker<kTaps, 1, T>{from, columns, out, phase_stride}.make();
    } else {
      PairRowsMaker<kTaps, 2, T>{from, columns, out, phase_stride}.make();
    }
  };
  switch (taps) {
    case 1:
      return make(std::integral_constant<int, 1>());
    case 2:
      return make(std::integral_constant<int, 2>());
    default:
      return make(std::integral_constant<int, 3>());
  }
}

template <class T>
void pair_factors(const T* first, const T* second, std::int64_t count, std::int64_t stride,
                  T* HWY_RESTRICT out) {
  const Tag<T> d;
  const auto store = [&](Vector<T> a, Vector<T> b, T* to) HWY_ATTR {
    hn::StoreU(hn::Add(a, b), d, to);
    hn::StoreU(hn::Sub(a, b), d, to + stride);
    hn::StoreU(a, d, to + 2 * stride);
    hn::StoreU(b, d, to + 3 * stride);
  };
  std::int64_t x = 0;
  for (; x + kLanes<T> <= count; x += kLanes<T>) {
    store(hn::LoadU(d, first + x), second == nullptr ? hn::Zero(d) : hn::LoadU(d, second + x),
          out + x);
  }
  if (x < count) {
    HWY_ALIGN T a[kLanes<T>] = {};
    HWY_ALIGN T b[kLanes<T>] = {};
    std::copy(first + x, first + count, a);
    if (second != nullptr) {
      std::copy(second + x, second + count, b);
    }
    store(hn::Load(d, a), hn::Load(d, b), out + x);
  }
}

/// A rectangle of at most kLongestPixelSum vectors.
template <class T>
struct Rectangle {
  const T* small;
  const T* large;
  std::int64_t rows, columns;
};

/// One block of channels times one of taps; `valid` of the taps count.
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
  // A loop of its own, in the order of memory: GCC for ARM else keeps `acc` there.
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

template <class T>
void copy_row(const PaddedRow<T>& row, std::int64_t count, T* out) {
  const Tag<T> d;
  constexpr std::int64_t kWidth = kLanes<T>;
  const std::int64_t begin = std::clamp<std::int64_t>(-row.left, 0, count);
  const std::int64_t end = std::clamp(row.width - row.left, begin, count);
  // Each part may run over into the next, which is written after it.
  const auto fill = [&](std::int64_t from, std::int64_t to, T value) HWY_ATTR {
    for (std::int64_t i = from; i < to; i += kWidth) {
      hn::StoreU(hn::Set(d, value), d, out + i);
    }
  };
  fill(0, begin, row.before);
  std::int64_t i = begin;
  for (; i + kWidth <= end; i += kWidth) {
    hn::StoreU(hn::LoadU(d, row.data + row.left + i), d, out + i);
  }
  if (i < end && end - begin >= kWidth) {
    hn::StoreU(hn::LoadU(d, row.data + row.left + end - kWidth), d, out + end - kWidth);
    i = end;
  }
  for (; i < end; ++i) {
    out[i] = row.data[row.left + i];
  }
  fill(end, count, row.after);
}

template <class T>
void split_row(const PaddedRow<T>& row, std::int64_t count, T* even, T* odd) {
  const Tag<T> d;
  const std::int64_t begin = std::min(count, ceil_divide(std::max<std::int64_t>(-row.left, 0), 2));
  const std::int64_t end = std::clamp((row.width - row.left) / 2, begin, count);
  const auto split_one = [&](std::int64_t i) {
    even[i] = row[2 * i];
    odd[i] = row[2 * i + 1];
  };
  std::int64_t i = 0;
  for (; i < begin; ++i) {
    split_one(i);
  }
  for (; i + kLanes<T> <= end; i += kLanes<T>) {
    Vector<T> a;
    Vector<T> b;
    hn::LoadInterleaved2(d, row.data + row.left + 2 * i, a, b);
    hn::StoreU(a, d, even + i);
    hn::StoreU(b, d, odd + i);
  }
  for (; i < count; ++i) {
    split_one(i);
  }
}

template <class T>
void join_pairs(const T* even, const T* odd, std::int64_t count, T* row, Store store) {
  const Tag<T> d;
  const bool add = store == Store::add;
  std::int64_t i = 0;
  for (; i + kLanes<T> <= count; i += kLanes<T>) {
    Vector<T> a = hn::LoadU(d, even + i);
    Vector<T> b = hn::LoadU(d, odd + i);
    if (add) {
      Vector<T> old_a;
      Vector<T> old_b;
      hn::LoadInterleaved2(d, row + 2 * i, old_a, old_b);
      a = hn::Add(a, old_a);
      b = hn::Add(b, old_b);
    }
    hn::StoreInterleaved2(a, b, d, row + 2 * i);
  }
  for (; i < count; ++i) {
    row[2 * i] = add ? row[2 * i] + even[i] : even[i];
    row[2 * i + 1] = add ? row[2 * i + 1] + odd[i] : odd[i];
  }
}

template <class T>
double sum(const T* x, std::int64_t count) {
  return sum_of<T>(
      count, [](Tag<T>, Vector<T> v) HWY_ATTR { return v; }, x);
}

template <class T>
constexpr ConvTiles<T> kTiles = {static_cast<int>(kLanes<T>),
                                 kLargestBlock,
                                 convolve<T>,
                                 convolve_pair<T>,
                                 pair_rows<T>,
                                 pair_factors<T>,
                                 weight_sums<T>,
                                 copy_row<T>,
                                 split_row<T>,
                                 join_pairs<T>,
                                 sum<T>};

const ConvTiles<float>* float_tiles() {
  return &kTiles<float>;
}
const ConvTiles<double>* double_tiles() {
  return &kTiles<double>;
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace pisr::kernels::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace pisr::kernels::cpu {
namespace {
HWY_EXPORT(float_tiles);
HWY_EXPORT(double_tiles);
}  // namespace

template <>
const ConvTiles<float>& conv_tiles() noexcept {
  return *HWY_DYNAMIC_DISPATCH(float_tiles)();
}

template <>
const ConvTiles<double>& conv_tiles() noexcept {
  return *HWY_DYNAMIC_DISPATCH(double_tiles)();
}

}  // namespace pisr::kernels::cpu
#endif
