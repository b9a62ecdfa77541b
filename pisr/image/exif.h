#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "pisr/image/metadata.h"

namespace pisr {

// EXIF is a TIFF structure, from "II" or "MM" on. None of these functions fails: what is damaged,
// or points outside, counts as absent.

/// Whether the bytes begin as such a structure.
bool is_exif(std::span<const std::byte> bytes);

/// The orientation of the first directory, 1..8; 1 where it tells none.
int exif_orientation(std::span<const std::byte> exif);

/// Its resolution, per metre; nothing where it tells none, or has no unit.
std::optional<PixelDensity> exif_density(std::span<const std::byte> exif);

/// Changes the orientation, 1..8, where there is one.
void set_exif_orientation(std::span<std::byte> exif, int orientation);

/// Changes the size of the picture, wherever the first directory or the one of EXIF tells it.
void set_exif_size(std::span<std::byte> exif, int width, int height);

/// Changes the resolution of the first directory, where it tells both.
void set_exif_density(std::span<std::byte> exif, const PixelDensity& density);

}  // namespace pisr
