// The transforms of winograd.h on vectors, `WinogradOps`; compiled once per instruction set.
#if defined(PISR_KERNELS_CPU_CONV_WINOGRAD_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef PISR_KERNELS_CPU_CONV_WINOGRAD_INL_H_
#undef PISR_KERNELS_CPU_CONV_WINOGRAD_INL_H_
#else
#define PISR_KERNELS_CPU_CONV_WINOGRAD_INL_H_
#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "kernels/cpu/conv/conv_vector_ops.h"
#include "kernels/cpu/conv/rounding.h"
#include "kernels/cpu/conv/tap_sums-inl.h"
#include "kernels/cpu/vector_loops-inl.h"

HWY_BEFORE_NAMESPACE();
namespace pisr::kernels::cpu {
namespace HWY_NAMESPACE {
namespace {

/// The input transform of F(2, kTaps) of one vector of each row; the results lie `pitch` apart, in
/// the order of transformed_row().
template <int kTaps, class T>
HWY_INLINE void transform_vector(const Vector<T> (&row)[kTaps + 1], T* HWY_RESTRICT out,
                                 std::int64_t pitch) {
  const Tag<T> d;
  if constexpr (kTaps == 1) {
    hn::StoreU(row[0], d, out);
    hn::StoreU(row[1], d, out + pitch);
  } else if constexpr (kTaps == 2) {
    hn::StoreU(hn::Sub(row[0], row[1]), d, out);
    hn::StoreU(row[1], d, out + pitch);
    hn::StoreU(hn::Sub(row[2], row[1]), d, out + 2 * pitch);
  } else {
    hn::StoreU(hn::Sub(row[0], row[2]), d, out);
    hn::StoreU(hn::Add(row[1], row[2]), d, out + pitch);
    hn::StoreU(hn::Sub(row[2], row[1]), d, out + 2 * pitch);
    hn::StoreU(hn::Sub(row[3], row[1]), d, out + 3 * pitch);
  }
}

/// The input transform of F(2, kTaps) of whole rows, of each of kResidues residues of the columns.
template <int kTaps, int kResidues, class T>
struct RowTransform {
  const WinogradInputRows<T>& from;
  std::int64_t columns;
  T* HWY_RESTRICT out;
  std::int64_t residue_stride;

  T element(int row, std::int64_t at) const {
    const T* const data = from.rows[static_cast<std::size_t>(row)];
    const std::int64_t inside = std::clamp<std::int64_t>(at, 0, from.width - 1);
    return data == nullptr || (inside != at && !from.replicate) ? T{0} : data[inside];
  }

  /// Transforms the element `at` of all rows and, for a second residue, the element at + 1. The
  /// result goes to the column x: to that alone, or to the whole vector that begins there.
  HWY_INLINE void transform_element(std::int64_t at, std::int64_t x, bool whole_vector) const {
    const Tag<T> d;
    for (int residue = 0; residue < kResidues; ++residue) {
      Vector<T> row[kTaps + 1];
      PISR_UNROLL
      for (int i = 0; i <= kTaps; ++i) {
        row[i] =
            whole_vector && !from.replicate ? hn::Zero(d) : hn::Set(d, element(i, at + residue));
      }
      T* const to = out + residue * residue_stride + x;
      if (whole_vector) {
        transform_vector<kTaps>(row, to, columns);
        continue;
      }
      HWY_ALIGN T transformed[(kTaps + 1) * kLanes<T>];
      transform_vector<kTaps>(row, transformed, kLanes<T>);
      for (int i = 0; i <= kTaps; ++i) {
        to[i * columns] = transformed[i * kLanes<T>];
      }
    }
  }

  /// Transforms what the vector of columns from x on reads; all of it is inside.
  HWY_INLINE void transform_inside(std::int64_t x) const {
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
      if constexpr (kResidues == 1) {
        first[i] = hn::LoadU(d, data + (from.left + x));
      } else {
        hn::LoadInterleaved2(d, data + (from.left + 2 * x), first[i], second[i]);
      }
    }
    transform_vector<kTaps>(first, out + x, columns);
    if constexpr (kResidues == 2) {
      transform_vector<kTaps>(second, out + residue_stride + x, columns);
    }
  }

  void run() const {
    constexpr std::int64_t kWidth = kLanes<T>;
    const auto position = [&](std::int64_t x) { return from.left + kResidues * x; };
    // The columns all of whose elements are inside.
    const std::int64_t begin =
        std::min(columns, ceil_divide(std::max<std::int64_t>(-from.left, 0), kResidues));
    const std::int64_t end = std::clamp((from.width - from.left) / kResidues, begin, columns);
    if (end - begin < kWidth) {
      for (std::int64_t x = 0; x < columns; ++x) {
        transform_element(position(x), x, false);
      }
      return;
    }
    // The vectors of columns outside reach over columns inside, which are written afterwards.
    for (std::int64_t x = 0; x < begin; x += kWidth) {
      transform_element(-kResidues, x, true);
    }
    for (std::int64_t x = columns - kWidth; x + kWidth > end; x -= kWidth) {
      transform_element(from.width, x, true);
    }
    for (std::int64_t x = begin; x + kWidth <= end; x += kWidth) {
      transform_inside(x);
    }
    transform_inside(end - kWidth);
    // With two residues, a column may be half inside.
    if (kResidues == 2 && begin > 0) {
      transform_element(position(begin - 1), begin - 1, false);
    }
    if (kResidues == 2 && end < columns) {
      transform_element(position(end), end, false);
    }
  }
};

template <class T>
void winograd_input_transform(const WinogradInputRows<T>& from, int taps, int residues,
                              std::int64_t columns, T* out, std::int64_t residue_stride) {
  const auto run = [&](auto tap_count) {
    constexpr int kTaps = decltype(tap_count)::value;
    if (residues == 1) {
      RowTransform<kTaps, 1, T>{from, columns, out, residue_stride}.run();
    } else {
      RowTransform<kTaps, 2, T>{from, columns, out, residue_stride}.run();
    }
  };
  switch (taps) {
    case 1:
      return run(std::integral_constant<int, 1>());
    case 2:
      return run(std::integral_constant<int, 2>());
    default:
      return run(std::integral_constant<int, 3>());
  }
}

template <class T>
void winograd_gradient_transform(const T* dy0, const T* dy1, std::int64_t count,
                                 std::int64_t stride, T* HWY_RESTRICT out) {
  const Tag<T> d;
  const auto transform = [&](Vector<T> upper, Vector<T> lower, T* to) HWY_ATTR {
    hn::StoreU(hn::Add(upper, lower), d, to);
    hn::StoreU(hn::Sub(upper, lower), d, to + stride);
    hn::StoreU(upper, d, to + 2 * stride);
    hn::StoreU(lower, d, to + 3 * stride);
  };
  std::int64_t x = 0;
  for (; x + kLanes<T> <= count; x += kLanes<T>) {
    transform(hn::LoadU(d, dy0 + x), dy1 == nullptr ? hn::Zero(d) : hn::LoadU(d, dy1 + x), out + x);
  }
  if (x < count) {
    HWY_ALIGN T upper[kLanes<T>] = {};
    HWY_ALIGN T lower[kLanes<T>] = {};
    std::copy(dy0 + x, dy0 + count, upper);
    if (dy1 != nullptr) {
      std::copy(dy1 + x, dy1 + count, lower);
    }
    transform(hn::Load(d, upper), hn::Load(d, lower), out + x);
  }
}

/// The first half of the output transform: given m1, and m0 in `upper`, stores m0 + m1 in `upper`
/// and m0 - m1 in `lower`. StoreResults adds m2 and m3.
template <int kChannels, int kVectors, class T>
struct OutputTransform {
  T* upper;
  T* lower;

  HWY_INLINE void operator()(const Block<kChannels, kVectors, T>& m1) const {
    const Tag<T> d;
    for_each_vector<kChannels, kVectors, T>([&](int o, int j, std::int64_t at) HWY_ATTR {
      const Vector<T> m0 = hn::Load(d, upper + at);
      hn::Store(hn::Add(m0, m1[o][j]), d, upper + at);
      hn::Store(hn::Sub(m0, m1[o][j]), d, lower + at);
    });
  }
};

/// How many taps of m0 are summed before the sum is added to the rest. Its products are larger than
/// those of the other components and often of one sign, so its sums are the shortest that leave few
/// sums to be added.
inline std::int64_t longest_sum_of_m0(std::int64_t taps) {
  return taps <= 72 ? 12 : taps <= 240 ? 20 : kLongestTapSum;
}

/// A block of results of two rows, of which those wanted are stored.
struct WinogradTile {
  WantedRows wanted;

  template <int kChannels, int kVectors, class T>
  HWY_INLINE void compute(const ConvolvePass<T>& pass, const T* input, const T* weights,
                          const BlockPlace& place) const {
    HWY_ALIGN T sums[kLanes<T> * kChannels * kVectors];
    HWY_ALIGN T upper[kLanes<T> * kChannels * kVectors];
    HWY_ALIGN T lower[kLanes<T> * kChannels * kVectors];
    TapRange taps{0, 0};
    const auto sum_component = [&](std::size_t component, std::int64_t longest,
                                   const auto& finish) {
      taps = {taps.past, taps.past + pass.component_taps[component]};
      sum_taps<kChannels, kVectors>(pass, input, weights, taps, longest, sums, finish);
    };
    sum_component(0, longest_sum_of_m0(pass.component_taps[0]),
                  KeepSums<kChannels, kVectors, T>{upper});
    sum_component(1, kLongestTapSum, OutputTransform<kChannels, kVectors, T>{upper, lower});
    if (wanted.upper) {
      sum_component(2, kLongestTapSum,
                    StoreResults<kChannels, kVectors, true, T>(pass, place, upper));
    } else {
      taps.past += pass.component_taps[2];
    }
    if (wanted.lower) {
      const BlockPlace next_row{place.first, place.out + pass.out_pitch, place.columns};
      sum_component(3, kLongestTapSum,
                    StoreResults<kChannels, kVectors, true, T>(pass, next_row, lower));
    }
  }
};

template <class T>
void winograd_convolve(const ConvolvePass<T>& pass, WantedRows wanted) {
  convolve_row(pass, WinogradTile{wanted}, pass.input, 0);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace pisr::kernels::cpu
HWY_AFTER_NAMESPACE();

#endif
