// Rows that the sums of conv_tiles.h read or that their results are joined to; compiled once per
// instruction set.
#if defined(PISR_KERNELS_CPU_CONV_ROWS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef PISR_KERNELS_CPU_CONV_ROWS_INL_H_
#undef PISR_KERNELS_CPU_CONV_ROWS_INL_H_
#else
#define PISR_KERNELS_CPU_CONV_ROWS_INL_H_
#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "kernels/cpu/conv/conv_tiles.h"
#include "kernels/cpu/vector_loops-inl.h"

HWY_BEFORE_NAMESPACE();
namespace pisr::kernels::cpu {
namespace HWY_NAMESPACE {
namespace {

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

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace pisr::kernels::cpu
HWY_AFTER_NAMESPACE();

#endif
