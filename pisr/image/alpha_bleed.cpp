#include "pisr/image/alpha_bleed.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace pisr {

void bleed_under_alpha(const Plane& alpha, std::initializer_list<Plane*> planes) {
  const int width = alpha.width;
  const int height = alpha.height;
  // 0 for a pixel with a colour; for any other its ring, kHidden until that is known.
  constexpr std::uint32_t kHidden = ~std::uint32_t{0};
  std::vector<std::uint32_t> ring(alpha.samples.size());
  std::transform(alpha.samples.begin(), alpha.samples.end(), ring.begin(),
                 [](double value) { return value > 0 ? 0U : kHidden; });

  const auto for_neighbours = [&](std::size_t pixel, auto&& visit) {
    const int x = static_cast<int>(pixel % static_cast<std::size_t>(width));
    const int y = static_cast<int>(pixel / static_cast<std::size_t>(width));
    for (int v = std::max(0, y - 1); v <= std::min(height - 1, y + 1); ++v) {
      for (int u = std::max(0, x - 1); u <= std::min(width - 1, x + 1); ++u) {
        visit(static_cast<std::size_t>(v) * static_cast<std::size_t>(width) +
              static_cast<std::size_t>(u));
      }
    }
  };

  std::vector<std::size_t> front;
  const auto claim_hidden_around = [&](std::size_t pixel, std::uint32_t number,
                                       std::vector<std::size_t>& claimed) {
    for_neighbours(pixel, [&](std::size_t neighbour) {
      if (ring[neighbour] == kHidden) {
        ring[neighbour] = number;
        claimed.push_back(neighbour);
      }
    });
  };
  for (std::size_t pixel = 0; pixel < ring.size(); ++pixel) {
    if (ring[pixel] == 0) {
      claim_hidden_around(pixel, 1, front);
    }
  }
  std::vector<std::size_t> next;
  for (std::uint32_t number = 1; !front.empty(); ++number) {
    for (const std::size_t pixel : front) {
      for (Plane* plane : planes) {
        const auto channels = static_cast<std::size_t>(plane->channels);
        for (std::size_t c = 0; c < channels; ++c) {
          double sum = 0;
          int count = 0;
          for_neighbours(pixel, [&](std::size_t neighbour) {
            if (ring[neighbour] < number) {
              sum += plane->samples[neighbour * channels + c];
              ++count;
            }
          });
          plane->samples[pixel * channels + c] = sum / count;
        }
      }
    }
    next.clear();
    for (const std::size_t pixel : front) {
      claim_hidden_around(pixel, number + 1, next);
    }
    front.swap(next);
  }
}

}  // namespace pisr
