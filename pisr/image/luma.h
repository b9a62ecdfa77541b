#pragma once

#include <cstdint>

#include "pisr/image/image.h"

namespace pisr {

/// Luminance as MATLAB's rgb2ycbcr has it (ITU-R BT.601, range 16..235 of 0..255):
///   Y = 16 + (65.481 R + 128.553 G + 24.966 B), R, G, B in 0..1
/// in floating point, not rounded. The values of a grey image, on 0..255, are taken as Y. Alpha is
/// ignored. A 16 bit sample v counts as v / 257.
Plane luma(const Image8& image);
Plane luma(const Image16& image);
Plane luma(const Plane& image);

/// Each value rounded half up to a whole number and clamped to 0..255. Error numeric where one is
/// not finite.
Plane round_to_8_bit(const Plane& plane);

/// Y, Cb and Cr of one image, on the scale 0..255 (Y 16..235, Cb and Cr 16..240 about 128), not
/// rounded.
struct YCbCr {
  Plane y;
  Plane cb;
  Plane cr;
};

/// BT.601 of an RGB image: 3 or 4 channels, alpha ignored. Error usage for a grey image.
YCbCr to_ycbcr(const Image8& image);
YCbCr to_ycbcr(const Image16& image);

/// R, G and B on 0..255, not rounded (16 bit: v / 257), [h, w, 3]. A grey image has its value in
/// each. Alpha is ignored.
Plane to_rgb(const Image8& image);
Plane to_rgb(const Image16& image);

/// The grey image [h, w] of the luminance of [h, w, 3]: the mean of R, G and B with the weights
/// that luma() gives them.
Plane to_grey(const Plane& rgb);

/// The inverse of to_ycbcr: R, G and B on 0..255, neither rounded nor clamped, [h, w, 3]. Error
/// usage where the planes differ in size.
Plane to_rgb(const YCbCr& image);

/// One channel as a plane on 0..255 (16 bit samples: v / 257). Error usage for an index the image
/// does not have.
Plane channel(const Image8& image, int index);
Plane channel(const Image16& image, int index);

/// The one rounding at the end: values on 0..255, rounded half up and clamped to the depth's range
/// (16 bit: 257 v). Any number of channels. Error numeric where a value is not finite.
Image8 to_image8(const Plane& plane);
Image16 to_image16(const Plane& plane);

/// `image` with the one-channel `alpha` as an additional last channel. Error usage where their
/// sizes differ.
Plane append_channel(const Plane& image, const Plane& alpha);

}  // namespace pisr
