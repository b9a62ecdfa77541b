#include <cstdint>

#include "kernels/cpu/cpu.h"
#include "kernels/cpu/dispatch.h"
#include "kernels/cpu/highway_targets.h"
#include "kernels/cpu/segments.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/prelu.cpp"
#include "hwy/foreach_target.h"
// After foreach_target:
#include "kernels/cpu/vector_loops-inl.h"

HWY_BEFORE_NAMESPACE();
namespace pisr::kernels::cpu {
namespace HWY_NAMESPACE {
namespace {

// One plane per slope and image, or one plane where there is one slope.
template <class Args>
Segments slope_segments(const Args& a) {
  return a.slopes == 1 ? Segments(1, a.batch * a.channels * a.inner)
                       : Segments(a.batch * a.channels, a.inner);
}

template <class T>
void vector_prelu(Queue& queue, const PreluArgs<T>& a) {
  slope_segments(a).for_each(queue, [&](const Segment& s) HWY_ATTR {
    const auto slope = hn::Set(Tag<T>(), a.slope[s.plane % a.slopes]);
    map(
        s.count, a.y + s.begin, Store::write,
        [&](Tag<T> d, Vector<T> x)
            HWY_ATTR { return hn::IfThenElse(hn::Gt(x, hn::Zero(d)), x, hn::Mul(slope, x)); },
        a.x + s.begin);
  });
}

// dx of one segment, where wanted, and in the same pass the segment's share of dslope.
template <class T>
double backward_of_segment(const PreluBackwardArgs<T>& a, const Segment& s) {
  const auto slope = hn::Set(Tag<T>(), a.slope[s.plane % a.slopes]);
  return sum_at<T>(
      s.count,
      [&](Tag<T> d, std::int64_t i, std::int64_t left, Vector<T> x, Vector<T> dy) HWY_ATTR {
        const auto positive = hn::Gt(x, hn::Zero(d));
        if (a.dx != nullptr) {
          store(d, hn::IfThenElse(positive, dy, hn::Mul(slope, dy)), a.dx + s.begin + i, left,
                a.dx_store);
        }
        return hn::IfThenZeroElse(positive, hn::Mul(x, dy));
      },
      a.x + s.begin, a.dy + s.begin);
}

template <class T>
void bias_gradient(Queue& queue, const PreluBackwardArgs<T>& a) {
  const Segments segments(a.batch * a.channels, a.inner);
  const double* sums = plane_sums(queue, segments, [&](const Segment& s) HWY_ATTR {
    const auto slope = hn::Set(Tag<T>(), a.slope[a.slopes == 1 ? 0 : s.plane % a.channels]);
    return sum_of<T>(
        s.count,
        [&](Tag<T> d, Vector<T> x, Vector<T> dy)
            HWY_ATTR { return hn::IfThenElse(hn::Gt(x, hn::Zero(d)), dy, hn::Mul(slope, dy)); },
        a.x + s.begin, a.dy + s.begin);
  });
  for (std::int64_t channel = 0; channel < a.channels; ++channel) {
    double total = 0;
    for (std::int64_t plane = channel; plane < segments.planes(); plane += a.channels) {
      total += sums[plane];
    }
    store_sum(a.dbias[channel], total, a.dbias_store);
  }
}

template <class T>
void vector_prelu_backward(Queue& queue, const PreluBackwardArgs<T>& a) {
  if (a.dbias != nullptr) {
    bias_gradient(queue, a);
  }
  const Segments segments = slope_segments(a);
  const double* sums = plane_sums(
      queue, segments, [&](const Segment& s) HWY_ATTR { return backward_of_segment(a, s); });
  if (a.dslope == nullptr) {
    return;
  }
  for (std::int64_t slope = 0; slope < a.slopes; ++slope) {
    double total = 0;
    for (std::int64_t plane = slope; plane < segments.planes(); plane += a.slopes) {
      total += sums[plane];
    }
    store_sum(a.dslope[slope], total, a.dslope_store);
  }
}

}  // namespace

PISR_VECTOR_KERNEL(prelu, PreluArgs)
PISR_VECTOR_KERNEL(prelu_backward, PreluBackwardArgs)

}  // namespace HWY_NAMESPACE
}  // namespace pisr::kernels::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace pisr::kernels::cpu {

PISR_DISPATCH(prelu, PreluArgs)
PISR_DISPATCH(prelu_backward, PreluBackwardArgs)

}  // namespace pisr::kernels::cpu
#endif
