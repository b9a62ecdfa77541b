#include "pisr/image/metrics.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include "core/error.h"

namespace pisr {
namespace {

constexpr double kPeak = 255;

void check_same_size(const char* operation, const Plane& a, const Plane& b) {
  if (a.width != b.width || a.height != b.height || a.channels != 1 || b.channels != 1) {
    throw Error(ErrorKind::usage,
                message(operation, ": the planes must be of one size, got ", a.width, "x", a.height,
                        "x", a.channels, " and ", b.width, "x", b.height, "x", b.channels));
  }
}

std::array<double, kSsimWindow> gaussian_window() {
  constexpr double kSigma = 1.5;
  std::array<double, kSsimWindow> window{};
  double sum = 0;
  for (int i = 0; i < kSsimWindow; ++i) {
    const int distance = i - kSsimWindow / 2;
    window[i] = std::exp(-distance * distance / (2 * kSigma * kSigma));
    sum += window[i];
  }
  for (double& weight : window) {
    weight /= sum;
  }
  return window;
}

/// What ssim needs of each place: the Gaussian means of a, b, a^2 + b^2 and a b.
struct Moments {
  double a = 0;
  double b = 0;
  double squares = 0;
  double product = 0;

  void add(double weight, const Moments& other) {
    a += weight * other.a;
    b += weight * other.b;
    squares += weight * other.squares;
    product += weight * other.product;
  }
};

}  // namespace

double psnr(const Plane& a, const Plane& b, int border) {
  check_same_size("psnr", a, b);
  const Plane first = shave(a, border);
  const Plane second = shave(b, border);
  double sum = 0;
  for (std::size_t i = 0; i < first.samples.size(); ++i) {
    const double difference = first.samples[i] - second.samples[i];
    sum += difference * difference;
  }
  const double error = sum / static_cast<double>(first.samples.size());
  return error == 0 ? std::numeric_limits<double>::infinity()
                    : 10 * std::log10(kPeak * kPeak / error);
}

double ssim(const Plane& a, const Plane& b, int border) {
  check_same_size("ssim", a, b);
  const Plane first = shave(a, border);
  const Plane second = shave(b, border);
  const int width = first.width - kSsimWindow + 1;
  const int height = first.height - kSsimWindow + 1;
  if (width < 1 || height < 1) {
    throw Error(ErrorKind::usage, message("ssim: at least ", kSsimWindow, "x", kSsimWindow,
                                          " samples must be inside the border, got ", first.width,
                                          "x", first.height));
  }
  constexpr double kC1 = (0.01 * kPeak) * (0.01 * kPeak);
  constexpr double kC2 = (0.03 * kPeak) * (0.03 * kPeak);
  const std::array<double, kSsimWindow> window = gaussian_window();
  std::vector<Moments> column(first.width);
  double total = 0;
  for (int y = 0; y < height; ++y) {
    // The window is separable: down the columns first, then along the row.
    std::fill(column.begin(), column.end(), Moments{});
    for (int k = 0; k < kSsimWindow; ++k) {
      const double* p = first.row(y + k);
      const double* q = second.row(y + k);
      for (int x = 0; x < first.width; ++x) {
        column[x].add(window[k], {p[x], q[x], p[x] * p[x] + q[x] * q[x], p[x] * q[x]});
      }
    }
    double row_total = 0;
    for (int x = 0; x < width; ++x) {
      Moments mean;
      for (int k = 0; k < kSsimWindow; ++k) {
        mean.add(window[k], column[x + k]);
      }
      const double covariance = mean.product - mean.a * mean.b;
      const double means = mean.a * mean.a + mean.b * mean.b;
      row_total += (2 * mean.a * mean.b + kC1) * (2 * covariance + kC2) /
                   ((means + kC1) * (mean.squares - means + kC2));
    }
    total += row_total;
  }
  return total / (static_cast<double>(width) * height);
}

}  // namespace pisr
