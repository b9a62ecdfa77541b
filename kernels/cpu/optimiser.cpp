#include <cmath>
#include <cstdint>

#include "kernels/cpu/cpu.h"
#include "kernels/cpu/dispatch.h"
#include "kernels/cpu/highway_targets.h"
#include "kernels/cpu/segments.h"
#include "kernels/training_step.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/optimiser.cpp"
#include "hwy/foreach_target.h"
// After foreach_target:
#include "kernels/cpu/vector_loops-inl.h"

HWY_BEFORE_NAMESPACE();
namespace pisr::kernels::cpu {
namespace HWY_NAMESPACE {
namespace {

// In PyTorch's order of operations: the scalars are computed in double and rounded to the element
// type where they meet an element.
template <class T>
void vector_adam(Launcher& launcher, const AdamArgs<T>& a) {
  const AdamConstants step = a.control == nullptr ? adam_constants(a) : adam_constants(*a.control);
  if (!step.applied) {
    return;
  }
  const T scale = static_cast<T>(step.gradient_scale);
  const T weight1 = static_cast<T>(1 - a.beta1), beta2 = static_cast<T>(a.beta2);
  const T weight2 = static_cast<T>(1 - a.beta2);
  const T root = static_cast<T>(std::sqrt(step.correction2)), epsilon = static_cast<T>(a.epsilon);
  const T step_size = static_cast<T>(-step.rate / step.correction1);
  Segments(1, a.count).for_each(launcher, [&](const Segment& s) HWY_ATTR {
    const Tag<T> d;
    const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
    for (std::int64_t i = s.begin; i < s.begin + s.count; i += lanes) {
      const std::int64_t left = s.begin + s.count - i;
      const auto g = hn::Mul(load(d, a.gradient + i, left), hn::Set(d, scale));
      auto m = load(d, a.m + i, left);
      m = hn::MulAdd(hn::Set(d, weight1), hn::Sub(g, m), m);
      auto v = hn::Mul(load(d, a.v + i, left), hn::Set(d, beta2));
      v = hn::MulAdd(hn::Mul(hn::Set(d, weight2), g), g, v);
      const auto denominator = hn::Add(hn::Div(hn::Sqrt(v), hn::Set(d, root)), hn::Set(d, epsilon));
      const auto change = hn::Div(hn::Mul(hn::Set(d, step_size), m), denominator);
      store(d, m, a.m + i, left);
      store(d, v, a.v + i, left);
      store(d, hn::Add(load(d, a.parameter + i, left), change), a.parameter + i, left);
    }
  });
}

template <class T>
void vector_moving_average(Launcher& launcher, const MovingAverageArgs<T>& a) {
  if (a.control != nullptr && a.control->applied == 0) {
    return;
  }
  Segments(1, a.count).for_each(launcher, [&](const Segment& s) HWY_ATTR {
    const Tag<T> d;
    const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
    const auto decay = hn::Set(d, static_cast<T>(a.decay));
    const auto rest = hn::Set(d, static_cast<T>(1 - a.decay));
    for (std::int64_t i = s.begin; i < s.begin + s.count; i += lanes) {
      const std::int64_t left = s.begin + s.count - i;
      const auto old = hn::Mul(load(d, a.average + i, left), decay);
      store(d, hn::Add(old, hn::Mul(load(d, a.x + i, left), rest)), a.average + i, left);
    }
  });
}

}  // namespace

PISR_VECTOR_KERNEL(adam, AdamArgs)
PISR_VECTOR_KERNEL(moving_average, MovingAverageArgs)

}  // namespace HWY_NAMESPACE
}  // namespace pisr::kernels::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace pisr::kernels::cpu {

PISR_DISPATCH(adam, AdamArgs)
PISR_DISPATCH(moving_average, MovingAverageArgs)

}  // namespace pisr::kernels::cpu
#endif
