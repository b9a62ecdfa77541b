#pragma once

#include <cstddef>

#include "pisr/image/image_stream.h"

namespace pisr {

/// What the planes of an image are beside its alpha.
enum class PlaneKind {
  grey,   ///< one plane
  ycbcr,  ///< Y, Cb and Cr of ITU-R BT.601 as in luma.h, over 255
  rgb     ///< R, G and B; of a grey image all three are its samples
};

/// Of how many planes an image consists, without its alpha.
int planes_of(PlaneKind kind);

/// Splits a row of samples as `info` describes them into planes [info.width] on 0..1,
/// planes_of(kind) and one more for alpha. 8 bit samples are over 255, those of 16 bits over 65535,
/// floating point is taken as it is. Computed in double precision and rounded once. `row` is
/// aligned as its samples.
void split_row(const ImageInfo& info, PlaneKind kind, const std::byte* row, float* const* planes);

/// The inverse, in single precision: clamped and rounded half up to the depth, but not in floating
/// point. Of a grey image, whose `kind` is rgb, the luminance over its range. False where a value
/// is not finite, whose place `wrong` is then told; the row is then of no use.
bool join_row(const ImageInfo& info, PlaneKind kind, const float* const* planes, std::byte* row,
              int& wrong);

}  // namespace pisr
