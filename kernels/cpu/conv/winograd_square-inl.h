// F(2 x 2, 3 x 3) of winograd.h on vectors; compiled once per instruction set.
#if defined(PISR_KERNELS_CPU_CONV_WINOGRAD_SQUARE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef PISR_KERNELS_CPU_CONV_WINOGRAD_SQUARE_INL_H_
#undef PISR_KERNELS_CPU_CONV_WINOGRAD_SQUARE_INL_H_
#else
#define PISR_KERNELS_CPU_CONV_WINOGRAD_SQUARE_INL_H_
#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "kernels/cpu/conv/conv_vector_ops.h"
#include "kernels/cpu/conv/rounding.h"
#include "kernels/cpu/conv/tap_sums-inl.h"
#include "kernels/cpu/vector_loops-inl.h"

HWY_BEFORE_NAMESPACE();
namespace pisr::kernels::cpu {
namespace HWY_NAMESPACE {
namespace {

/// v_component of F(2,3) for each component, from d0 to d3.
template <class V>
HWY_INLINE void transform_four(const V (&d)[4], V (&v)[kWinogradComponents]) {
  v[0] = hn::Add(d[1], d[2]);
  v[1] = hn::Sub(d[2], d[1]);
  v[2] = hn::Sub(d[0], d[2]);
  v[3] = hn::Sub(d[3], d[1]);
}

/// The input transform of one vector of pairs. Column i of a pair is d[row][i]; the component that
/// is `down` along the height and `across` along the width goes to
/// out[(4 down + across) component_stride].
template <class T>
HWY_INLINE void transform_pairs(const Vector<T> (&d)[4][4], std::int64_t component_stride,
                                T* HWY_RESTRICT out) {
  Vector<T> down[4][kWinogradComponents];  // by column
  PISR_UNROLL
  for (int column = 0; column < 4; ++column) {
    const Vector<T> of_column[4] = {d[0][column], d[1][column], d[2][column], d[3][column]};
    transform_four(of_column, down[column]);
  }
  PISR_UNROLL
  for (int component = 0; component < kWinogradComponents; ++component) {
    const Vector<T> of_row[4] = {down[0][component], down[1][component], down[2][component],
                                 down[3][component]};
    Vector<T> across[kWinogradComponents];
    transform_four(of_row, across);
    PISR_UNROLL
    for (int i = 0; i < kWinogradComponents; ++i) {
      hn::StoreU(across[i], Tag<T>(),
                 out + (component * kWinogradComponents + i) * component_stride);
    }
  }
}

/// Elements [first, first + count) of a row, which may be outside; all are 0 of a row that is null.
template <class T>
void copy_padded(const WinogradInputRows<T>& from, const T* data, std::int64_t first,
                 std::int64_t count, T* out) {
  if (data == nullptr) {
    std::fill_n(out, count, T{0});
    return;
  }
  const std::int64_t begin = std::clamp<std::int64_t>(-first, 0, count);
  const std::int64_t end = std::clamp<std::int64_t>(from.width - first, begin, count);
  std::fill_n(out, begin, from.replicate ? data[0] : T{0});
  std::copy(data + first + begin, data + first + end, out + begin);
  std::fill(out + end, out + count, from.replicate ? data[from.width - 1] : T{0});
}

template <class T>
void winograd_square_transform(const WinogradInputRows<T>& from, std::int64_t pairs, T* out,
                               std::int64_t component_stride) {
  const Tag<T> d;
  for (std::int64_t pair = 0; pair < pairs; pair += kLanes<T>) {
    const std::int64_t first = from.left + 2 * pair;
    constexpr std::int64_t kRead = 2 * kLanes<T> + 2;  // elements of a row
    const bool inside = first >= 0 && first + kRead <= from.width;
    Vector<T> v[4][4];
    PISR_UNROLL
    for (int i = 0; i < 4; ++i) {
      const T* const data = from.rows[static_cast<std::size_t>(i)];
      HWY_ALIGN T copy[kRead + kLanes<T>];
      const T* row = data + first;
      if (data == nullptr || !inside) {
        copy_padded(from, data, first, kRead, copy);
        row = copy;
      }
      hn::LoadInterleaved2(d, row, v[i][0], v[i][1]);
      hn::LoadInterleaved2(d, row + 2, v[i][2], v[i][3]);
    }
    transform_pairs(v, component_stride, out + pair);
  }
}

/// Blocks of results of two rows, in memory: those of the even and those of the odd columns.
template <int kChannels, int kVectors, class T>
struct SquareSums {
  static constexpr std::int64_t kCount = kLanes<T> * kChannels * kVectors;
  HWY_ALIGN T of[2][2][kCount];  ///< by row and by column of a pair
};

/// Takes the block of sums m0, m1, m2, m3 of the width, one after the other, of a component of the
/// height, and adds what they make to the results.
template <int kChannels, int kVectors, class T>
struct SquareOutputTransform {
  int down, across;  ///< the components
  T* HWY_RESTRICT even;
  T* HWY_RESTRICT odd;  ///< with `even`: m0 + m1 and m0 - m1
  SquareSums<kChannels, kVectors, T>& results;

  HWY_INLINE void operator()(const Block<kChannels, kVectors, T>& m) const {
    const Tag<T> d;
    const auto for_each = [](const auto& visit)
                              HWY_ATTR { for_each_vector<kChannels, kVectors, T>(visit); };
    if (across == 0) {
      for_each([&](int o, int j, std::int64_t at) HWY_ATTR { hn::Store(m[o][j], d, even + at); });
      return;
    }
    if (across == 1) {
      for_each([&](int o, int j, std::int64_t at) HWY_ATTR {
        const Vector<T> m0 = hn::Load(d, even + at);
        hn::Store(hn::Add(m0, m[o][j]), d, even + at);
        hn::Store(hn::Sub(m0, m[o][j]), d, odd + at);
      });
      return;
    }
    // The same steps along the height.
    const int column = across - 2;
    const T* HWY_RESTRICT sums = column == 0 ? even : odd;
    T* HWY_RESTRICT upper = results.of[0][column];
    T* HWY_RESTRICT lower = results.of[1][column];
    if (down == 0) {
      for_each([&](int o, int j, std::int64_t at) HWY_ATTR {
        hn::Store(hn::Add(hn::Load(d, sums + at), m[o][j]), d, upper + at);
      });
    } else if (down == 1) {
      for_each([&](int o, int j, std::int64_t at) HWY_ATTR {
        const Vector<T> y = hn::Add(hn::Load(d, sums + at), m[o][j]);
        const Vector<T> y0 = hn::Load(d, upper + at);
        hn::Store(hn::Add(y0, y), d, upper + at);
        hn::Store(hn::Sub(y0, y), d, lower + at);
      });
    } else {
      T* HWY_RESTRICT row = down == 2 ? upper : lower;
      for_each([&](int o, int j, std::int64_t at) HWY_ATTR {
        const Vector<T> y = hn::Add(hn::Load(d, sums + at), m[o][j]);
        hn::Store(hn::Add(hn::Load(d, row + at), y), d, row + at);
      });
    }
  }
};

/// Which columns of a block are stored: from 1 on where its first pair begins before its tile.
struct StoredColumns {
  std::int64_t first, past;
};

/// The epilogue of a row of a block: bias, activation, and even and odd columns side by side.
template <int kChannels, int kVectors, class T>
HWY_NOINLINE void store_pairs(const ConvolvePass<T>& pass, std::int64_t first_channel,
                              const T* even, const T* odd, std::int64_t out,
                              const StoredColumns& columns) {
  constexpr std::int64_t kWidth = 2 * kVectors * kLanes<T>;
  const Tag<T> d;
  const bool whole = columns.first == 0 && columns.past >= kWidth && pass.before == nullptr &&
                     pass.store == Store::write;
  for (int o = 0; o < kChannels; ++o) {
    const std::int64_t channel = first_channel + o;
    const Vector<T> bias = hn::Set(d, pass.bias == nullptr ? T{0} : pass.bias[channel]);
    const Vector<T> slope = hn::Set(d, pass.slopes == nullptr ? T{0} : pass.slopes[channel]);
    HWY_ALIGN T before[kWidth];
    HWY_ALIGN T after[kWidth];
    const std::int64_t at = out + channel * pass.out_channel_stride;
    PISR_UNROLL
    for (int j = 0; j < kVectors; ++j) {
      const std::int64_t from = (o * kVectors + j) * kLanes<T>;
      const Vector<T> y[2] = {hn::Add(hn::Load(d, even + from), bias),
                              hn::Add(hn::Load(d, odd + from), bias)};
      const auto activated = [&](Vector<T> x) HWY_ATTR {
        return pass.activation == ActivationKind::relu ? activate<ActivationKind::relu, T>(x, slope)
               : pass.activation == ActivationKind::prelu
                   ? activate<ActivationKind::prelu, T>(x, slope)
                   : x;
      };
      const std::int64_t to = 2 * j * kLanes<T>;
      hn::StoreInterleaved2(activated(y[0]), activated(y[1]), d,
                            whole ? pass.out + at + to : after + to);
      if (pass.before != nullptr) {
        hn::StoreInterleaved2(y[0], y[1], d, before + to);
      }
    }
    if (whole) {
      continue;
    }
    for (std::int64_t x = columns.first; x < std::min(columns.past, kWidth); ++x) {
      if (pass.before != nullptr) {
        T& to = pass.before[at + x];
        to = pass.store == Store::add ? to + before[x] : before[x];
      }
      T& to = pass.out[at + x];
      to = pass.store == Store::add ? to + after[x] : after[x];
    }
  }
}

/// How many taps of a component are summed before the sum is added to the rest: the sums of
/// neighbours, which component 0 is made of, are the largest.
inline std::int64_t longest_sum_of(int down, int across) {
  return down == 0 || across == 0 ? 32 : kLongestTapSum;
}

/// A block of results of two rows and of pairs of columns, of which those wanted are stored. The
/// columns of a BlockPlace are pairs here.
struct SquareTile {
  WantedRows wanted;
  StoredColumns columns;  ///< of the whole row

  template <int kChannels, int kVectors, class T>
  HWY_INLINE void compute(const ConvolvePass<T>& pass, const T* input, const T* weights,
                          const BlockPlace& place) const {
    HWY_ALIGN T sums[kLanes<T> * kChannels * kVectors];
    HWY_ALIGN T even[kLanes<T> * kChannels * kVectors];
    HWY_ALIGN T odd[kLanes<T> * kChannels * kVectors];
    SquareSums<kChannels, kVectors, T> results;
    const std::int64_t taps = pass.taps / (kWinogradComponents * kWinogradComponents);
    for (int down = 0; down < kWinogradComponents; ++down) {
      if ((down == 2 && !wanted.upper) || (down == 3 && !wanted.lower)) {
        continue;
      }
      for (int across = 0; across < kWinogradComponents; ++across) {
        const std::int64_t first = (down * kWinogradComponents + across) * taps;
        sum_taps<kChannels, kVectors>(
            pass, input, weights, TapRange{first, first + taps}, longest_sum_of(down, across), sums,
            SquareOutputTransform<kChannels, kVectors, T>{down, across, even, odd, results});
      }
    }
    const std::int64_t at = 2 * place.out;
    const StoredColumns stored{at == 0 ? columns.first : 0, columns.past - at};
    for (int row = 0; row < 2; ++row) {
      if (row == 0 ? wanted.upper : wanted.lower) {
        store_pairs<kChannels, kVectors>(pass, place.first, results.of[row][0], results.of[row][1],
                                         at + row * pass.out_pitch, stored);
      }
    }
  }
};

template <class T>
void winograd_square_convolve(const ConvolvePass<T>& pass, WantedRows wanted, bool skips_first) {
  ConvolvePass<T> pairs = pass;
  pairs.columns = ceil_divide(pass.columns, 2);
  convolve_row(pairs, SquareTile{wanted, {skips_first ? 1 : 0, pass.columns}}, pass.input, 0);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace pisr::kernels::cpu
HWY_AFTER_NAMESPACE();

#endif
