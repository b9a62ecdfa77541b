#include "pisr/image/png_chunks.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <optional>
#include <string_view>
#include <utility>

#include "core/error.h"
#include "pisr/image/deflate.h"
#include "pisr/image/exif.h"
#include "pisr/image/icc.h"
#include "pisr/image/source_cursor.h"

namespace pisr {
namespace {

constexpr std::uint32_t kImageData = png_chunk_type("IDAT");
constexpr std::uint32_t kEnd = png_chunk_type("IEND");
constexpr std::uint32_t kAnimation = png_chunk_type("acTL");
constexpr std::uint32_t kText = png_chunk_type("tEXt");
constexpr std::uint32_t kPackedText = png_chunk_type("zTXt");

/// No profile or EXIF of a picture is as large; what a file declares beyond is left out.
constexpr std::size_t kLargestMetadata = std::size_t{1} << 24;
/// A damaged file may hold a warning in each of its chunks.
constexpr std::size_t kMostWarnings = 3;
constexpr double kPngUnit = 100000;

using Data = std::vector<std::byte>;

std::uint32_t number(std::span<const std::byte> bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    value = value << 8 | std::to_integer<std::uint32_t>(bytes[at + i]);
  }
  return value;
}

/// A number as PNG counts them, up to 2^31 - 1.
std::optional<double> fraction(std::span<const std::byte> bytes, std::size_t at) {
  const std::uint32_t value = number(bytes, at);
  return value <= 0x7fffffff ? std::optional(value / kPngUnit) : std::nullopt;
}

/// Where the data begin behind a text that ends with a zero byte; nothing where there is none.
std::optional<std::size_t> after_text(const Data& data) {
  const auto end = std::find(data.begin(), data.end(), std::byte{0});
  return end == data.end() ? std::nullopt : std::optional(end - data.begin() + 1);
}

// Each of these takes over what a chunk holds, and returns whether it is valid.

bool take_gamma(const Data& data, ImageMetadata& metadata) {
  if (data.size() != 4 || number(data, 0) == 0) {
    return false;
  }
  metadata.gamma = fraction(data, 0);
  return metadata.gamma.has_value();
}

bool take_chromaticities(const Data& data, ImageMetadata& metadata) {
  std::array<double, 8> values{};
  if (data.size() != 4 * values.size()) {
    return false;
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::optional<double> value = fraction(data, 4 * i);
    if (!value) {
      return false;
    }
    values[i] = *value;
  }
  metadata.chromaticities = values;
  return true;
}

bool take_rendering_intent(const Data& data, ImageMetadata& metadata) {
  if (data.size() != 1 || data[0] > std::byte{3}) {
    return false;
  }
  metadata.rendering_intent = std::to_integer<int>(data[0]);
  return true;
}

bool take_density(const Data& data, ImageMetadata& metadata) {
  if (data.size() != 9 || data[8] > std::byte{1} || number(data, 0) == 0 || number(data, 4) == 0) {
    return false;
  }
  metadata.density = PixelDensity{static_cast<double>(number(data, 0)),
                                  static_cast<double>(number(data, 4)), data[8] == std::byte{1}};
  return true;
}

bool take_profile(const Data& data, ImageMetadata& metadata) {
  const std::optional<std::size_t> method = after_text(data);
  if (!method || *method == data.size() || data[*method] != std::byte{0}) {
    return false;
  }
  auto profile = unzlib(std::span(data).subspan(*method + 1), kLargestMetadata);
  if (!profile || !trim_to_icc_profile(*profile)) {
    return false;
  }
  metadata.icc = std::move(*profile);
  return true;
}

bool take_exif(Data data, ImageMetadata& metadata) {
  // The chunk holds the structure alone; some programs write JPEG's prefix before it.
  constexpr std::string_view kPrefix = {"Exif\0\0", 6};
  if (data.size() > kPrefix.size() && data[0] == std::byte{'E'}) {
    data.erase(data.begin(), data.begin() + kPrefix.size());
  }
  const bool valid = is_exif(data);
  if (valid) {
    metadata.exif = std::move(data);
  }
  return valid;
}

/// The EXIF of programs from before there was a chunk for it: a text `exif`, the count of bytes,
/// and those in hexadecimal digits, in lines.
bool take_raw_exif(const Data& text, ImageMetadata& metadata) {
  constexpr std::string_view kName = "exif";
  const std::string_view letters(reinterpret_cast<const char*>(text.data()), text.size());
  const auto name = letters.find(kName);
  const auto first =
      letters.find('\n', name == letters.npos ? letters.size() : name + kName.size() + 1);
  if (first == letters.npos) {
    return false;
  }
  Data bytes;
  int high = -1;
  for (const char letter : letters.substr(first)) {
    const int digit = letter >= '0' && letter <= '9'   ? letter - '0'
                      : letter >= 'a' && letter <= 'f' ? letter - 'a' + 10
                                                       : -1;
    if (digit >= 0 && high >= 0) {
      bytes.push_back(static_cast<std::byte>(16 * high + digit));
    }
    if (digit >= 0) {
      high = high < 0 ? digit : -1;
    }
  }
  return take_exif(std::move(bytes), metadata);
}

/// Texts that do not hold EXIF are not carried over.
bool take_text(const Data& data, bool packed, ImageMetadata& metadata) {
  constexpr std::string_view kKeyword = {"Raw profile type exif\0", 22};
  if (data.size() <= kKeyword.size() ||
      !std::equal(kKeyword.begin(), kKeyword.end(), data.begin(),
                  [](char a, std::byte b) { return static_cast<std::byte>(a) == b; })) {
    return true;
  }
  const auto text = std::span(data).subspan(kKeyword.size());
  if (!packed) {
    return take_raw_exif(Data(text.begin(), text.end()), metadata);
  }
  const auto unpacked = unzlib(text.subspan(1), kLargestMetadata);  // behind the method
  return unpacked && take_raw_exif(*unpacked, metadata);
}

/// A chunk whose content is carried over.
struct Kind {
  std::uint32_t type;
  bool (*take)(const Data& data, ImageMetadata& metadata);
  bool (*is_known)(const ImageMetadata& metadata);
  bool before_samples;  ///< behind them it means nothing
};

const Kind kKinds[] = {
    {png_chunk_type("iCCP"), take_profile, [](const ImageMetadata& m) { return !m.icc.empty(); },
     true},
    {png_chunk_type("gAMA"), take_gamma, [](const ImageMetadata& m) { return m.gamma.has_value(); },
     true},
    {png_chunk_type("cHRM"), take_chromaticities,
     [](const ImageMetadata& m) { return m.chromaticities.has_value(); }, true},
    {png_chunk_type("sRGB"), take_rendering_intent,
     [](const ImageMetadata& m) { return m.rendering_intent.has_value(); }, true},
    {png_chunk_type("pHYs"), take_density,
     [](const ImageMetadata& m) { return m.density.has_value(); }, true},
    {png_chunk_type("eXIf"), [](const Data& data, ImageMetadata& m) { return take_exif(data, m); },
     [](const ImageMetadata& m) { return !m.exif.empty(); }, false},
    {kText, [](const Data& data, ImageMetadata& m) { return take_text(data, false, m); },
     [](const ImageMetadata& m) { return !m.exif.empty(); }, false},
    {kPackedText, [](const Data& data, ImageMetadata& m) { return take_text(data, true, m); },
     [](const ImageMetadata& m) { return !m.exif.empty(); }, false},
};

class Walk {
 public:
  explicit Walk(const ByteSource& source) : cursor_(source), size_(source.size()) {}

  PngOutline run() {
    cursor_.skip(kPngSignature);
    while (next()) {
    }
    outline_.metadata.orientation = exif_orientation(outline_.metadata.exif);
    return std::move(outline_);
  }

 private:
  /// Looks at the next chunk; false behind the last one.
  bool next() {
    std::array<std::byte, kPngChunkHeader> bytes;
    if (cursor_.read(bytes) < bytes.size()) {
      return end("no IEND: the file may be cut");
    }
    const PngChunkHeader header = png_chunk_header(bytes);
    const std::int64_t left = size_ - cursor_.position();
    if (!header.is_named() || header.length + std::int64_t{kPngChecksum} > left) {
      return end(header.is_named() ? header.name() + " is cut" : "damaged");
    }
    if (header.type == kImageData) {
      samples_began_ = true;
    }
    if (header.type == kEnd) {
      return end(is_sound(header, bytes) && header.length == 0 ? "" : "IEND: CRC error");
    }
    if (header.is_beside_samples()) {
      look_at(header, bytes);
    } else {
      cursor_.skip(header.length + std::int64_t{kPngChecksum});
    }
    return true;
  }

  bool end(std::string tail) {
    outline_.tail = std::move(tail);
    return false;
  }

  void look_at(const PngChunkHeader& header, std::span<const std::byte> bytes) {
    const auto* kind = std::ranges::find(kKinds, header.type, &Kind::type);
    // After some that are not valid no more are unpacked: they may be made to take long.
    const bool wanted = kind != std::end(kKinds) && !(kind->before_samples && samples_began_) &&
                        !kind->is_known(outline_.metadata) &&
                        outline_.warnings.size() < kMostWarnings;
    const bool is_text = header.type == kText || header.type == kPackedText;
    const bool kept = wanted && header.length <= kLargestMetadata;
    data_.clear();
    if (!is_sound(header, bytes, kept)) {
      warn(header.name() + ": CRC error, left out");
    } else if (kept ? !kind->take(data_, outline_.metadata) : wanted && !is_text) {
      warn(header.name() + ": not valid, left out");
    } else if (header.type == kAnimation && !samples_began_) {
      warn("an animation, of which only the default image is read");
    }
  }

  /// Reads the chunk's data, keeps them in data_ where `kept`, and compares the checksum.
  bool is_sound(const PngChunkHeader& header, std::span<const std::byte> bytes, bool kept = false) {
    const std::uint32_t start = crc32_of(bytes.last(4));
    std::uint32_t sum = start;
    if (kept) {
      data_.resize(header.length);
      cursor_.read(data_);
      sum = crc32_of(data_, sum);
    } else {
      std::array<std::byte, 4096> part;
      for (std::size_t left = header.length; left > 0;) {
        const auto some = std::span(part).first(std::min(left, part.size()));
        cursor_.read(some);
        sum = crc32_of(some, sum);
        left -= some.size();
      }
    }
    std::array<std::byte, kPngChecksum> bytes_of_sum;
    cursor_.read(bytes_of_sum);
    const std::uint32_t stored = number(bytes_of_sum, 0);
    if (sum != stored) {
      look_for_transparency(header, start, sum, stored);
    }
    return sum == stored;
  }

  /// Without its tRNS the picture is wrong, so a damaged name must not make it one of the chunks
  /// that are left out. A checksum is linear: the other name changes it as it changes that of
  /// zeros.
  void look_for_transparency(const PngChunkHeader& header, std::uint32_t start, std::uint32_t sum,
                             std::uint32_t stored) {
    constexpr std::size_t kLongest = 256;  // an alpha for each colour of a palette
    constexpr std::string_view kName = "tRNS";
    if (header.length > kLongest) {
      return;
    }
    const std::vector<std::byte> zeros(header.length);
    const std::uint32_t other = crc32_of(std::as_bytes(std::span(kName)));
    if ((sum ^ crc32_of(zeros, start) ^ crc32_of(zeros, other)) == stored) {
      outline_.error = "tRNS: CRC error";
    }
  }

  void warn(std::string text) {
    if (outline_.warnings.size() < kMostWarnings) {
      outline_.warnings.push_back(std::move(text));
    }
  }

  SourceCursor cursor_;
  std::int64_t size_;
  PngOutline outline_;
  bool samples_began_ = false;
  Data data_;
};

}  // namespace

bool PngChunkHeader::is_beside_samples() const {
  constexpr std::uint32_t kAncillary = 0x20000000;  // the first letter is a small one
  return is_named() && (type & kAncillary) != 0 && type != png_chunk_type("tRNS");
}

bool PngChunkHeader::is_named() const {
  const std::string letters = name();
  return std::ranges::all_of(letters, [](char letter) {
    return (letter >= 'A' && letter <= 'Z') || (letter >= 'a' && letter <= 'z');
  });
}

std::string PngChunkHeader::name() const {
  std::string letters;
  for (int shift = 24; shift >= 0; shift -= 8) {
    letters += static_cast<char>(type >> shift & 0xff);
  }
  return letters;
}

PngChunkHeader png_chunk_header(std::span<const std::byte, kPngChunkHeader> bytes) {
  return {number(bytes, 0), number(bytes, 4)};
}

PngOutline outline_png(const ByteSource& source) {
  return Walk(source).run();
}

}  // namespace pisr
