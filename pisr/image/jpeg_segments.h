#pragma once
// What a JPEG file holds beside its samples. Not for users of the library.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "pisr/image/byte_source.h"
#include "pisr/image/metadata.h"

namespace pisr {

/// Where EXIF begins in its segment, and a part of an ICC profile in one of its.
inline constexpr std::string_view kExifPrefix = {"Exif\0\0", 6};
inline constexpr std::string_view kIccPrefix = {"ICC_PROFILE\0", 12};
inline constexpr std::size_t kIccPartHeader = kIccPrefix.size() + 2;  ///< the part and their count
/// The bytes of a segment without its two of length.
inline constexpr std::size_t kMostSegment = 65533;

/// What the segments of a JPEG file say beside the samples.
struct JpegOutline {
  ImageMetadata metadata;  ///< the density that EXIF tells
  /// What was odd, a line each, without the file's name.
  std::vector<std::string> warnings;
};

/// Walks through the segments before the samples. Damage is no error here.
JpegOutline outline_jpeg(const ByteSource& source);

}  // namespace pisr
