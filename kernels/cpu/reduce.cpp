#include <cmath>
#include <cstdint>
#include <type_traits>

#include "kernels/cpu/cpu.h"
#include "kernels/cpu/dispatch.h"
#include "kernels/cpu/highway_targets.h"
#include "kernels/cpu/segments.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/reduce.cpp"
#include "hwy/foreach_target.h"
// After foreach_target:
#include "kernels/cpu/vector_loops-inl.h"

HWY_BEFORE_NAMESPACE();
namespace pisr::kernels::cpu {
namespace HWY_NAMESPACE {
namespace {

// Sum of x - centre over a segment, or of its square.
template <class T>
double sum_of_deviations(const T* x, std::int64_t count, T centre) {
  return sum_of<T>(
      count, [centre](Tag<T> d, Vector<T> v) HWY_ATTR { return hn::Sub(v, hn::Set(d, centre)); },
      x);
}

template <class T>
double sum_of_squared_deviations(const T* x, std::int64_t count, T centre) {
  return sum_of<T>(
      count,
      [centre](Tag<T> d, Vector<T> v) HWY_ATTR {
        const auto deviation = hn::Sub(v, hn::Set(d, centre));
        return hn::Mul(deviation, deviation);
      },
      x);
}

template <class T>
void fill(Launcher& launcher, const Segments& segments, T* y, Store how,
          const double* value_of_plane) {
  segments.for_each(launcher, [&](const Segment& s) HWY_ATTR {
    const auto value = hn::Set(Tag<T>(), static_cast<T>(value_of_plane[s.plane]));
    map(s.count, y + s.begin, how, [&value](Tag<T>) HWY_ATTR { return value; });
  });
}

// The mean of each plane. That of equal elements is exact, so that their deviation is exactly 0:
// sums of floats in double are exact, and doubles are summed as differences from the first one.
template <class T>
double* plane_means(Launcher& launcher, const Segments& segments, std::int64_t inner, const T* x) {
  const auto origin = [&](std::int64_t plane) {
    return std::is_same_v<T, double> ? x[plane * inner] : T(0);
  };
  double* means = plane_sums(launcher, segments, [&](const Segment& s) HWY_ATTR {
    return sum_of_deviations(x + s.begin, s.count, origin(s.plane));
  });
  for (std::int64_t plane = 0; plane < segments.planes(); ++plane) {
    means[plane] = origin(plane) + means[plane] / static_cast<double>(inner);
  }
  return means;
}

template <class T>
void vector_sum(Launcher& launcher, const SumArgs<T>& a) {
  const double* sum = plane_sums(launcher, Segments(1, a.count), [&](const Segment& s) HWY_ATTR {
    return sum_of_deviations(a.x + s.begin, s.count, T(0));
  });
  *a.y = static_cast<T>(a.scale * *sum);
}

template <class T>
void vector_broadcast_scalar(Launcher& launcher, const BroadcastScalarArgs<T>& a) {
  const double value = static_cast<double>(a.scale) * *a.dy;
  fill(launcher, Segments(1, a.count), a.dx, a.dx_store, &value);
}

template <class T>
void vector_plane_statistic(Launcher& launcher, const PlaneStatisticArgs<T>& a) {
  const Segments segments(a.planes, a.inner);
  const double* means = plane_means(launcher, segments, a.inner, a.x);
  if (a.statistic == PlaneStatistic::mean) {
    for (std::int64_t plane = 0; plane < a.planes; ++plane) {
      a.y[plane] = static_cast<T>(means[plane]);
    }
    return;
  }
  const double* squares = plane_sums(launcher, segments, [&](const Segment& s) HWY_ATTR {
    return sum_of_squared_deviations(a.x + s.begin, s.count, static_cast<T>(means[s.plane]));
  });
  for (std::int64_t plane = 0; plane < a.planes; ++plane) {
    // Corrects for the squares having been taken about the rounded mean.
    const double shift = means[plane] - static_cast<T>(means[plane]);
    const double variance = squares[plane] / static_cast<double>(a.inner) - shift * shift;
    a.y[plane] = static_cast<T>(std::sqrt(variance < 0 ? 0 : variance));
  }
}

template <class T>
void vector_plane_statistic_backward(Launcher& launcher, const PlaneStatisticBackwardArgs<T>& a) {
  const Segments segments(a.planes, a.inner);
  if (a.statistic == PlaneStatistic::mean) {
    auto* values = launcher.scratch_array<double>(static_cast<std::size_t>(a.planes));
    for (std::int64_t plane = 0; plane < a.planes; ++plane) {
      values[plane] = a.dy[plane] / static_cast<double>(a.inner);
    }
    return fill(launcher, segments, a.dx, a.dx_store, values);
  }
  const double* means = plane_means(launcher, segments, a.inner, a.x);
  segments.for_each(launcher, [&](const Segment& s) HWY_ATTR {
    const Tag<T> d;
    const double y = a.y[s.plane];
    const double factor = y == 0 ? 0 : a.dy[s.plane] / (static_cast<double>(a.inner) * y);
    const auto scale = hn::Set(d, static_cast<T>(factor));
    const auto mean = hn::Set(d, static_cast<T>(means[s.plane]));
    map(
        s.count, a.dx + s.begin, a.dx_store,
        [&](Tag<T>, Vector<T> x) HWY_ATTR { return hn::Mul(scale, hn::Sub(x, mean)); },
        a.x + s.begin);
  });
}

template <class T>
void vector_sum_squares(Launcher& launcher, const SumSquaresArgs<T>& a) {
  *a.y = *plane_sums(launcher, Segments(1, a.count), [&](const Segment& s) HWY_ATTR {
    const Tag<T> d;
    const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
    Total total;
    for (std::int64_t i = 0; i < s.count; i += lanes) {
      total.add_square(load(d, a.x + s.begin + i, s.count - i));
    }
    return total.value();
  });
}

}  // namespace

PISR_VECTOR_KERNEL(sum, SumArgs)
PISR_VECTOR_KERNEL(broadcast_scalar, BroadcastScalarArgs)
PISR_VECTOR_KERNEL(plane_statistic, PlaneStatisticArgs)
PISR_VECTOR_KERNEL(plane_statistic_backward, PlaneStatisticBackwardArgs)
PISR_VECTOR_KERNEL(sum_squares, SumSquaresArgs)

}  // namespace HWY_NAMESPACE
}  // namespace pisr::kernels::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace pisr::kernels::cpu {

PISR_DISPATCH(sum, SumArgs)
PISR_DISPATCH(broadcast_scalar, BroadcastScalarArgs)
PISR_DISPATCH(plane_statistic, PlaneStatisticArgs)
PISR_DISPATCH(plane_statistic_backward, PlaneStatisticBackwardArgs)
PISR_DISPATCH(sum_squares, SumSquaresArgs)

}  // namespace pisr::kernels::cpu
#endif
