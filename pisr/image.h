#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace pisr {

/// Samples in rows from the top, channels interleaved: [height, width, channels].
/// Channels: 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha.
template <class Sample>
struct ImageOf {
  int width = 0;
  int height = 0;
  int channels = 0;
  std::vector<Sample> samples;

  ImageOf() = default;
  ImageOf(int w, int h, int c)
      : width(w), height(h), channels(c), samples(static_cast<std::size_t>(w) * h * c) {}

  Sample* row(int y) { return samples.data() + static_cast<std::size_t>(y) * width * channels; }
  const Sample* row(int y) const {
    return samples.data() + static_cast<std::size_t>(y) * width * channels;
  }
  Sample& at(int x, int y, int c = 0) { return row(y)[static_cast<std::size_t>(x) * channels + c]; }
  const Sample& at(int x, int y, int c = 0) const {
    return row(y)[static_cast<std::size_t>(x) * channels + c];
  }
};

using Image8 = ImageOf<std::uint8_t>;
using Image16 = ImageOf<std::uint16_t>;
/// One channel of real numbers, e.g. luminance. Range 0..255 unless a function says 0..1.
using Plane = ImageOf<double>;

/// The image cropped at the right and bottom to a multiple of `scale`.
template <class Sample>
ImageOf<Sample> crop_to_multiple(const ImageOf<Sample>& image, int scale);

}  // namespace pisr
