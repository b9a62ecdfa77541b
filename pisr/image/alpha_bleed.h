#pragma once

#include <initializer_list>

#include "pisr/image/image.h"

namespace pisr {

/// Gives each pixel of `planes` that is wholly transparent (alpha 0) the mean of its nearest
/// neighbours that are not, growing outwards ring by ring. Enlarging then mixes no hidden colour
/// into visible edges. `alpha` is [h, w], the planes are [h, w, c]. Without a visible pixel
/// nothing changes.
void bleed_under_alpha(const Plane& alpha, std::initializer_list<Plane*> planes);

}  // namespace pisr
