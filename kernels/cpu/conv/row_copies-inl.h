// Copies of rows of conv_vector_ops.h, `copy_row`, `deinterleave_row` and `interleave`; compiled
// once per instruction set.
#if defined(PISR_KERNELS_CPU_CONV_ROW_COPIES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef PISR_KERNELS_CPU_CONV_ROW_COPIES_INL_H_
#undef PISR_KERNELS_CPU_CONV_ROW_COPIES_INL_H_
#else
#define PISR_KERNELS_CPU_CONV_ROW_COPIES_INL_H_
#endif

#include <algorithm>
#include <cstdint>

#include "kernels/cpu/conv/conv_vector_ops.h"
#include "kernels/cpu/conv/rounding.h"
#include "kernels/cpu/vector_loops-inl.h"

HWY_BEFORE_NAMESPACE();
namespace pisr::kernels::cpu {
namespace HWY_NAMESPACE {
namespace {

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
    hn::StoreU(hn::LoadU(d, row.data + (row.left + i)), d, out + i);
  }
  if (i < end && end - begin >= kWidth) {
    hn::StoreU(hn::LoadU(d, row.data + (row.left + end - kWidth)), d, out + end - kWidth);
    i = end;
  }
  for (; i < end; ++i) {
    out[i] = row.data[row.left + i];
  }
  fill(end, count, row.after);
}

template <class T>
void deinterleave_row(const PaddedRow<T>& row, std::int64_t count, T* even, T* odd) {
  const Tag<T> d;
  const std::int64_t begin = std::min(count, ceil_divide(std::max<std::int64_t>(-row.left, 0), 2));
  const std::int64_t end = std::clamp((row.width - row.left) / 2, begin, count);
  const auto deinterleave_one = [&](std::int64_t i) {
    even[i] = row[2 * i];
    odd[i] = row[2 * i + 1];
  };
  std::int64_t i = 0;
  for (; i < begin; ++i) {
    deinterleave_one(i);
  }
  for (; i + kLanes<T> <= end; i += kLanes<T>) {
    Vector<T> a;
    Vector<T> b;
    hn::LoadInterleaved2(d, row.data + (row.left + 2 * i), a, b);
    hn::StoreU(a, d, even + i);
    hn::StoreU(b, d, odd + i);
  }
  for (; i < count; ++i) {
    deinterleave_one(i);
  }
}

template <class T>
void interleave(const T* even, const T* odd, std::int64_t count, T* row, Store store) {
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
