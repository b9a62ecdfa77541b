#include "pisr/image/jpeg_segments.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <utility>

#include "pisr/image/exif.h"
#include "pisr/image/icc.h"
#include "pisr/image/source_cursor.h"

namespace pisr {
namespace {

constexpr unsigned kStartOfImage = 0xd8;
constexpr unsigned kEndOfImage = 0xd9;
constexpr unsigned kStartOfScan = 0xda;
constexpr unsigned kExifSegment = 0xe1;
constexpr unsigned kIccSegment = 0xe2;

using Data = std::vector<std::byte>;

bool starts_with_text(const Data& data, std::string_view text) {
  return data.size() >= text.size() &&
         std::equal(text.begin(), text.end(), data.begin(),
                    [](char a, std::byte b) { return static_cast<std::byte>(a) == b; });
}

/// Markers that stand alone, without a length and data.
bool stands_alone(unsigned marker) {
  constexpr unsigned kTemporary = 0x01;
  constexpr unsigned kFirstRestart = 0xd0;
  return marker == kTemporary || (marker >= kFirstRestart && marker <= kStartOfImage);
}

/// The parts of a profile, which may come in any order.
class IccParts {
 public:
  void add(const Data& data) {
    const auto number = std::to_integer<std::size_t>(data[kIccPrefix.size()]);
    const auto count = std::to_integer<std::size_t>(data[kIccPrefix.size() + 1]);
    if (parts_.empty()) {
      parts_.resize(count);
    }
    if (number < 1 || number > count || count != parts_.size() || parts_[number - 1]) {
      damaged_ = true;
      return;
    }
    parts_[number - 1] = Data(data.begin() + kIccPartHeader, data.end());
  }

  bool is_empty() const { return parts_.empty() && !damaged_; }

  /// The profile; nothing where it is not whole.
  std::optional<Data> joined() const {
    Data profile;
    for (const std::optional<Data>& part : parts_) {
      if (!part) {
        return std::nullopt;
      }
      profile.insert(profile.end(), part->begin(), part->end());
    }
    return !damaged_ && trim_to_icc_profile(profile) ? std::optional(std::move(profile))
                                                     : std::nullopt;
  }

 private:
  std::vector<std::optional<Data>> parts_;  // 255 of 64 KiB at most
  bool damaged_ = false;
};

class Walk {
 public:
  explicit Walk(const ByteSource& source) : cursor_(source) {}

  JpegOutline run() {
    while (const std::optional<unsigned> marker = next_marker()) {
      if (*marker == kEndOfImage || *marker == kStartOfScan) {
        break;
      }
      if (!stands_alone(*marker) && !read_segment(*marker)) {
        break;
      }
    }
    ImageMetadata& metadata = outline_.metadata;
    if (!icc_.is_empty()) {
      if (auto profile = icc_.joined()) {
        metadata.icc = std::move(*profile);
      } else {
        outline_.warnings.emplace_back("the ICC profile is not whole, left out");
      }
    }
    metadata.orientation = exif_orientation(metadata.exif);
    metadata.density = exif_density(metadata.exif);
    return std::move(outline_);
  }

 private:
  std::optional<unsigned> next_byte() {
    std::array<std::byte, 1> byte;
    return cursor_.read(byte) == 1 ? std::optional(std::to_integer<unsigned>(byte[0]))
                                   : std::nullopt;
  }

  /// The next marker, past fill bytes and what else does not belong there.
  std::optional<unsigned> next_marker() {
    constexpr unsigned kPrefix = 0xff;
    for (;;) {
      std::optional<unsigned> byte = next_byte();
      while (byte && *byte != kPrefix) {
        byte = next_byte();
      }
      while (byte && *byte == kPrefix) {
        byte = next_byte();
      }
      if (!byte || *byte != 0) {
        return byte;
      }
    }
  }

  /// False where the file ends.
  bool read_segment(unsigned marker) {
    const std::optional<unsigned> high = next_byte();
    const std::optional<unsigned> low = next_byte();
    if (!high || !low || *high * 256 + *low < 2) {
      return false;
    }
    const std::size_t size = *high * 256 + *low - 2;
    if (marker != kExifSegment && marker != kIccSegment) {
      cursor_.skip(static_cast<std::int64_t>(size));
      return true;
    }
    Data data(size);
    if (cursor_.read(data) < size) {
      return false;
    }
    if (marker == kIccSegment && data.size() > kIccPartHeader &&
        starts_with_text(data, kIccPrefix)) {
      icc_.add(data);
    } else if (marker == kExifSegment && starts_with_text(data, kExifPrefix)) {
      take_exif(data);
    }
    return true;
  }

  void take_exif(const Data& data) {
    Data exif(data.begin() + kExifPrefix.size(), data.end());
    if (!outline_.metadata.exif.empty()) {
      return;  // the first counts
    }
    if (is_exif(exif)) {
      outline_.metadata.exif = std::move(exif);
    } else if (!warned_) {
      outline_.warnings.emplace_back("EXIF is not valid, left out");
      warned_ = true;
    }
  }

  SourceCursor cursor_;
  JpegOutline outline_;
  IccParts icc_;
  bool warned_ = false;
};

}  // namespace

JpegOutline outline_jpeg(const ByteSource& source) {
  return Walk(source).run();
}

}  // namespace pisr
