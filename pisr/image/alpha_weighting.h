#pragma once

#include "pisr/image/float_planes.h"

namespace pisr {

/// How many rows and columns around a pixel fill_hidden() looks at.
inline constexpr int kHiddenReach = 8;

/// Whether all of `alpha` is 1.
bool is_opaque(const PlanesView& alpha);

/// Gives the pixels whose alpha is small beside that of their neighbours the colours of these, so
/// that a network sees no edge between what is visible and what is hidden. A pixel of alpha a keeps
/// the part w = min(1, 8 a / m) of its colour, m the largest alpha within two pixels; the rest is
/// the mean of the pixels within kHiddenReach, weighted by their alpha and 4^-(|dx| + |dy|). Where
/// all of these are transparent it is 1/2. Alpha 1 is never changed, and alpha 0 has no part in
/// anything. `alpha` is [1, h, w] on 0..1, `colours` are [c, h, w].
void fill_hidden(const PlanesView& alpha, FloatPlanes& colours);

/// [c, h, w] times the alpha of each pixel; 0 where that is 0.
void multiply_by_alpha(const PlanesView& alpha, FloatPlanes& colours);

}  // namespace pisr
