#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/export.h"

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
  /// All samples zero. Sizes must not be negative.
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
  bool has_alpha() const { return channels == 2 || channels == 4; }
  bool is_grey() const { return channels <= 2; }
};

using Image8 = ImageOf<std::uint8_t>;
using Image16 = ImageOf<std::uint16_t>;
/// Real numbers, of one channel, e.g. luminance, or of several. Range 0..255 unless a function says
/// 0..1.
using Plane = ImageOf<double>;

/// The first `channels` channels of the image (Error usage where it has fewer).
template <class Sample>
PISR_API ImageOf<Sample> first_channels(const ImageOf<Sample>& image, int channels);

/// The image without its alpha channel, where it has one.
template <class Sample>
PISR_API ImageOf<Sample> without_alpha(ImageOf<Sample> image);

/// The part of the image from (left, top), `width` x `height`; Error usage where it does
/// not lie inside.
template <class Sample>
PISR_API ImageOf<Sample> crop(const ImageOf<Sample>& image, int left, int top, int width,
                              int height);

/// The image cropped at the right and bottom to a multiple of `scale` (Error usage where nothing
/// would be left).
template <class Sample>
PISR_API ImageOf<Sample> crop_to_multiple(const ImageOf<Sample>& image, int scale);

/// The image without `border` samples at each of its four sides (Error usage where nothing would be
/// left).
template <class Sample>
PISR_API ImageOf<Sample> shave(const ImageOf<Sample>& image, int border);

}  // namespace pisr
