// Elementary functions on vectors, compiled once per instruction set; included by files that use
// Highway's foreach_target, after it. Right for every argument, infinities and NaN included.
#if defined(PISR_KERNELS_CPU_VECTOR_MATH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef PISR_KERNELS_CPU_VECTOR_MATH_INL_H_
#undef PISR_KERNELS_CPU_VECTOR_MATH_INL_H_
#else
#define PISR_KERNELS_CPU_VECTOR_MATH_INL_H_
#endif

#include <limits>
#include <type_traits>

#include "hwy/contrib/math/math-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace pisr::kernels::cpu {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <class D, class V>
HWY_INLINE V vector_exp(D d, V x) {
  using T = hn::TFromD<D>;
  // Highway's version ends a little beyond where the result overflows.
  const V end = hn::Set(d, std::is_same_v<T, float> ? T(100) : T(720));
  return hn::IfThenElse(hn::Eq(x, x), hn::Exp(d, hn::Min(x, end)), x);
}

template <class D, class V>
HWY_INLINE V vector_log(D d, V x) {
  using T = hn::TFromD<D>;
  const V infinity = hn::Set(d, std::numeric_limits<T>::infinity());
  const V not_a_number = hn::Set(d, std::numeric_limits<T>::quiet_NaN());
  const V at_end =
      hn::IfThenElse(hn::Eq(x, infinity), infinity,
                     hn::IfThenElse(hn::Eq(x, hn::Zero(d)), hn::Neg(infinity), not_a_number));
  const auto inside = hn::And(hn::Gt(x, hn::Zero(d)), hn::Lt(x, infinity));
  return hn::IfThenElse(inside, hn::Log(d, x), at_end);
}

/// 1, 1/3, 1/5, ...
template <class T, int terms>
struct OddReciprocals {
  constexpr OddReciprocals() {
    for (int term = 0; term < terms; ++term) {
      values[term] = T(1) / (2 * term + 1);
    }
  }
  T values[terms] = {};
};

/// log(1 + x) for x in [0, 1], as 2 artanh(s) = 2 (s + s^3 / 3 + s^5 / 5 + ...) with
/// s = x / (2 + x) <= 1/3: no cancellation for small x, and every term is positive.
template <class D, class V>
HWY_INLINE V log1p_to_one(D d, V x) {
  using T = hn::TFromD<D>;
  constexpr int kTerms = std::is_same_v<T, float> ? 8 : 17;
  const V s = hn::Div(x, hn::Add(x, hn::Set(d, T(2))));
  const V square = hn::Mul(s, s);
  static constexpr OddReciprocals<T, kTerms> kCoefficients;
  V series = hn::Set(d, kCoefficients.values[kTerms - 1]);
  for (int term = kTerms - 2; term > 0; --term) {
    series = hn::MulAdd(series, square, hn::Set(d, kCoefficients.values[term]));
  }
  const V twice = hn::Add(s, s);
  return hn::MulAdd(hn::Mul(twice, square), series, twice);
}

template <class D, class V>
HWY_INLINE V vector_sigmoid(D d, V x) {
  const V one = hn::Set(d, hn::TFromD<D>(1));
  const V e = vector_exp(d, hn::Neg(hn::Abs(x)));
  const V numerator = hn::IfThenElse(hn::Lt(x, hn::Zero(d)), e, one);
  return hn::Div(numerator, hn::Add(one, e));
}

template <class D, class V>
HWY_INLINE V vector_softplus(D d, V x) {
  const V e = vector_exp(d, hn::Neg(hn::Abs(x)));
  return hn::Add(hn::IfThenZeroElse(hn::Lt(x, hn::Zero(d)), x), log1p_to_one(d, e));
}

}  // namespace HWY_NAMESPACE
}  // namespace pisr::kernels::cpu
HWY_AFTER_NAMESPACE();

#endif
