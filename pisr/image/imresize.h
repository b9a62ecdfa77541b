#pragma once

#include "pisr/image/image.h"

namespace pisr {

/// MATLAB's imresize(image, factor, 'bicubic'): Keys' cubic kernel, a = -0.5, stretched by 1/factor
/// when shrinking (antialiasing), weights normalised, border mirrored with the edge sample
/// repeated, vertical pass first. The result has ceil(factor * n) samples a side, of which sample x
/// is centred at (x + 0.5) / factor - 0.5 of the input.
///
/// 8 bit samples are rounded half up and clamped after EACH pass, as MATLAB does; planes are
/// neither rounded nor clamped. Channels are independent, alpha included (it is not multiplied in).
/// Error usage where the factor is not positive and finite or the image is empty, memory where the
/// result would exceed 2^31 - 1 samples a side.
Image8 imresize(const Image8& image, double factor);
Plane imresize(const Plane& image, double factor);

/// imresize by 1 / scale and by scale, scale >= 1.
Image8 downscale(const Image8& image, int scale);
Plane downscale(const Plane& image, int scale);
Image8 upscale(const Image8& image, int scale);
Plane upscale(const Plane& image, int scale);

}  // namespace pisr
