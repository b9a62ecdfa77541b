#pragma once

#include <cstdint>

#include "pisr/image/image.h"

namespace pisr {

/// One "dead leaves" image: shapes of power-law size occlude one another until every pixel is
/// covered, as objects do in a photograph (Lee, Mumford, Huang, "Occlusion Models for Natural
/// Images", IJCV 2001). Radii have density r^-3 between 2 and 150 px; 40 % discs, 25 % ellipses,
/// 35 % polygons; a few luminances with a slight tint; linear gradients, sinusoids and 1/f noise as
/// textures; rendered at twice the size and averaged down. RGB, [height, width, 3].
///
/// A pure function of its arguments, drawn from Random(seed, RandomUse::dead_leaves, index), so the
/// caller may make images in parallel. Error(usage) where a side is not 1..8192.
Image8 dead_leaves(std::uint64_t seed, std::uint64_t index, int width, int height);

}  // namespace pisr
