#include <cmath>
#include <limits>

#include "pisr/image/metrics.h"
#include "tests/catch.h"
#include "tests/pisr/image/images.h"

namespace pisr {
namespace {

Plane noise_plane(int width, int height, unsigned seed) {
  const auto image = noise<std::uint16_t>(width, height, 1, seed);
  Plane plane(width, height, 1);
  for (std::size_t i = 0; i < plane.samples.size(); ++i) {
    plane.samples[i] = image.samples[i] / 257.0;
  }
  return plane;
}

/// The equation of Wang et al. at one position, with a two-dimensional window.
double ssim_at(const Plane& a, const Plane& b, int left, int top) {
  double weights = 0;
  double mean_a = 0;
  double mean_b = 0;
  double square_a = 0;
  double square_b = 0;
  double product = 0;
  for (int y = 0; y < 11; ++y) {
    for (int x = 0; x < 11; ++x) {
      const double w = std::exp(-((x - 5) * (x - 5) + (y - 5) * (y - 5)) / (2 * 1.5 * 1.5));
      const double p = a.at(left + x, top + y);
      const double q = b.at(left + x, top + y);
      weights += w;
      mean_a += w * p;
      mean_b += w * q;
      square_a += w * p * p;
      square_b += w * q * q;
      product += w * p * q;
    }
  }
  mean_a /= weights;
  mean_b /= weights;
  const double variance_a = square_a / weights - mean_a * mean_a;
  const double variance_b = square_b / weights - mean_b * mean_b;
  const double covariance = product / weights - mean_a * mean_b;
  const double c1 = 2.55 * 2.55;
  const double c2 = 7.65 * 7.65;
  return (2 * mean_a * mean_b + c1) * (2 * covariance + c2) /
         ((mean_a * mean_a + mean_b * mean_b + c1) * (variance_a + variance_b + c2));
}

TEST_CASE("psnr: known cases") {
  Plane a(2, 2, 1);
  Plane b(2, 2, 1);
  a.samples = {10, 20, 30, 40};
  b.samples = {11, 20, 27, 40};  // squared errors 1, 0, 9, 0: mean 2.5
  CHECK(psnr(a, b) == Approx(10 * std::log10(65025 / 2.5)).epsilon(1e-14));
  CHECK(psnr(a, b) == psnr(b, a));
  CHECK(psnr(a, a) == std::numeric_limits<double>::infinity());
  Plane black(4, 4, 1);
  Plane white(4, 4, 1);
  std::fill(white.samples.begin(), white.samples.end(), 255.0);
  CHECK(psnr(black, white) == Approx(0).margin(1e-12));
  b.samples[0] = std::numeric_limits<double>::quiet_NaN();
  CHECK(std::isnan(psnr(a, b)));
}

TEST_CASE("psnr and ssim leave the border out") {
  const Plane a = noise_plane(20, 18, 1);
  Plane b = a;
  for (int y = 0; y < 18; ++y) {
    for (int x = 0; x < 20; ++x) {
      if (x < 3 || y < 3 || x >= 17 || y >= 15) {
        b.at(x, y) = 0;
      }
    }
  }
  CHECK(std::isinf(psnr(a, b, 3)));
  CHECK(std::isfinite(psnr(a, b, 2)));
  CHECK(ssim(a, b, 3) == Approx(1).epsilon(1e-12));
  CHECK(ssim(a, b, 2) < 0.999);
}

TEST_CASE("ssim: identities and the equation, position by position") {
  const Plane a = noise_plane(17, 13, 1);
  const Plane b = noise_plane(17, 13, 2);
  CHECK(ssim(a, a) == Approx(1).epsilon(1e-12));
  CHECK(ssim(a, b) == Approx(ssim(b, a)).epsilon(1e-12));
  CHECK(ssim(a, b) < 0.3);
  double sum = 0;
  for (int y = 0; y < 3; ++y) {
    for (int x = 0; x < 7; ++x) {
      sum += ssim_at(a, b, x, y);
    }
  }
  CHECK(ssim(a, b) == Approx(sum / 21).epsilon(1e-10));
  // Two constants have no variance: only the luminance term is left.
  Plane dark(11, 11, 1);
  Plane light(11, 11, 1);
  std::fill(dark.samples.begin(), dark.samples.end(), 100.0);
  std::fill(light.samples.begin(), light.samples.end(), 150.0);
  CHECK(ssim(dark, light) ==
        Approx((2 * 100 * 150 + 6.5025) / (100 * 100 + 150 * 150 + 6.5025)).epsilon(1e-9));
  Plane damaged = a;
  damaged.at(8, 6) = std::numeric_limits<double>::quiet_NaN();
  CHECK(std::isnan(ssim(a, damaged)));
}

TEST_CASE("psnr and ssim refuse what they cannot compare") {
  CHECK(error_of([] { psnr(Plane(4, 4, 1), Plane(4, 5, 1)); }) ==
        "usage: psnr: the planes must be of one size, got 4x4x1 and 4x5x1");
  CHECK(error_of([] { psnr(Plane(4, 4, 1), Plane(4, 4, 1), 2); }) ==
        "usage: shave: cannot take 2 samples from each side of an image of 4x4");
  CHECK(error_of([] { psnr(Plane(), Plane()); }) ==
        "usage: psnr: the planes must be of one size, got 0x0x0 and 0x0x0");
  CHECK(error_of([] { ssim(Plane(14, 20, 1), Plane(14, 20, 1), 2); }) ==
        "usage: ssim: at least 11x11 samples must be inside the border, got 10x16");
}

}  // namespace
}  // namespace pisr
