#include "pisr/image/alpha_weighting.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <vector>

namespace pisr {
namespace {

constexpr int kMaximumReach = 2;  ///< that of bicubic interpolation
constexpr float kVisible = 8;     ///< so many times less alpha than a neighbour's hides nothing

/// 4^-d.
constexpr std::array<float, kHiddenReach + 1> distance_weights() {
  std::array<float, kHiddenReach + 1> weights{};
  float weight = 1;
  for (float& w : weights) {
    w = weight;
    weight /= 4;
  }
  return weights;
}
constexpr auto kDistanceWeights = distance_weights();

/// of[x] = sum of kDistanceWeights[|d|] from[x + d], inside the plane.
void blur(const float* from, float* to, int width, int height) {
  std::vector<float> rows(static_cast<std::size_t>(width) * height);
  for (int y = 0; y < height; ++y) {
    float* const row = &rows[static_cast<std::size_t>(y) * width];
    for (int v = std::max(0, y - kHiddenReach); v <= std::min(height - 1, y + kHiddenReach); ++v) {
      const float weight = kDistanceWeights[std::abs(v - y)];
      const float* const other = from + static_cast<std::size_t>(v) * width;
      for (int x = 0; x < width; ++x) {
        row[x] += weight * other[x];
      }
    }
  }
  std::fill_n(to, rows.size(), 0.0F);
  for (int y = 0; y < height; ++y) {
    const float* const row = &rows[static_cast<std::size_t>(y) * width];
    float* const sum = to + static_cast<std::size_t>(y) * width;
    for (int d = -kHiddenReach; d <= kHiddenReach; ++d) {
      const float weight = kDistanceWeights[std::abs(d)];
      for (int x = std::max(0, -d); x < std::min(width, width - d); ++x) {
        sum[x] += weight * row[x + d];
      }
    }
  }
}

/// The largest value within kMaximumReach.
std::vector<float> largest_around(const float* from, int width, int height) {
  std::vector<float> rows(from, from + static_cast<std::size_t>(width) * height);
  std::vector<float> result;
  for (int y = 0; y < height; ++y) {
    for (int v = std::max(0, y - kMaximumReach); v <= std::min(height - 1, y + kMaximumReach);
         ++v) {
      for (int x = 0; x < width; ++x) {
        float& most = rows[static_cast<std::size_t>(y) * width + x];
        most = std::max(most, from[static_cast<std::size_t>(v) * width + x]);
      }
    }
  }
  result = rows;
  for (int y = 0; y < height; ++y) {
    const std::size_t row = static_cast<std::size_t>(y) * width;
    for (int x = 0; x < width; ++x) {
      for (int u = std::max(0, x - kMaximumReach); u <= std::min(width - 1, x + kMaximumReach);
           ++u) {
        result[row + x] = std::max(result[row + x], rows[row + u]);
      }
    }
  }
  return result;
}

}  // namespace

bool is_opaque(const PlanesView& alpha) {
  return std::all_of(alpha.samples, alpha.samples + alpha.count(),
                     [](float value) { return value == 1.0F; });
}

void multiply_by_alpha(const PlanesView& alpha, FloatPlanes& colours) {
  for (int c = 0; c < colours.channels; ++c) {
    float* const colour = colours.plane(c);
    for (std::size_t i = 0; i < alpha.count(); ++i) {
      colour[i] = alpha.samples[i] > 0 ? alpha.samples[i] * colour[i] : 0.0F;
    }
  }
}

void fill_hidden(const PlanesView& alpha, FloatPlanes& colours) {
  const int width = alpha.width;
  const int height = alpha.height;
  const std::vector<float> most = largest_around(alpha.samples, width, height);
  FloatPlanes weights(width, height, 1);
  blur(alpha.samples, weights.samples.data(), width, height);
  FloatPlanes sums = colours;
  multiply_by_alpha(alpha, sums);
  for (int c = 0; c < colours.channels; ++c) {
    blur(sums.plane(c), sums.plane(c), width, height);
    float* const colour = colours.plane(c);
    const float* const sum = sums.plane(c);
    for (std::size_t i = 0; i < alpha.count(); ++i) {
      const float a = alpha.samples[i];
      const float kept = a <= 0 ? 0.0F : std::min(1.0F, kVisible * a / most[i]);
      if (kept < 1) {
        const float mean = weights.samples[i] > 0 ? sum[i] / weights.samples[i] : 0.5F;
        colour[i] = kept > 0 ? kept * colour[i] + (1 - kept) * mean : mean;
      }
    }
  }
}

}  // namespace pisr
