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

// A plane for each image and slope, or a single plane where there is one slope.
template <class Args>
Segments slope_segments(const Args& a) {
  return a.slopes == 1 ? Segments(1, a.batch * a.channels * a.inner)
                       : Segments(a.batch * a.channels, a.inner);
}

template <class T>
void vector_prelu(Launcher& launcher, const PreluArgs<T>& a) {
  slope_segments(a).for_each(launcher, [&](const Segment& s) HWY_ATTR {
    const auto slope = hn::Set(Tag<T>(), a.slope[s.plane % a.slopes]);
    map(
        s.count, a.y + s.begin, Store::write,
        [&](Tag<T> d, Vector<T> x)
            HWY_ATTR { return hn::IfThenElse(hn::Gt(x, hn::Zero(d)), x, hn::Mul(slope, x)); },
        a.x + s.begin);
  });
}

struct Sums {
  double dslope, dbias;
};

// In one pass over a segment: dx, where wanted, and the segment's share of dslope and dbias.
template <class T>
Sums backward_of_segment(const PreluBackwardArgs<T>& a, const Segment& s) {
  const auto slope = hn::Set(Tag<T>(), a.slope[a.slopes == 1 ? 0 : s.plane % a.channels]);
  Total dbias;
  const double dslope = sum_at<T>(
      s.count,
      [&](Tag<T> d, std::int64_t i, std::int64_t left, Vector<T> x, Vector<T> dy) HWY_ATTR {
        const auto positive = hn::Gt(x, hn::Zero(d));
        const auto dx = hn::IfThenElse(positive, dy, hn::Mul(slope, dy));
        if (a.dx != nullptr) {
          store(d, dx, a.dx + s.begin + i, left, a.dx_store);
        }
        dbias.add(dx);
        return hn::IfThenZeroElse(positive, hn::Mul(x, dy));
      },
      a.x + s.begin, a.dy + s.begin);
  return {dslope, dbias.value()};
}

template <class T>
void vector_prelu_backward(Launcher& launcher, const PreluBackwardArgs<T>& a) {
  const Segments segments(a.batch * a.channels, a.inner);
  const auto count = static_cast<std::size_t>(segments.count());
  auto* const dslope = launcher.scratch_array<double>(count);
  auto* const dbias = launcher.scratch_array<double>(count);
  segments.for_each(launcher, [&](const Segment& s) HWY_ATTR {
    const Sums sums = backward_of_segment(a, s);
    dslope[s.index] = sums.dslope;
    dbias[s.index] = sums.dbias;
  });
  join_segment_sums(segments, dslope);
  join_segment_sums(segments, dbias);
  if (a.dslope != nullptr) {
    store_channel_sums(dslope, segments.planes(), a.slopes, a.dslope, a.dslope_store);
  }
  if (a.dbias != nullptr) {
    store_channel_sums(dbias, segments.planes(), a.channels, a.dbias, a.dbias_store);
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
