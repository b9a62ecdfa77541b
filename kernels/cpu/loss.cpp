#include <cstdint>

#include "kernels/cpu/cpu.h"
#include "kernels/cpu/dispatch.h"
#include "kernels/cpu/highway_targets.h"
#include "kernels/cpu/segments.h"
#include "kernels/fallbacks.h"
#include "kernels/instantiate.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/loss.cpp"
#include "hwy/foreach_target.h"
// After foreach_target:
#include "kernels/cpu/vector_loops-inl.h"
#include "kernels/cpu/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace pisr::kernels::cpu {
namespace HWY_NAMESPACE {
namespace {

// The functions of LossOp, of difference = target - location and, but for l1, of spread: their
// values, and their derivatives times `scale`.

template <class V>
struct Gradients {
  V difference, spread;
};

struct L1 {
  template <class D, class V>
  HWY_INLINE V value(D, V difference, V) const {
    return hn::Abs(difference);
  }
  template <class D, class V>
  HWY_INLINE Gradients<V> gradients(D d, V difference, V, V scale) const {
    const auto sign = hn::IfThenElse(hn::Gt(difference, hn::Zero(d)), scale, hn::Neg(scale));
    return {hn::IfThenZeroElse(hn::Eq(difference, hn::Zero(d)), sign), hn::Zero(d)};
  }
};

struct LaplaceNll {
  template <class D, class V>
  HWY_INLINE V value(D d, V difference, V spread) const {
    return hn::Add(vector_log(d, hn::Add(spread, spread)), hn::Div(hn::Abs(difference), spread));
  }
  template <class D, class V>
  HWY_INLINE Gradients<V> gradients(D d, V difference, V spread, V scale) const {
    const auto inverse = hn::Div(hn::Set(d, hn::TFromD<D>(1)), spread);
    const auto ratio = hn::Mul(hn::Abs(difference), inverse);
    const auto scaled = hn::Mul(scale, inverse);
    return {L1().gradients(d, difference, spread, scaled).difference,
            hn::NegMulAdd(scaled, ratio, scaled)};
  }
};

struct GaussianNll {
  template <class D, class V>
  HWY_INLINE V value(D d, V difference, V spread) const {
    const auto ratio = hn::Div(hn::Mul(difference, difference), spread);
    return hn::Mul(hn::Set(d, hn::TFromD<D>(0.5)), hn::Add(vector_log(d, spread), ratio));
  }
  template <class D, class V>
  HWY_INLINE Gradients<V> gradients(D d, V difference, V spread, V scale) const {
    const auto inverse = hn::Div(hn::Set(d, hn::TFromD<D>(1)), spread);
    const auto by_difference = hn::Mul(hn::Mul(scale, difference), inverse);
    const auto half_inverse = hn::Mul(hn::Set(d, hn::TFromD<D>(0.5)), inverse);
    return {by_difference, hn::NegMulAdd(by_difference, hn::Mul(difference, half_inverse),
                                         hn::Mul(scale, half_inverse))};
  }
};

template <class Visit>
void with_loss(LossOp op, const Visit& visit) {
  switch (op) {
    case LossOp::l1:
      return visit(L1());
    case LossOp::laplace_nll:
      return visit(LaplaceNll());
    case LossOp::gaussian_nll:
      return visit(GaussianNll());
  }
}

template <class T>
void vector_loss(Launcher& launcher, const LossArgs<T>& a) {
  // l1 does not use its spread, but the loop loads one.
  const T* spread = a.spread == nullptr ? a.target : a.spread;
  with_loss(a.op, [&](const auto& f) {
    const double* sum = plane_sums(launcher, Segments(1, a.count), [&](const Segment& s) HWY_ATTR {
      return sum_of<T>(
          s.count,
          [&f](Tag<T> d, Vector<T> target, Vector<T> location, Vector<T> v)
              HWY_ATTR { return f.value(d, hn::Sub(target, location), v); },
          a.target + s.begin, a.location + s.begin, spread + s.begin);
    });
    *a.y = static_cast<T>(*sum / static_cast<double>(a.count));
  });
}

template <class T>
void vector_loss_backward(Launcher& launcher, const LossBackwardArgs<T>& a) {
  const T* spread = a.spread == nullptr ? a.target : a.spread;
  const T dy = static_cast<T>(*a.dy / static_cast<double>(a.count));
  with_loss(a.op, [&](const auto& f) {
    Segments(1, a.count).for_each(launcher, [&](const Segment& s) HWY_ATTR {
      const Tag<T> d;
      const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
      for (std::int64_t i = s.begin; i < s.begin + s.count; i += lanes) {
        const std::int64_t left = s.begin + s.count - i;
        const auto difference = hn::Sub(load(d, a.target + i, left), load(d, a.location + i, left));
        const auto g = f.gradients(d, difference, load(d, spread + i, left), hn::Set(d, dy));
        if (a.dtarget != nullptr) {
          store(d, g.difference, a.dtarget + i, left, a.dtarget_store);
        }
        if (a.dlocation != nullptr) {
          store(d, hn::Neg(g.difference), a.dlocation + i, left, a.dlocation_store);
        }
        if (a.dspread != nullptr) {
          store(d, g.spread, a.dspread + i, left, a.dspread_store);
        }
      }
    });
  });
}

}  // namespace

PISR_VECTOR_KERNEL(loss, LossArgs)
PISR_VECTOR_KERNEL(loss_backward, LossBackwardArgs)

}  // namespace HWY_NAMESPACE
}  // namespace pisr::kernels::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace pisr::kernels::cpu {

PISR_DISPATCH(loss, LossArgs)
PISR_DISPATCH(loss_backward, LossBackwardArgs)

template <class T>
void weighted_loss(Launcher& launcher, const WeightedLossArgs<T>& args) {
  fallback_weighted_loss(launcher, args, loss<T>, loss_backward<T>);
}

PISR_INSTANTIATE(weighted_loss, WeightedLossArgs)

}  // namespace pisr::kernels::cpu
#endif
