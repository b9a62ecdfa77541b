#pragma once

#include "pisr/image/image_io.h"

namespace pisr {

/// Whether a picture that is stored so has its width and height exchanged when it stands upright.
bool is_turned(int orientation);

/// The picture as it is to be seen, where it is stored in EXIF's `orientation`, 1..8.
AnyImage upright(const AnyImage& image, int orientation);

}  // namespace pisr
