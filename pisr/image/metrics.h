#pragma once

#include "pisr/image/image.h"

namespace pisr {

/// The side of SSIM's window.
inline constexpr int kSsimWindow = 11;

/// Peak signal-to-noise ratio in dB of two planes on 0..255, 10 log10(255^2 / mean (a - b)^2),
/// without `border` samples at each side; infinite where they are equal, NaN where a value is NaN.
/// Error usage where sizes differ or nothing is left.
double psnr(const Plane& a, const Plane& b, int border = 0);

/// Mean structural similarity (Wang et al., 2004) of two planes on 0..255, without `border` samples
/// at each side: Gaussian window 11 x 11, sigma 1.5, K1 = 0.01, K2 = 0.03, at the positions where
/// the window lies inside the plane. Error usage where sizes differ or fewer than 11 x 11 samples
/// are left.
double ssim(const Plane& a, const Plane& b, int border = 0);

}  // namespace pisr
