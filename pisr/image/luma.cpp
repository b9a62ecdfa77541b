#include "pisr/image/luma.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "core/error.h"
#include "pisr/image/bt601.h"

namespace pisr {
namespace {

/// A sample on 0..255.
double value_of(std::uint8_t sample) {
  return sample;
}
double value_of(std::uint16_t sample) {
  return sample / 257.0;
}
double value_of(double sample) {
  return sample;
}

std::string size_of(int width, int height, int channels) {
  return message(width, "x", height, " with ", channels, " channels");
}

template <class Sample>
Plane channel_of(const ImageOf<Sample>& image, int index) {
  if (index < 0 || index >= image.channels) {
    throw Error(ErrorKind::usage,
                message("channel: index must be 0 to ", image.channels - 1, ", got ", index));
  }
  Plane result(image.width, image.height, 1);
  for (std::size_t i = 0; i < result.samples.size(); ++i) {
    result.samples[i] = value_of(image.samples[i * image.channels + index]);
  }
  return result;
}

template <class Sample>
Plane luma_of(const ImageOf<Sample>& image) {
  if (image.is_grey()) {
    return channel_of(image, 0);
  }
  Plane result(image.width, image.height, 1);
  for (std::size_t i = 0; i < result.samples.size(); ++i) {
    const Sample* rgb = &image.samples[i * image.channels];
    result.samples[i] =
        16 +
        (65.481 * value_of(rgb[0]) + 128.553 * value_of(rgb[1]) + 24.966 * value_of(rgb[2])) / 255;
  }
  return result;
}

template <class Sample>
YCbCr ycbcr_of(const ImageOf<Sample>& image) {
  if (image.channels < 3) {
    throw Error(ErrorKind::usage, message("to_ycbcr: the image must be RGB, got ",
                                          size_of(image.width, image.height, image.channels)));
  }
  YCbCr result;
  result.y = luma(image);
  result.cb = Plane(image.width, image.height, 1);
  result.cr = Plane(image.width, image.height, 1);
  for (std::size_t i = 0; i < result.y.samples.size(); ++i) {
    const Sample* rgb = &image.samples[i * image.channels];
    const double r = value_of(rgb[0]);
    const double g = value_of(rgb[1]);
    const double b = value_of(rgb[2]);
    result.cb.samples[i] = 128 + (-37.797 * r - 74.203 * g + 112.0 * b) / 255;
    result.cr.samples[i] = 128 + (112.0 * r - 93.786 * g - 18.214 * b) / 255;
  }
  return result;
}

template <class Sample>
Plane rgb_of(const ImageOf<Sample>& image) {
  Plane result(image.width, image.height, 3);
  const int step = image.is_grey() ? 0 : 1;
  for (std::size_t i = 0; i < result.samples.size(); ++i) {
    const std::size_t pixel = i / 3 * static_cast<std::size_t>(image.channels);
    result.samples[i] = value_of(image.samples[pixel + i % 3 * step]);
  }
  return result;
}

template <class Sample>
ImageOf<Sample> rounded(const Plane& plane, const char* operation) {
  constexpr double kLargest = std::numeric_limits<Sample>::max();
  // As in imresize: a sum of exactly k + 0.5 may come out a few ulp low.
  constexpr double kHalf = 0.5 + 1e-9;
  ImageOf<Sample> result(plane.width, plane.height, plane.channels);
  for (std::size_t i = 0; i < plane.samples.size(); ++i) {
    if (!std::isfinite(plane.samples[i])) {
      throw Error(ErrorKind::numeric, message(operation, ": value ", i, " of ",
                                              plane.samples.size(), " is not finite"));
    }
    result.samples[i] =
        static_cast<Sample>(std::clamp(plane.samples[i] * (kLargest / 255) + kHalf, 0.0, kLargest));
  }
  return result;
}

}  // namespace

Plane luma(const Image8& image) {
  return luma_of(image);
}
Plane luma(const Image16& image) {
  return luma_of(image);
}
Plane luma(const Plane& image) {
  return luma_of(image);
}
Plane to_rgb(const Image8& image) {
  return rgb_of(image);
}
Plane to_rgb(const Image16& image) {
  return rgb_of(image);
}
YCbCr to_ycbcr(const Image8& image) {
  return ycbcr_of(image);
}
YCbCr to_ycbcr(const Image16& image) {
  return ycbcr_of(image);
}
Plane channel(const Image8& image, int index) {
  return channel_of(image, index);
}
Plane channel(const Image16& image, int index) {
  return channel_of(image, index);
}
Image8 to_image8(const Plane& plane) {
  return rounded<std::uint8_t>(plane, "to_image8");
}
Image16 to_image16(const Plane& plane) {
  return rounded<std::uint16_t>(plane, "to_image16");
}

Plane round_to_8_bit(const Plane& plane) {
  const Image8 image = rounded<std::uint8_t>(plane, "round_to_8_bit");
  Plane result(plane.width, plane.height, plane.channels);
  std::copy(image.samples.begin(), image.samples.end(), result.samples.begin());
  return result;
}

Plane to_rgb(const YCbCr& image) {
  const Plane& y = image.y;
  for (const Plane* plane : {&image.y, &image.cb, &image.cr}) {
    if (plane->width != y.width || plane->height != y.height || plane->channels != 1) {
      throw Error(ErrorKind::usage, message("to_rgb: the planes must be of one size, got ",
                                            size_of(y.width, y.height, 1), " and ",
                                            size_of(plane->width, plane->height, plane->channels)));
    }
  }
  Plane result(y.width, y.height, 3);
  for (std::size_t i = 0; i < y.samples.size(); ++i) {
    const double luminance = y.samples[i] - 16;
    const double blue = image.cb.samples[i] - 128;
    const double red = image.cr.samples[i] - 128;
    for (int c = 0; c < 3; ++c) {
      result.samples[3 * i + c] =
          kRgbOfYCbCr[c][0] * luminance + kRgbOfYCbCr[c][1] * blue + kRgbOfYCbCr[c][2] * red;
    }
  }
  return result;
}

Plane to_grey(const Plane& rgb) {
  Plane result = luma(rgb);
  // Of 0..255, luminance has 16..235.
  for (double& sample : result.samples) {
    sample = (sample - 16) * 255 / 219;
  }
  return result;
}

Plane append_channel(const Plane& image, const Plane& alpha) {
  if (image.width != alpha.width || image.height != alpha.height || alpha.channels != 1) {
    throw Error(ErrorKind::usage,
                message("append_channel: image and alpha must be of one size, got ",
                        size_of(image.width, image.height, image.channels), " and ",
                        size_of(alpha.width, alpha.height, alpha.channels)));
  }
  Plane result(image.width, image.height, image.channels + 1);
  for (std::size_t i = 0; i < alpha.samples.size(); ++i) {
    double* to = &result.samples[i * result.channels];
    std::copy_n(&image.samples[i * image.channels], image.channels, to);
    to[image.channels] = alpha.samples[i];
  }
  return result;
}

}  // namespace pisr
