#include <cmath>
#include <cstdint>
#include <vector>

#include "kernels/instantiate.h"
#include "kernels/naive/naive.h"
#include "kernels/naive/store.h"

namespace pisr::kernels::naive {
namespace {

// Keys' kernel as published, for a = -0.5.
double keys(double x) {
  constexpr double a = -0.5;
  const double t = std::abs(x);
  if (t < 1) {
    return (a + 2) * std::pow(t, 3) - (a + 3) * std::pow(t, 2) + 1;
  }
  return t < 2 ? a * std::pow(t, 3) - 5 * a * std::pow(t, 2) + 8 * a * t - 4 * a : 0;
}

// Of an image that goes on without end as its mirror images, with a period of 2 count.
std::int64_t folded(std::int64_t place, std::int64_t count) {
  const std::int64_t within = (place % (2 * count) + 2 * count) % (2 * count);
  return within < count ? within : 2 * count - 1 - within;
}

// Calls visit(large, small, weight) for each pixel of the large image and each pixel of the small
// one that it is made of.
template <class T, class Visit>
void for_each_weight(const BicubicArgs<T>& a, Visit visit) {
  const auto centre = [&](std::int64_t place) {
    return (static_cast<double>(place) + 0.5) / a.scale - 0.5;
  };
  std::int64_t large = 0;
  for (std::int64_t plane = 0; plane < a.planes; ++plane) {
    for (std::int64_t row = 0; row < a.height * a.scale; ++row) {
      for (std::int64_t column = 0; column < a.width * a.scale; ++column, ++large) {
        const double y = centre(row), x = centre(column);
        const auto top = static_cast<std::int64_t>(std::floor(y)) - 1;
        const auto left = static_cast<std::int64_t>(std::floor(x)) - 1;
        for (std::int64_t i = top; i < top + 4; ++i) {
          for (std::int64_t j = left; j < left + 4; ++j) {
            const double weight =
                keys(y - static_cast<double>(i)) * keys(x - static_cast<double>(j));
            visit(large, (plane * a.height + folded(i, a.height)) * a.width + folded(j, a.width),
                  weight);
          }
        }
      }
    }
  }
}

}  // namespace

template <class T>
void upscale_bicubic(Launcher&, const BicubicArgs<T>& a) {
  std::vector<double> y(a.planes * a.height * a.width * a.scale * a.scale);
  for_each_weight(a, [&](std::int64_t large, std::int64_t small, double weight) {
    y[large] += a.gain * weight * a.x[small];
  });
  store_all(a.y, y, a.y_store);
}

template <class T>
void downscale_bicubic(Launcher&, const BicubicArgs<T>& a) {
  std::vector<double> y(a.planes * a.height * a.width);
  for_each_weight(a, [&](std::int64_t large, std::int64_t small, double weight) {
    y[small] += a.gain * weight * a.x[large];
  });
  store_all(a.y, y, a.y_store);
}

PISR_INSTANTIATE(upscale_bicubic, BicubicArgs)
PISR_INSTANTIATE(downscale_bicubic, BicubicArgs)

}  // namespace pisr::kernels::naive
