#include "pisr/video/chroma.h"

#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

#include "core/for_rows.h"
#include "pisr/video/samples.h"

namespace pisr {
namespace {

constexpr int kTaps = 4;
/// Sums of exactly k + 0.5 are frequent and may come out a few ulp low.
constexpr double kTie = 1e-9;

/// The samples that one of the result is made of, along one side.
struct Taps {
  std::array<int, kTaps> source;
  std::array<double, kTaps> weights;
};

double cubic(double x) {
  const double t = std::abs(x);
  if (t <= 1) {
    return (1.5 * t - 2.5) * t * t + 1;
  }
  return t <= 2 ? ((-0.5 * t + 2.5) * t - 4) * t + 2 : 0.0;
}

/// 2 1 0 | 0 1 2 ... n-1 | n-1 n-2 ...
int mirrored(std::int64_t place, int size) {
  const std::int64_t period = 2 * std::int64_t{size};
  const std::int64_t within = (place % period + period) % period;
  return static_cast<int>(within < size ? within : period - 1 - within);
}

std::vector<Taps> taps_of_side(int size, int enlarged_size, int scale, double place) {
  std::vector<Taps> all(static_cast<std::size_t>(enlarged_size));
  for (int n = 0; n < enlarged_size; ++n) {
    const double centre = static_cast<double>(n) / scale + place * (1.0 / scale - 1);
    const auto first = static_cast<std::int64_t>(std::floor(centre)) - 1;
    for (int k = 0; k < kTaps; ++k) {
      all[n].source[k] = mirrored(first + k, size);
      all[n].weights[k] = cubic(centre - static_cast<double>(first + k));
    }
  }
  return all;
}

}  // namespace

ChromaPlace chroma_place(const VideoFormat& format) {
  constexpr double kCentre = 0.5;
  constexpr double kFirst = 0.25;
  if (format.chroma == Chroma::s420) {
    return {format.siting == ChromaSiting::centre ? kCentre : kFirst,
            format.siting == ChromaSiting::top_left ? kFirst : kCentre};
  }
  if (format.chroma == Chroma::s422) {
    return {format.siting == ChromaSiting::centre ? kCentre : kFirst, kCentre};
  }
  return {kCentre, kCentre};
}

void enlarge_chroma(ThreadPool* pool, const VideoFormat& format, int scale,
                    std::span<const std::byte> from, std::span<std::byte> to) {
  const VideoFormat result = enlarged(format, scale);
  const ChromaPlace place = chroma_place(format);
  const int width = format.plane_width(1);
  const int wide = result.plane_width(1);
  const int high = result.plane_height(1);
  const std::vector<Taps> columns = taps_of_side(width, wide, scale, place.x);
  const std::vector<Taps> rows = taps_of_side(format.plane_height(1), high, scale, place.y);
  const std::size_t bytes = format.sample_bytes();
  for_rows(pool, high, [&](int first, int past) {
    std::vector<double> between(static_cast<std::size_t>(width));
    for (int y = first; y < past; ++y) {
      std::fill(between.begin(), between.end(), 0.0);
      for (int k = 0; k < kTaps; ++k) {
        const std::size_t row = static_cast<std::size_t>(rows[y].source[k]) * width;
        for (int x = 0; x < width; ++x) {
          between[x] += rows[y].weights[k] * load_sample(from.data(), row + x, bytes);
        }
      }
      const std::size_t row = static_cast<std::size_t>(y) * wide;
      for (int x = 0; x < wide; ++x) {
        double sum = kTie;
        for (int k = 0; k < kTaps; ++k) {
          sum += columns[x].weights[k] * between[columns[x].source[k]];
        }
        store_sample(to.data(), row + x, bytes, sum, format.largest());
      }
    }
  });
}

}  // namespace pisr
