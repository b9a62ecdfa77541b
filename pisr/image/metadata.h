#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace pisr {

/// Samples a length in both directions.
struct PixelDensity {
  double x = 0, y = 0;
  /// Per metre; otherwise only the ratio of x to y means something.
  bool per_metre = false;
};

/// A TIFF directory entry that is carried over as it is, e.g. those of GeoTIFF.
struct TiffTag {
  std::uint16_t tag = 0;
  std::uint16_t type = 0;  ///< of TIFF 6.0: 2 ASCII, 3 SHORT, 4 LONG, 12 DOUBLE, ...
  std::uint64_t count = 0;
  std::vector<std::byte> values;  ///< of the machine's byte order
};

/// What a file tells of its picture beside the samples.
struct ImageMetadata {
  std::vector<std::byte> icc;   ///< an ICC profile; empty: none
  std::vector<std::byte> exif;  ///< the TIFF structure, from "II" or "MM" on; empty: none
  /// How the picture stands, as EXIF counts: 1 as it is stored, ... 6 to be turned clockwise by 90
  /// degrees, ... 8. A reader sets it from `exif`, or from the tag of a TIFF file.
  int orientation = 1;
  std::optional<double> gamma;  ///< of a PNG's gAMA, e.g. 0.45455
  std::optional<std::array<double, 8>>
      chromaticities;                   ///< of cHRM: x, y of white, red, green, blue
  std::optional<int> rendering_intent;  ///< of a PNG's sRGB, 0..3
  std::optional<PixelDensity> density;
  std::vector<TiffTag> tiff_tags;
};

/// The metadata of the image enlarged `scale` times in both directions: its density, and where
/// GeoTIFF puts its pixels. Fields of GeoTIFF that are not of its types are left out.
ImageMetadata enlarged(ImageMetadata metadata, int scale);

}  // namespace pisr
