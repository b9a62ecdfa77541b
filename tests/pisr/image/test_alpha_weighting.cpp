#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <random>

#include "pisr/image/alpha_weighting.h"
#include "tests/catch.h"

namespace pisr {
namespace {

FloatPlanes random_planes(int width, int height, int channels, unsigned seed) {
  std::mt19937 random(seed);
  FloatPlanes planes(width, height, channels);
  for (float& sample : planes.samples) {
    sample = static_cast<float>(random() % 1000) / 999;
  }
  return planes;
}

/// What fill_hidden() says, pixel by pixel in double precision.
FloatPlanes filled_naively(const FloatPlanes& alpha, const FloatPlanes& colours) {
  FloatPlanes result = colours;
  for (int c = 0; c < colours.channels; ++c) {
    for (int y = 0; y < alpha.height; ++y) {
      for (int x = 0; x < alpha.width; ++x) {
        double most = 0;
        double sum = 0;
        double weights = 0;
        for (int v = std::max(0, y - kHiddenReach);
             v <= std::min(alpha.height - 1, y + kHiddenReach); ++v) {
          for (int u = std::max(0, x - kHiddenReach);
               u <= std::min(alpha.width - 1, x + kHiddenReach); ++u) {
            const double a = alpha.row(0, v)[u];
            const int distance = std::abs(u - x) + std::abs(v - y);
            weights += a * std::pow(4.0, -distance);
            sum += a > 0 ? a * std::pow(4.0, -distance) * colours.row(c, v)[u] : 0;
            if (std::abs(u - x) <= 2 && std::abs(v - y) <= 2) {
              most = std::max(most, a);
            }
          }
        }
        const double a = alpha.row(0, y)[x];
        const double kept = a > 0 ? std::min(1.0, 8 * a / most) : 0;
        const double mean = weights > 0 ? sum / weights : 0.5;
        result.row(c, y)[x] =
            static_cast<float>((kept > 0 ? kept * colours.row(c, y)[x] : 0) + (1 - kept) * mean);
      }
    }
  }
  return result;
}

TEST_CASE("alpha: hidden pixels have the mean of what is visible around", "[alpha]") {
  for (const auto& [width, height] : {std::pair{1, 1}, {5, 1}, {1, 7}, {40, 23}}) {
    for (const float threshold : {0.0F, 0.5F, 0.97F}) {
      CAPTURE(width, height, threshold);
      FloatPlanes alpha = random_planes(width, height, 1, 5);
      for (float& a : alpha.samples) {
        a = a < threshold ? 0 : a > 0.99F ? 1.0F / 255 : a;
      }
      FloatPlanes colours = random_planes(width, height, 3, 6);
      const FloatPlanes wanted = filled_naively(alpha, colours);
      fill_hidden(alpha.view(), colours);
      float largest = 0;
      for (std::size_t i = 0; i < colours.samples.size(); ++i) {
        largest = std::max(largest, std::abs(colours.samples[i] - wanted.samples[i]));
      }
      CHECK(largest < 1e-5F);
    }
  }
}

TEST_CASE("alpha: what is opaque or alike in alpha stays, what is transparent has no part",
          "[alpha]") {
  FloatPlanes alpha(30, 20, 1);
  const FloatPlanes seen = random_planes(30, 20, 2, 7);
  for (const float value : {1.0F, 0.3F, 1.0F / 255}) {
    std::fill(alpha.samples.begin(), alpha.samples.end(), value);
    FloatPlanes colours = seen;
    fill_hidden(alpha.view(), colours);
    CHECK(colours.samples == seen.samples);
  }
  for (int y = 0; y < 20; ++y) {
    std::fill_n(alpha.row(0, y) + 10, 20, 0.0F);
  }
  FloatPlanes zeros = seen;
  FloatPlanes damaged = seen;
  for (int c = 0; c < 2; ++c) {
    for (int y = 0; y < 20; ++y) {
      std::fill_n(zeros.row(c, y) + 10, 20, 0.0F);
      std::fill_n(damaged.row(c, y) + 10, 20, std::numeric_limits<float>::quiet_NaN());
    }
  }
  fill_hidden(alpha.view(), zeros);
  fill_hidden(alpha.view(), damaged);
  CHECK(zeros.samples == damaged.samples);
  CHECK(zeros.row(1, 3)[29] == 0.5F);  // nothing visible within reach
}

}  // namespace
}  // namespace pisr
