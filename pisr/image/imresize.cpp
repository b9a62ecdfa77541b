#include "pisr/image/imresize.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>
#include <vector>

#include "core/error.h"
#include "kernels/bicubic.h"

namespace pisr {
namespace {

/// The weighted sum that makes each sample of one side of the result.
struct Taps {
  int count = 0;                ///< of each sample
  std::vector<int> source;      ///< [size, count] sample of the input
  std::vector<double> weights;  ///< [size, count], each row sums to 1
};

Taps taps_of_side(int in_size, int out_size, double factor) {
  const double stretch = std::min(factor, 1.0);
  const double support = 4 / stretch;
  Taps all;
  all.count = static_cast<int>(std::ceil(support)) + 2;
  all.source.resize(static_cast<std::size_t>(out_size) * all.count);
  all.weights.resize(all.source.size());
  const std::int64_t period = 2 * std::int64_t{in_size};
  for (int x = 0; x < out_size; ++x) {
    const double centre = (x + 1) / factor + 0.5 * (1 - 1 / factor);  // counted from 1
    const double first = std::floor(centre - support / 2);
    double* weights = &all.weights[static_cast<std::size_t>(x) * all.count];
    int* source = &all.source[static_cast<std::size_t>(x) * all.count];
    double sum = 0;
    for (int k = 0; k < all.count; ++k) {
      weights[k] = kernels::keys_cubic(stretch * (centre - (first + k)));
      sum += weights[k];
      // Mirrored with the edge sample repeated: 2 1 0 | 0 1 2 ... n-1 | n-1 n-2 ...
      const std::int64_t place =
          ((static_cast<std::int64_t>(first) + k - 1) % period + period) % period;
      source[k] = static_cast<int>(place < in_size ? place : period - 1 - place);
    }
    for (int k = 0; k < all.count; ++k) {
      weights[k] /= sum;
    }
  }
  return all;
}

/// The taps without those that are zero for every sample, two or three at whole factors.
Taps without_zeros(const Taps& all) {
  std::vector<int> kept;
  for (int k = 0; k < all.count; ++k) {
    for (std::size_t i = k; i < all.weights.size(); i += all.count) {
      if (all.weights[i] != 0) {
        kept.push_back(k);
        break;
      }
    }
  }
  Taps result;
  result.count = static_cast<int>(kept.size());
  for (std::size_t row = 0; row < all.weights.size(); row += all.count) {
    for (const int k : kept) {
      result.source.push_back(all.source[row + k]);
      result.weights.push_back(all.weights[row + k]);
    }
  }
  return result;
}

template <class Sample>
Sample to_sample(double value) {
  if constexpr (std::is_same_v<Sample, std::uint8_t>) {
    // At factors 2 and 4 sums of exactly k + 0.5 are frequent and may come out a few ulp low,
    // depending on the order of summation: within this distance they count as halves.
    constexpr double kTie = 1e-9;
    return static_cast<std::uint8_t>(std::clamp(value + 0.5 + kTie, 0.0, 255.0));
  } else {
    return value;
  }
}

template <class Sample>
ImageOf<Sample> resize_vertically(const ImageOf<Sample>& image, int height, double factor) {
  const Taps taps = without_zeros(taps_of_side(image.height, height, factor));
  ImageOf<Sample> result(image.width, height, image.channels);
  const std::size_t row_size = static_cast<std::size_t>(image.width) * image.channels;
  std::vector<double> sums(row_size);
  for (int y = 0; y < height; ++y) {
    std::fill(sums.begin(), sums.end(), 0.0);
    for (int k = 0; k < taps.count; ++k) {
      const std::size_t tap = static_cast<std::size_t>(y) * taps.count + k;
      const double weight = taps.weights[tap];
      const Sample* from = image.row(taps.source[tap]);
      for (std::size_t i = 0; i < row_size; ++i) {
        sums[i] += weight * from[i];
      }
    }
    Sample* to = result.row(y);
    for (std::size_t i = 0; i < row_size; ++i) {
      to[i] = to_sample<Sample>(sums[i]);
    }
  }
  return result;
}

template <class Sample>
ImageOf<Sample> resize_horizontally(const ImageOf<Sample>& image, int width, double factor) {
  const Taps taps = without_zeros(taps_of_side(image.width, width, factor));
  ImageOf<Sample> result(width, image.height, image.channels);
  const std::size_t channels = image.channels;
  for (int y = 0; y < image.height; ++y) {
    const Sample* from = image.row(y);
    Sample* to = result.row(y);
    for (int x = 0; x < width; ++x) {
      const double* weights = &taps.weights[static_cast<std::size_t>(x) * taps.count];
      const int* source = &taps.source[static_cast<std::size_t>(x) * taps.count];
      for (std::size_t c = 0; c < channels; ++c) {
        double sum = 0;
        for (int k = 0; k < taps.count; ++k) {
          sum += weights[k] * from[source[k] * channels + c];
        }
        to[x * channels + c] = to_sample<Sample>(sum);
      }
    }
  }
  return result;
}

template <class Sample>
ImageOf<Sample> resize(const ImageOf<Sample>& image, double width, double height, double factor) {
  if (image.width < 1 || image.height < 1) {
    throw Error(ErrorKind::usage, "imresize: the image is empty");
  }
  constexpr double kLargest = std::numeric_limits<int>::max();
  if (!(width <= kLargest && height <= kLargest)) {
    throw Error(ErrorKind::memory, message("imresize: ", image.width, "x", image.height, " times ",
                                           factor, " exceeds 2^31 - 1 samples a side"));
  }
  // Equal factors: MATLAB takes its first dimension, the vertical one, first.
  return resize_horizontally(resize_vertically(image, static_cast<int>(height), factor),
                             static_cast<int>(width), factor);
}

template <class Sample>
ImageOf<Sample> resize_by(const ImageOf<Sample>& image, double factor) {
  // The smallest factor keeps the number of taps, 4 / factor, an int.
  if (!(factor >= 1e-6 && std::isfinite(factor))) {
    throw Error(ErrorKind::usage,
                message("imresize: the factor must be finite and at least 1e-6, got ", factor));
  }
  return resize(image, std::ceil(image.width * factor), std::ceil(image.height * factor), factor);
}

void check_scale(const char* operation, int scale) {
  if (scale < 1 || scale > 1000000) {
    throw Error(ErrorKind::usage,
                message(operation, ": the scale must be 1 to 1000000, got ", scale));
  }
}

template <class Sample>
ImageOf<Sample> shrink(const ImageOf<Sample>& image, int scale) {
  check_scale("downscale", scale);
  // In whole numbers: n * (1.0 / scale) may come out a little above n / scale.
  const auto side = [scale](int n) { return n / scale + (n % scale != 0 ? 1 : 0); };
  return resize(image, side(image.width), side(image.height), 1.0 / scale);
}

template <class Sample>
ImageOf<Sample> enlarge(const ImageOf<Sample>& image, int scale) {
  check_scale("upscale", scale);
  return resize_by(image, scale);
}

}  // namespace

Image8 imresize(const Image8& image, double factor) {
  return resize_by(image, factor);
}
Plane imresize(const Plane& image, double factor) {
  return resize_by(image, factor);
}
Image8 downscale(const Image8& image, int scale) {
  return shrink(image, scale);
}
Plane downscale(const Plane& image, int scale) {
  return shrink(image, scale);
}
Image8 upscale(const Image8& image, int scale) {
  return enlarge(image, scale);
}
Plane upscale(const Plane& image, int scale) {
  return enlarge(image, scale);
}

}  // namespace pisr
