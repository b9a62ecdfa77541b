#include "pisr/image/exif.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

namespace pisr {
namespace {

constexpr unsigned kImageWidth = 0x0100;
constexpr unsigned kImageLength = 0x0101;
constexpr unsigned kOrientation = 0x0112;
constexpr unsigned kXResolution = 0x011a;
constexpr unsigned kYResolution = 0x011b;
constexpr unsigned kResolutionUnit = 0x0128;
constexpr unsigned kExifDirectory = 0x8769;
constexpr unsigned kPixelXDimension = 0xa002;
constexpr unsigned kPixelYDimension = 0xa003;

constexpr unsigned kShort = 3;
constexpr unsigned kLong = 4;
constexpr unsigned kRational = 5;

constexpr std::size_t kHeader = 8;
constexpr std::size_t kEntry = 12;  ///< tag, type, count, value or its offset

constexpr double kInch = 0.0254;
constexpr double kCentimetre = 0.01;

/// Numbers of the structure's byte order. Offsets are checked by whoever calls.
template <class Byte>
class Directories {
 public:
  explicit Directories(std::span<Byte> bytes) : bytes_(bytes) {
    if (bytes.size() >= kHeader) {
      little_ = bytes[0] == std::byte{'I'} && bytes[1] == std::byte{'I'};
      const bool big = bytes[0] == std::byte{'M'} && bytes[1] == std::byte{'M'};
      valid_ = (little_ || big) && number(2, 2) == 42;
    }
  }

  /// The offset of the first directory; 0 where the structure is none.
  std::size_t first() const { return valid_ ? number(4, 4) : 0; }

  std::uint32_t number(std::size_t at, int count) const {
    std::uint32_t value = 0;
    for (int i = 0; i < count; ++i) {
      const std::size_t byte = at + static_cast<std::size_t>(little_ ? count - 1 - i : i);
      value = value << 8 | std::to_integer<std::uint32_t>(bytes_[byte]);
    }
    return value;
  }

  void set_number(std::size_t at, int count, std::uint32_t value) {
    for (int i = 0; i < count; ++i) {
      const std::size_t byte = at + static_cast<std::size_t>(little_ ? i : count - 1 - i);
      bytes_[byte] = static_cast<std::byte>(value >> (8 * i) & 0xff);
    }
  }

  /// The offset of the directory's entry with that tag and a count of 1; 0 where there is none.
  std::size_t find(std::size_t directory, unsigned tag) const {
    if (directory < kHeader || directory > bytes_.size() - 2) {
      return 0;
    }
    const std::size_t whole = (bytes_.size() - directory - 2) / kEntry;
    const std::size_t count = std::min<std::size_t>(number(directory, 2), whole);
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t entry = directory + 2 + i * kEntry;
      if (number(entry, 2) == tag && number(entry + 4, 4) == 1) {
        return entry;
      }
    }
    return 0;
  }

  /// The value of an entry that is a SHORT or LONG.
  std::optional<std::uint32_t> integer(std::size_t entry) const {
    const unsigned type = entry == 0 ? 0 : number(entry + 2, 2);
    if (type != kShort && type != kLong) {
      return std::nullopt;
    }
    return number(entry + 8, type == kShort ? 2 : 4);
  }

  /// Where the two numbers of an entry that is a RATIONAL lie; 0 where that is not inside.
  std::size_t rational(std::size_t entry) const {
    if (entry == 0 || number(entry + 2, 2) != kRational) {
      return 0;
    }
    const std::size_t at = number(entry + 8, 4);
    return at >= kHeader && at <= bytes_.size() && bytes_.size() - at >= 8 ? at : 0;
  }

 private:
  std::span<Byte> bytes_;
  bool little_ = false;
  bool valid_ = false;
};

using Reader = Directories<const std::byte>;
using Editor = Directories<std::byte>;

/// Metres of the unit in which the first directory counts; 0 for none.
template <class Byte>
double unit_of(const Directories<Byte>& tiff) {
  // The default of the standard, where the tag is absent, is an inch.
  const std::uint32_t unit = tiff.integer(tiff.find(tiff.first(), kResolutionUnit)).value_or(2);
  return unit == 2 ? kInch : unit == 3 ? kCentimetre : 0;
}

void set_size(Editor& tiff, std::size_t directory, unsigned tag, int size) {
  const std::size_t entry = tiff.find(directory, tag);
  if (!tiff.integer(entry)) {
    return;
  }
  // A LONG holds what a SHORT may not, and takes the same four bytes.
  tiff.set_number(entry + 2, 2, kLong);
  tiff.set_number(entry + 8, 4, static_cast<std::uint32_t>(size));
}

}  // namespace

bool is_exif(std::span<const std::byte> bytes) {
  return Reader(bytes).first() != 0;
}

int exif_orientation(std::span<const std::byte> exif) {
  const Reader tiff(exif);
  const std::uint32_t value = tiff.integer(tiff.find(tiff.first(), kOrientation)).value_or(1);
  return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
}

std::optional<PixelDensity> exif_density(std::span<const std::byte> exif) {
  const Reader tiff(exif);
  const std::size_t x = tiff.rational(tiff.find(tiff.first(), kXResolution));
  const std::size_t y = tiff.rational(tiff.find(tiff.first(), kYResolution));
  const double unit = unit_of(tiff);
  if (x == 0 || y == 0 || unit == 0) {
    return std::nullopt;
  }
  const auto per_metre = [&](std::size_t at) {
    const std::uint32_t below = tiff.number(at + 4, 4);
    return below == 0 ? 0.0 : tiff.number(at, 4) / (below * unit);
  };
  const PixelDensity density = {per_metre(x), per_metre(y), true};
  return density.x > 0 && density.y > 0 ? std::optional(density) : std::nullopt;
}

void set_exif_orientation(std::span<std::byte> exif, int orientation) {
  Editor tiff(exif);
  const std::size_t entry = tiff.find(tiff.first(), kOrientation);
  if (tiff.integer(entry)) {
    const int bytes = tiff.number(entry + 2, 2) == kShort ? 2 : 4;
    tiff.set_number(entry + 8, bytes, static_cast<std::uint32_t>(orientation));
  }
}

void set_exif_size(std::span<std::byte> exif, int width, int height) {
  Editor tiff(exif);
  set_size(tiff, tiff.first(), kImageWidth, width);
  set_size(tiff, tiff.first(), kImageLength, height);
  if (const auto directory = tiff.integer(tiff.find(tiff.first(), kExifDirectory))) {
    set_size(tiff, *directory, kPixelXDimension, width);
    set_size(tiff, *directory, kPixelYDimension, height);
  }
}

void set_exif_density(std::span<std::byte> exif, const PixelDensity& density) {
  Editor tiff(exif);
  const std::size_t x = tiff.rational(tiff.find(tiff.first(), kXResolution));
  const std::size_t y = tiff.rational(tiff.find(tiff.first(), kYResolution));
  const double unit = unit_of(tiff);
  if (x == 0 || y == 0 || unit == 0 || !density.per_metre) {
    return;
  }
  constexpr double kBelow = 1000;
  const auto set = [&](std::size_t at, double per_metre) {
    const double above = std::clamp(std::round(per_metre * unit * kBelow), 0.0,
                                    double{std::numeric_limits<std::uint32_t>::max()});
    tiff.set_number(at, 4, static_cast<std::uint32_t>(above));
    tiff.set_number(at + 4, 4, static_cast<std::uint32_t>(kBelow));
  };
  set(x, density.x);
  set(y, density.y);
}

}  // namespace pisr
