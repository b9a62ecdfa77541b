#include <algorithm>
#include <array>
#include <cmath>

#include "pisr/image/tiff_file.h"

namespace pisr {
namespace {

/// GeoTIFF's fields, and GDAL's.
constexpr std::array<std::uint16_t, 8> kKept = {33550, 33922, 34264, 34735,
                                                34736, 34737, 42112, 42113};

constexpr double kMetresOfInch = 0.0254;
constexpr double kMetresOfCentimetre = 0.01;

void read_density(TIFF* tiff, ImageMetadata& metadata) {
  float x = 0;
  float y = 0;
  if (TIFFGetField(tiff, TIFFTAG_XRESOLUTION, &x) == 0 ||
      TIFFGetField(tiff, TIFFTAG_YRESOLUTION, &y) == 0 || !(x > 0) || !(y > 0) ||
      !std::isfinite(x) || !std::isfinite(y)) {
    return;
  }
  std::uint16_t unit = RESUNIT_INCH;
  TIFFGetFieldDefaulted(tiff, TIFFTAG_RESOLUTIONUNIT, &unit);
  const double length = unit == RESUNIT_INCH         ? kMetresOfInch
                        : unit == RESUNIT_CENTIMETER ? kMetresOfCentimetre
                                                     : 1;
  const bool per_metre = unit == RESUNIT_INCH || unit == RESUNIT_CENTIMETER;
  metadata.density = PixelDensity{x / length, y / length, per_metre};
}

void read_kept(TIFF* tiff, ImageMetadata& metadata) {
  for (const std::uint16_t tag : kKept) {
    const TIFFField* const field = TIFFFindField(tiff, tag, TIFF_ANY);
    if (field == nullptr || TIFFFieldPassCount(field) == 0 ||
        TIFFFieldReadCount(field) != TIFF_VARIABLE2) {
      continue;  // libtiff makes such a field for each it does not know
    }
    std::uint32_t count = 0;
    const void* values = nullptr;
    if (TIFFGetField(tiff, tag, &count, &values) == 0 || count == 0 || values == nullptr) {
      continue;
    }
    const TIFFDataType type = TIFFFieldDataType(field);
    const auto* const bytes = static_cast<const std::byte*>(values);
    const std::size_t size = std::size_t{count} * TIFFDataWidth(type);
    metadata.tiff_tags.push_back(
        {tag, static_cast<std::uint16_t>(type), count, {bytes, bytes + size}});
  }
}

}  // namespace

ImageMetadata read_tiff_metadata(TIFF* tiff) {
  ImageMetadata metadata;
  std::uint32_t count = 0;
  const void* profile = nullptr;
  if (TIFFGetField(tiff, TIFFTAG_ICCPROFILE, &count, &profile) != 0 && profile != nullptr) {
    const auto* const bytes = static_cast<const std::byte*>(profile);
    metadata.icc.assign(bytes, bytes + count);
  }
  std::uint16_t orientation = ORIENTATION_TOPLEFT;
  TIFFGetFieldDefaulted(tiff, TIFFTAG_ORIENTATION, &orientation);
  if (orientation >= 1 && orientation <= 8) {
    metadata.orientation = orientation;
  }
  read_density(tiff, metadata);
  read_kept(tiff, metadata);
  return metadata;
}

bool set_tiff_metadata(TIFF* tiff, const ImageMetadata& metadata) {
  bool done = TIFFSetField(tiff, TIFFTAG_ORIENTATION, metadata.orientation) != 0;
  if (!metadata.icc.empty()) {
    done = done &&
           TIFFSetField(tiff, TIFFTAG_ICCPROFILE, static_cast<std::uint32_t>(metadata.icc.size()),
                        metadata.icc.data()) != 0;
  }
  if (const auto& density = metadata.density) {
    const double length = density->per_metre ? kMetresOfInch : 1;
    done = done &&
           TIFFSetField(tiff, TIFFTAG_RESOLUTIONUNIT,
                        density->per_metre ? RESUNIT_INCH : RESUNIT_NONE) != 0 &&
           TIFFSetField(tiff, TIFFTAG_XRESOLUTION, density->x * length) != 0 &&
           TIFFSetField(tiff, TIFFTAG_YRESOLUTION, density->y * length) != 0;
  }
  static char name[] = "kept";  // libtiff wants it to live on, and to be writable
  for (const TiffTag& tag : metadata.tiff_tags) {
    const auto type = static_cast<TIFFDataType>(tag.type);
    if (std::ranges::find(kKept, tag.tag) == kKept.end() || TIFFDataWidth(type) == 0 ||
        tag.count * TIFFDataWidth(type) != tag.values.size()) {
      continue;
    }
    const TIFFFieldInfo info = {tag.tag, TIFF_VARIABLE2, TIFF_VARIABLE2, type, FIELD_CUSTOM, 1, 1,
                                name};
    done =
        done && TIFFMergeFieldInfo(tiff, &info, 1) == 0 &&
        TIFFSetField(tiff, tag.tag, static_cast<std::uint32_t>(tag.count), tag.values.data()) != 0;
  }
  return done;
}

}  // namespace pisr
