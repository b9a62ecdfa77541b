#include <cmath>
#include <cstdint>
#include <vector>

#include "kernels/instantiate.h"
#include "kernels/naive/naive.h"
#include "kernels/naive/store.h"

namespace pisr::kernels::naive {
namespace {

// Summed as differences from the first element, so that the mean of equal elements is exact and
// their deviation exactly 0.
template <class T>
double mean(const T* x, std::int64_t count) {
  double total = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    total += static_cast<double>(x[i]) - x[0];
  }
  return x[0] + total / static_cast<double>(count);
}

template <class T>
double standard_deviation(const T* x, std::int64_t count) {
  const double centre = mean(x, count);
  double total = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    total += (x[i] - centre) * (x[i] - centre);
  }
  return std::sqrt(total / static_cast<double>(count));
}

}  // namespace

template <class T>
void sum(Launcher&, const SumArgs<T>& a) {
  double total = 0;
  for (std::int64_t i = 0; i < a.count; ++i) {
    total += a.x[i];
  }
  store(*a.y, a.scale * total, Store::write);
}

template <class T>
void broadcast_scalar(Launcher&, const BroadcastScalarArgs<T>& a) {
  for (std::int64_t i = 0; i < a.count; ++i) {
    store(a.dx[i], static_cast<double>(a.scale) * *a.dy, a.dx_store);
  }
}

template <class T>
void plane_statistic(Launcher&, const PlaneStatisticArgs<T>& a) {
  for (std::int64_t plane = 0; plane < a.planes; ++plane) {
    const T* x = a.x + plane * a.inner;
    store(a.y[plane],
          a.statistic == PlaneStatistic::mean ? mean(x, a.inner) : standard_deviation(x, a.inner),
          Store::write);
  }
}

template <class T>
void plane_statistic_backward(Launcher&, const PlaneStatisticBackwardArgs<T>& a) {
  for (std::int64_t plane = 0; plane < a.planes; ++plane) {
    const double dy = a.dy[plane] / static_cast<double>(a.inner);
    T* dx = a.dx + plane * a.inner;
    if (a.statistic == PlaneStatistic::mean) {
      for (std::int64_t i = 0; i < a.inner; ++i) {
        store(dx[i], dy, a.dx_store);
      }
      continue;
    }
    const T* x = a.x + plane * a.inner;
    const double centre = mean(x, a.inner);
    for (std::int64_t i = 0; i < a.inner; ++i) {
      store(dx[i], a.y[plane] == 0 ? 0 : dy * (x[i] - centre) / a.y[plane], a.dx_store);
    }
  }
}

template <class T>
void block_mean(Launcher&, const BlockMeanArgs<T>& a) {
  const std::int64_t factor = a.factor, width = a.width * factor;
  for (std::int64_t row = 0; row < a.planes * a.height; ++row) {
    for (std::int64_t column = 0; column < a.width; ++column) {
      double total = 0;
      for (std::int64_t i = 0; i < factor; ++i) {
        for (std::int64_t j = 0; j < factor; ++j) {
          total += a.x[(row * factor + i) * width + column * factor + j];
        }
      }
      store(a.y[row * a.width + column], total / static_cast<double>(factor * factor),
            Store::write);
    }
  }
}

template <class T>
void block_mean_backward(Launcher&, const BlockMeanBackwardArgs<T>& a) {
  const std::int64_t factor = a.factor, width = a.width * factor;
  for (std::int64_t row = 0; row < a.planes * a.height * factor; ++row) {
    for (std::int64_t column = 0; column < width; ++column) {
      const double dy = a.dy[row / factor * a.width + column / factor];
      store(a.dx[row * width + column], dy / static_cast<double>(factor * factor), a.dx_store);
    }
  }
}

template <class T>
void sum_squares(Launcher&, const SumSquaresArgs<T>& a) {
  double total = 0;
  for (std::int64_t i = 0; i < a.count; ++i) {
    total += static_cast<double>(a.x[i]) * a.x[i];
  }
  *a.y = total;
}

PISR_INSTANTIATE(sum, SumArgs)
PISR_INSTANTIATE(broadcast_scalar, BroadcastScalarArgs)
PISR_INSTANTIATE(plane_statistic, PlaneStatisticArgs)
PISR_INSTANTIATE(plane_statistic_backward, PlaneStatisticBackwardArgs)
PISR_INSTANTIATE(block_mean, BlockMeanArgs)
PISR_INSTANTIATE(block_mean_backward, BlockMeanBackwardArgs)
PISR_INSTANTIATE(sum_squares, SumSquaresArgs)

}  // namespace pisr::kernels::naive
