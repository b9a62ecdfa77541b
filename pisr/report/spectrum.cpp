#include "pisr/report/spectrum.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstddef>
#include <numbers>

namespace pisr {

std::vector<double> spectrum_along_u(const Plane& plane) {
  // At v = 0 the sum over y comes first: the transform of the means of the columns. These are few
  // enough for the plain sum over x.
  const auto width = static_cast<std::size_t>(plane.width);
  std::vector<double> columns(width);
  for (int y = 0; y < plane.height; ++y) {
    const double* const row = plane.row(y);
    for (std::size_t x = 0; x < width; ++x) {
      columns[x] += row[x] / plane.height;
    }
  }
  std::vector<std::complex<double>> turns(width);
  for (std::size_t i = 0; i < width; ++i) {
    turns[i] = std::polar(
        1.0, -2 * std::numbers::pi * static_cast<double>(i) / static_cast<double>(width));
  }
  std::vector<double> magnitudes(width / 2 + 1);
  for (std::size_t u = 0; u < magnitudes.size(); ++u) {
    std::complex<double> sum = 0;
    for (std::size_t x = 0; x < width; ++x) {
      sum += columns[x] * turns[u * x % width];
    }
    magnitudes[u] = std::abs(sum) / plane.width;
  }
  return magnitudes;
}

Histogram histogram_of(const Plane& plane, int bins) {
  Histogram histogram;
  histogram.shares.resize(static_cast<std::size_t>(bins));
  const double one = 1.0 / static_cast<double>(plane.samples.size());
  for (const double value : plane.samples) {
    if (!(value >= 0 && value <= 255)) {
      histogram.outside += one;
      continue;
    }
    const int bin = std::min(bins - 1, static_cast<int>(value / 255 * bins));
    histogram.shares[static_cast<std::size_t>(bin)] += one;
  }
  return histogram;
}

}  // namespace pisr
