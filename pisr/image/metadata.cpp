#include "pisr/image/metadata.h"

#include <algorithm>
#include <cstring>

namespace pisr {
namespace {

constexpr std::uint16_t kDouble = 12;  // the type of an entry
constexpr std::uint16_t kShort = 3;

constexpr std::uint16_t kPixelScale = 33550;
constexpr std::uint16_t kTiePoints = 33922;
constexpr std::uint16_t kTransformation = 34264;
constexpr std::uint16_t kGeoKeys = 34735;

template <class Number>
std::vector<Number> numbers_of(const TiffTag& tag) {
  std::vector<Number> numbers(tag.values.size() / sizeof(Number));
  std::memcpy(numbers.data(), tag.values.data(), numbers.size() * sizeof(Number));
  return numbers;
}

/// Whether raster coordinates name the middle of a pixel, not its corner: GTRasterTypeGeoKey.
bool names_middles(const std::vector<TiffTag>& tags) {
  constexpr std::uint16_t kRasterType = 1025;
  constexpr std::uint16_t kPixelIsPoint = 2;
  for (const TiffTag& tag : tags) {
    if (tag.tag == kGeoKeys && tag.type == kShort) {
      const std::vector<std::uint16_t> keys = numbers_of<std::uint16_t>(tag);
      for (std::size_t i = 4; i + 3 < keys.size(); i += 4) {
        if (keys[i] == kRasterType) {
          return keys[i + 1] == 0 && keys[i + 3] == kPixelIsPoint;
        }
      }
    }
  }
  return false;
}

/// Raster coordinates of an enlarged image are scale * (I + offset) - offset.
void enlarge_numbers(std::uint16_t tag, std::vector<double>& numbers, int scale, double offset) {
  if (tag == kPixelScale) {
    for (std::size_t i = 0; i < std::min<std::size_t>(numbers.size(), 2); ++i) {
      numbers[i] /= scale;
    }
  } else if (tag == kTiePoints) {
    for (std::size_t i = 0; i + 5 < numbers.size(); i += 6) {  // I, J, K, X, Y, Z
      numbers[i] = scale * (numbers[i] + offset) - offset;
      numbers[i + 1] = scale * (numbers[i + 1] + offset) - offset;
    }
  } else {
    // A row of the matrix gives X, Y or Z of I, J, K and 1.
    for (std::size_t i = 0; i + 3 < numbers.size(); i += 4) {
      const double shift = offset / scale - offset;
      numbers[i + 3] += (numbers[i] + numbers[i + 1]) * shift;
      numbers[i] /= scale;
      numbers[i + 1] /= scale;
    }
  }
}

}  // namespace

ImageMetadata enlarged(ImageMetadata metadata, int scale) {
  if (metadata.density) {
    metadata.density->x *= scale;
    metadata.density->y *= scale;
  }
  const double offset = names_middles(metadata.tiff_tags) ? 0.5 : 0;
  std::erase_if(metadata.tiff_tags, [&](TiffTag& tag) {
    if (tag.tag != kPixelScale && tag.tag != kTiePoints && tag.tag != kTransformation) {
      return false;
    }
    if (tag.type != kDouble || tag.values.size() != tag.count * sizeof(double)) {
      return true;
    }
    std::vector<double> numbers = numbers_of<double>(tag);
    enlarge_numbers(tag.tag, numbers, scale, offset);
    std::memcpy(tag.values.data(), numbers.data(), tag.values.size());
    return false;
  });
  return metadata;
}

}  // namespace pisr
