#pragma once

#include <vector>

#include "pisr/image/image.h"

namespace pisr {

/// The magnitude of a plane's Fourier transform along the u axis, v = 0:
///   |F(u, 0)| / (w h),  F(u, v) = sum of f(x, y) exp(-2 pi i (u x / w + v y / h))
/// for u = 0, 1, ..., w / 2, which are u / w cycles per pixel. u = 0 is the mean. `plane` has one
/// channel and at least one pixel.
std::vector<double> spectrum_along_u(const Plane& plane);

/// How the values of a plane are spread.
struct Histogram {
  std::vector<double> shares;  ///< of all values, in bins of equal width from 0 to 255
  double outside = 0;          ///< the share below 0 or above 255
};

/// Of a plane on 0..255 with at least one pixel, all its channels together; the last bin has 255
/// too.
Histogram histogram_of(const Plane& plane, int bins);

}  // namespace pisr
