// Loops over arrays, compiled once per instruction set; included by files that use Highway's
// foreach_target, after it.
#if defined(PISR_KERNELS_CPU_VECTOR_LOOPS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef PISR_KERNELS_CPU_VECTOR_LOOPS_INL_H_
#undef PISR_KERNELS_CPU_VECTOR_LOOPS_INL_H_
#else
#define PISR_KERNELS_CPU_VECTOR_LOOPS_INL_H_
#endif

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "hwy/highway.h"
#include "kernels/conv_args.h"

// Blocks of accumulators must live in registers, so every loop over one is unrolled.
#undef PISR_UNROLL
#if defined(__clang__)
#define PISR_UNROLL _Pragma("clang loop unroll(full)")
#else
#define PISR_UNROLL _Pragma("GCC unroll 16")
#endif

HWY_BEFORE_NAMESPACE();
namespace pisr::kernels::cpu {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <class T>
using Tag = hn::ScalableTag<T>;
template <class T>
using Vector = hn::Vec<Tag<T>>;
template <class T>
constexpr std::int64_t kLanes = static_cast<std::int64_t>(hn::MaxLanes(Tag<T>()));
/// A block of accumulators takes 24 of 32 vector registers, or 12 of 16.
constexpr bool kHas32Registers = HWY_TARGET != HWY_AVX2 && HWY_TARGET != HWY_SSE4;

/// The first `count` lanes from memory, zeros behind them; all where count >= Lanes(d).
template <class T>
HWY_INLINE Vector<T> load(Tag<T> d, const T* from, std::int64_t count) {
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  if (HWY_LIKELY(count >= lanes)) {
    return hn::LoadU(d, from);
  }
#if HWY_MEM_OPS_MIGHT_FAULT
  HWY_ALIGN T buffer[hn::MaxLanes(d)] = {};
  std::memcpy(buffer, from, static_cast<std::size_t>(count) * sizeof(T));
  return hn::Load(d, buffer);
#else
  return hn::MaskedLoad(hn::FirstN(d, static_cast<std::size_t>(count)), d, from);
#endif
}

/// Stores the first `count` lanes; all where count >= Lanes(d).
template <class T>
HWY_INLINE void store(Tag<T> d, Vector<T> v, T* to, std::int64_t count) {
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  if (HWY_LIKELY(count >= lanes)) {
    hn::StoreU(v, d, to);
    return;
  }
#if HWY_MEM_OPS_MIGHT_FAULT
  HWY_ALIGN T buffer[hn::MaxLanes(d)];
  hn::Store(v, d, buffer);
  std::memcpy(to, buffer, static_cast<std::size_t>(count) * sizeof(T));
#else
  hn::BlendedStore(v, hn::FirstN(d, static_cast<std::size_t>(count)), d, to);
#endif
}

/// The same, in place of what is there or added to it.
template <class T>
HWY_INLINE void store(Tag<T> d, Vector<T> v, T* to, std::int64_t count, Store how) {
  if (how == Store::add) {
    v = hn::Add(load(d, to, count), v);
  }
  store(d, v, to, count);
}

/// y[i] = f(d, x[i]...) for i in [0, count), where f works on vectors. An x may be y.
template <class T, class Function, class... Inputs>
HWY_INLINE void map(std::int64_t count, T* y, Store how, const Function& f, const Inputs*... x) {
  const Tag<T> d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  for (std::int64_t i = 0; i < count; i += lanes) {
    store(d, f(d, load(d, x + i, count - i)...), y + i, count - i, how);
  }
}

/// A sum in double, whatever the type of the terms.
class Total {
 public:
  HWY_INLINE Total() : low_(hn::Zero(Tag<double>())), high_(hn::Zero(Tag<double>())) {}
  HWY_INLINE void add(Vector<double> v) { low_ = hn::Add(low_, v); }
  HWY_INLINE void add(Vector<float> v) {
    low_ = hn::Add(low_, low_half(v));
    high_ = hn::Add(high_, high_half(v));
  }
  HWY_INLINE void add_square(Vector<double> v) { low_ = hn::MulAdd(v, v, low_); }
  HWY_INLINE void add_square(Vector<float> v) {
    const Vector<double> low = low_half(v), high = high_half(v);
    low_ = hn::MulAdd(low, low, low_);
    high_ = hn::MulAdd(high, high, high_);
  }
  HWY_INLINE double value() const {
    return hn::GetLane(hn::SumOfLanes(Tag<double>(), hn::Add(low_, high_)));
  }

 private:
#if HWY_TARGET == HWY_SCALAR
  HWY_INLINE static Vector<double> low_half(Vector<float> v) {
    return hn::PromoteTo(Tag<double>(), v);
  }
  HWY_INLINE static Vector<double> high_half(Vector<float>) {
    return hn::Zero(Tag<double>());
  }
#else
  HWY_INLINE static Vector<double> low_half(Vector<float> v) {
    return hn::PromoteTo(Tag<double>(), hn::LowerHalf(v));
  }
  HWY_INLINE static Vector<double> high_half(Vector<float> v) {
    return hn::PromoteTo(Tag<double>(), hn::UpperHalf(hn::Half<Tag<float>>(), v));
  }
#endif
  Vector<double> low_, high_;
};

/// Sum of f(d, i, left, x[i]...) over i in [0, count), in double. f works on vectors; i is the
/// element it begins at, and `left` is how many there are from there on.
template <class T, class Function, class... Inputs>
HWY_INLINE double sum_at(std::int64_t count, const Function& f, const Inputs*... x) {
  const Tag<T> d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  Total total;
  for (std::int64_t i = 0; i < count; i += lanes) {
    auto v = f(d, i, count - i, load(d, x + i, count - i)...);
    if (HWY_UNLIKELY(count - i < lanes)) {
      v = hn::IfThenElseZero(hn::FirstN(d, static_cast<std::size_t>(count - i)), v);
    }
    total.add(v);
  }
  return total.value();
}

/// Sum of f(d, x[i]...) over i in [0, count).
template <class T, class Function, class... Inputs>
HWY_INLINE double sum_of(std::int64_t count, const Function& f, const Inputs*... x) {
  return sum_at<T>(
      count, [&f](auto d, std::int64_t, std::int64_t, auto... v) HWY_ATTR { return f(d, v...); },
      x...);
}

}  // namespace HWY_NAMESPACE
}  // namespace pisr::kernels::cpu
HWY_AFTER_NAMESPACE();

#endif
