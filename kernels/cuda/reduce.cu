#include <cmath>
#include <cstddef>
#include <cstdint>

#include "kernels/cuda/kernels.h"
#include "kernels/cuda/map.h"
#include "kernels/cuda/sums.h"

namespace pisr::kernels::PISR_CUDA_NAMESPACE {
namespace {

template <class T>
struct Element {
  const T* x;
  __device__ double operator()(std::int64_t, std::int64_t i) const { return x[i]; }
};

// A mean is computed as the distance from the first element of a plane: for equal elements it is
// exact, and their deviation is exactly 0.
template <class T>
struct DistanceFromFirst {
  std::int64_t inner;
  const T* x;
  __device__ double operator()(std::int64_t plane, std::int64_t i) const {
    return static_cast<double>(x[plane * inner + i]) - x[plane * inner];
  }
};

template <class T, class Result>
struct StoreMean {
  std::int64_t inner;
  const T* x;
  Result* mean;
  __device__ void operator()(std::int64_t plane, double sum) const {
    mean[plane] = static_cast<Result>(x[plane * inner] + sum / static_cast<double>(inner));
  }
};

template <class T>
struct SquaredDeviation {
  std::int64_t inner;
  const T* x;
  const double* mean;
  __device__ double operator()(std::int64_t plane, std::int64_t i) const {
    const double deviation = x[plane * inner + i] - mean[plane];
    return deviation * deviation;
  }
};

template <class T>
struct StoreDeviation {
  std::int64_t inner;
  T* y;
  __device__ void operator()(std::int64_t plane, double sum) const {
    y[plane] = static_cast<T>(std::sqrt(sum / static_cast<double>(inner)));
  }
};

template <class T>
struct MeanGradient {
  PlaneStatisticBackwardArgs<T> a;
  __device__ void operator()(std::int64_t plane, std::int64_t i) const {
    store(a.dx[plane * a.inner + i], a.dy[plane] / static_cast<T>(a.inner), a.dx_store);
  }
};

template <class T>
struct DeviationGradient {
  PlaneStatisticBackwardArgs<T> a;
  const double* mean;
  __device__ void operator()(std::int64_t plane, std::int64_t i) const {
    const std::int64_t at = plane * a.inner + i;
    const T y = a.y[plane];
    const T deviation = static_cast<T>(a.x[at] - mean[plane]);
    store(a.dx[at], y == 0 ? T(0) : a.dy[plane] / static_cast<T>(a.inner) * deviation / y,
          a.dx_store);
  }
};

template <class T, class Result>
void plane_means(Launcher& launcher, std::int64_t planes, std::int64_t inner, const T* x,
                 Result* mean) {
  total_sums(launcher, partial_sums(launcher, planes, inner, DistanceFromFirst<T>{inner, x}),
             planes, StoreMean<T, Result>{inner, x, mean});
}

}  // namespace

template <class T>
void sum(Launcher& launcher, const SumArgs<T>& args) {
  total_sums(launcher, partial_sums(launcher, 1, args.count, Element<T>{args.x}), 1,
             StoreSum<T>{args.y, static_cast<double>(args.scale), Store::write});
}

template <class T>
void sum_squares(Launcher& launcher, const SumSquaresArgs<T>& args) {
  total_sums(launcher, partial_sums(launcher, 1, args.count, Square<T>{args.x}), 1,
             StoreSum<double>{args.y, 1, Store::write});
}

template <class T>
void plane_statistic(Launcher& launcher, const PlaneStatisticArgs<T>& args) {
  if (args.statistic == PlaneStatistic::mean) {
    plane_means(launcher, args.planes, args.inner, args.x, args.y);
    return;
  }
  auto* mean = launcher.scratch_array<double>(static_cast<std::size_t>(args.planes));
  plane_means(launcher, args.planes, args.inner, args.x, mean);
  const SquaredDeviation<T> term{args.inner, args.x, mean};
  total_sums(launcher, partial_sums(launcher, args.planes, args.inner, term), args.planes,
             StoreDeviation<T>{args.inner, args.y});
}

template <class T>
void plane_statistic_backward(Launcher& launcher, const PlaneStatisticBackwardArgs<T>& args) {
  if (args.statistic == PlaneStatistic::mean) {
    map_planes(launcher, args.planes, args.inner, MeanGradient<T>{args});
    return;
  }
  auto* mean = launcher.scratch_array<double>(static_cast<std::size_t>(args.planes));
  plane_means(launcher, args.planes, args.inner, args.x, mean);
  map_planes(launcher, args.planes, args.inner, DeviationGradient<T>{args, mean});
}

PISR_INSTANTIATE(sum, SumArgs)
PISR_INSTANTIATE(sum_squares, SumSquaresArgs)
PISR_INSTANTIATE(plane_statistic, PlaneStatisticArgs)
PISR_INSTANTIATE(plane_statistic_backward, PlaneStatisticBackwardArgs)

}  // namespace pisr::kernels::PISR_CUDA_NAMESPACE
