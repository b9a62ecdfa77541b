#include "pisr/image/image.h"

#include <algorithm>

#include "core/error.h"

namespace pisr {

template <class Sample>
ImageOf<Sample> first_channels(const ImageOf<Sample>& image, int channels) {
  if (channels < 1 || channels > image.channels) {
    throw Error(ErrorKind::usage, message("first_channels: channels must be 1 to ", image.channels,
                                          " of this image, got ", channels));
  }
  if (channels == image.channels) {
    return image;
  }
  ImageOf<Sample> result(image.width, image.height, channels);
  const std::size_t pixels = static_cast<std::size_t>(image.width) * image.height;
  for (std::size_t i = 0; i < pixels; ++i) {
    std::copy_n(&image.samples[i * image.channels], channels, &result.samples[i * channels]);
  }
  return result;
}

template <class Sample>
ImageOf<Sample> without_alpha(ImageOf<Sample> image) {
  if (image.has_alpha()) {
    return first_channels(image, image.channels - 1);
  }
  return image;
}

template <class Sample>
ImageOf<Sample> crop(const ImageOf<Sample>& image, int left, int top, int width, int height) {
  if (left < 0 || top < 0 || width < 1 || height < 1 || left > image.width - width ||
      top > image.height - height) {
    throw Error(ErrorKind::usage,
                message("crop: ", width, "x", height, " at (", left, ", ", top,
                        ") must lie in the image of ", image.width, "x", image.height));
  }
  ImageOf<Sample> result(width, height, image.channels);
  for (int y = 0; y < height; ++y) {
    const Sample* from = image.row(top + y) + static_cast<std::size_t>(left) * image.channels;
    std::copy_n(from, static_cast<std::size_t>(width) * image.channels, result.row(y));
  }
  return result;
}

template <class Sample>
ImageOf<Sample> crop_to_multiple(const ImageOf<Sample>& image, int scale) {
  if (scale < 1 || image.width < scale || image.height < scale) {
    throw Error(ErrorKind::usage,
                message("crop_to_multiple: the image must have at least ", scale, "x", scale,
                        " pixels, got ", image.width, "x", image.height));
  }
  const int width = image.width - image.width % scale;
  const int height = image.height - image.height % scale;
  if (width == image.width && height == image.height) {
    return image;
  }
  return crop(image, 0, 0, width, height);
}

template <class Sample>
ImageOf<Sample> shave(const ImageOf<Sample>& image, int border) {
  // Compared by halves: 2 * border might overflow.
  if (border < 0 || border > (image.width - 1) / 2 || border > (image.height - 1) / 2 ||
      image.width < 1 || image.height < 1) {
    throw Error(ErrorKind::usage,
                message("shave: cannot take ", border, " samples from each side of an image of ",
                        image.width, "x", image.height));
  }
  return crop(image, border, border, image.width - 2 * border, image.height - 2 * border);
}

template Image8 first_channels(const Image8&, int);
template Image16 first_channels(const Image16&, int);
template Plane first_channels(const Plane&, int);
template Image8 without_alpha(Image8);
template Image16 without_alpha(Image16);
template Image8 crop(const Image8&, int, int, int, int);
template Image16 crop(const Image16&, int, int, int, int);
template Plane crop(const Plane&, int, int, int, int);
template Image8 crop_to_multiple(const Image8&, int);
template Image16 crop_to_multiple(const Image16&, int);
template Plane crop_to_multiple(const Plane&, int);
template Image8 shave(const Image8&, int);
template Image16 shave(const Image16&, int);
template Plane shave(const Plane&, int);

}  // namespace pisr
