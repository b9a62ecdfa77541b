#include <algorithm>
#include <bit>
#include <cstdlib>

#include "pisr/image/bmp.h"

namespace pisr {
namespace {

constexpr std::int64_t kNone = 0;
constexpr std::int64_t kRle8 = 1;
constexpr std::int64_t kRle4 = 2;
constexpr std::int64_t kMasks = 3;
constexpr std::int64_t kMasksAndAlpha = 6;

/// Versions 1 to 5 of Windows' header and both of OS/2's; the second of OS/2 ends anywhere.
constexpr int kVersion1 = 12;
constexpr int kVersion3 = 40;
constexpr int kVersion4 = 108;
constexpr int kVersion5 = 124;

bool is_known_size(std::int64_t size) {
  return size == kVersion1 || size == kVersion4 || size == kVersion5 ||
         (size >= 16 && size <= 64 && size % 4 == 0);
}
/// Whether compressions 3 and more mean something else.
bool is_of_os2(std::int64_t size) {
  return size < kVersion3 || (size > kVersion3 && size < kVersion4 && size != 52 && size != 56);
}

/// The first bytes of a file; those behind its end are 0.
class Start {
 public:
  explicit Start(const ByteSource& source) { source.read(0, bytes_); }

  std::int64_t number(int at, int count) const {
    return static_cast<std::int64_t>(little_endian(bytes_, at, count));
  }
  std::int64_t of_header(int at, int count) const {
    return at + count <= header_size() ? number(kBmpFileHeader + at, count) : 0;
  }
  std::int64_t signed_of_header(int at) const {
    return static_cast<std::int32_t>(of_header(at, 4));
  }
  std::int64_t header_size() const { return number(kBmpFileHeader, 4); }

 private:
  std::array<std::byte, kBmpFileHeader + kVersion5 + 16> bytes_{};
};

class HeaderParser {
 public:
  HeaderParser(const ByteSource& source, const std::string& name, const ReadOptions& options)
      : source_(source), name_(name), options_(options), start_(source) {}

  BmpHeader parse() {
    need(kBmpFileHeader + 4);
    header_size_ = start_.header_size();
    if (!is_known_size(header_size_)) {
      fail(message("BMP with an unknown header of ", header_size_, " bytes"));
    }
    need(kBmpFileHeader + header_size_);
    after_headers_ = kBmpFileHeader + header_size_;
    parse_size();
    parse_compression();
    if (header_.bits > 8) {
      parse_masks();
    }
    find_samples();
    if (header_.bits <= 8) {
      read_palette();
    }
    parse_metadata();
    return std::move(header_);
  }

 private:
  [[noreturn]] void fail(const std::string& reason) const { fail_to_decode(name_, reason); }

  void need(std::int64_t bytes) const {
    if (source_.size() < bytes) {
      fail("truncated");
    }
  }

  void parse_size() {
    std::int64_t width = 0;
    std::int64_t height = 0;
    if (header_size_ == kVersion1) {
      width = start_.of_header(4, 2);
      height = start_.of_header(6, 2);
      header_.bits = static_cast<int>(start_.of_header(10, 2));
    } else {
      width = start_.signed_of_header(4);
      height = start_.signed_of_header(8);
      header_.bits = static_cast<int>(start_.of_header(14, 2));
    }
    header_.from_top = height < 0;
    height = std::abs(height);
    check_declared_size(width, height, name_, options_);
    header_.width = static_cast<int>(width);
    header_.height = static_cast<int>(height);
  }

  void parse_compression() {
    const int bits = header_.bits;
    compression_ = header_size_ == kVersion1 ? kNone : start_.of_header(16, 4);
    const bool has_masks = compression_ == kMasks || compression_ == kMasksAndAlpha;
    if ((compression_ > kRle4 && !has_masks) || (has_masks && is_of_os2(header_size_))) {
      fail("BMP of an unknown compression");
    }
    if (bits != 1 && bits != 2 && bits != 4 && bits != 8 && bits != 16 && bits != 24 &&
        bits != 32) {
      fail(message("BMP with ", bits, " bits a pixel"));
    }
    if ((compression_ == kRle8 && bits != 8) || (compression_ == kRle4 && bits != 4) ||
        (has_masks && bits < 16)) {
      fail(message("BMP with ", bits, " bits a pixel of compression ", compression_));
    }
    header_.compression = compression_ == kRle8   ? BmpCompression::rle8
                          : compression_ == kRle4 ? BmpCompression::rle4
                                                  : BmpCompression::none;
  }

  void parse_masks() {
    if (compression_ != kNone) {
      constexpr int kAt = kBmpFileHeader + kVersion3;  // in the header, or behind that of 40 bytes
      const int count = compression_ == kMasksAndAlpha || header_size_ >= 56 ? 4 : 3;
      after_headers_ = std::max<std::int64_t>(after_headers_, kAt + 4 * count);
      need(after_headers_);
      for (int i = 0; i < count; ++i) {
        header_.masks[i] = static_cast<std::uint32_t>(start_.number(kAt + 4 * i, 4));
      }
      check_masks();
    }
    const auto& masks = header_.masks;
    if ((masks[0] | masks[1] | masks[2] | masks[3]) != 0) {
      return;
    }
    header_.may_hold_alpha = header_.bits == 32;
    header_.masks = header_.bits == 16
                        ? std::array<std::uint32_t, 4>{0x7c00, 0x03e0, 0x001f, 0}
                        : std::array<std::uint32_t, 4>{0xff0000, 0x00ff00, 0x0000ff, 0};
  }

  void check_masks() const {
    for (const std::uint32_t mask : header_.masks) {
      const std::uint64_t field = mask == 0 ? 0 : mask >> std::countr_zero(mask);
      if ((field & (field + 1)) != 0 || std::uint64_t{mask} >> header_.bits != 0) {
        fail("BMP with bit masks that no pixel can have");
      }
    }
  }

  /// Entries of the palette as the header counts them; 0: as many as the pixels can name.
  std::int64_t declared_colours() const { return start_.of_header(32, 4); }

  void find_samples() {
    entry_ = header_size_ == kVersion1 ? 3 : 4;
    header_.start = start_.number(10, 4);
    if (header_.start == 0) {
      // Some writers leave it to the reader: behind the palette.
      const std::int64_t all = header_.bits <= 8 ? std::int64_t{1} << header_.bits : 0;
      const std::int64_t colours = declared_colours() > 0 ? declared_colours() : all;
      header_.start = after_headers_ + entry_ * colours;
    } else if (header_.start < after_headers_) {
      fail("BMP whose samples start inside its header");
    }
    const std::int64_t row_bits = std::int64_t{header_.width} * header_.bits;
    header_.stride = (row_bits + 31) / 32 * 4;
    // The last row may lack what fills it to four bytes.
    need(header_.compression == BmpCompression::none
             ? header_.start + header_.stride * (header_.height - 1) + (row_bits + 7) / 8
             : header_.start);
  }

  void read_palette() {
    const std::int64_t largest = std::int64_t{1} << header_.bits;
    const std::int64_t declared = declared_colours() > 0 ? declared_colours() : largest;
    const std::int64_t room = (header_.start - after_headers_) / entry_;
    const std::int64_t colours = std::min({declared, largest, room});
    if (colours < 1) {
      fail("BMP without a palette");
    }
    std::vector<std::byte> entries(colours * entry_);
    read_exactly(source_, after_headers_, entries, name_);
    header_.palette.resize(colours);
    for (std::int64_t i = 0; i < colours; ++i) {
      for (int c = 0; c < 3; ++c) {
        header_.palette[i][c] = std::to_integer<std::uint8_t>(entries[i * entry_ + 2 - c]);
      }
    }
  }

  void parse_metadata() {
    const std::int64_t x = start_.signed_of_header(24);
    const std::int64_t y = start_.signed_of_header(28);
    if (x > 0 && y > 0 && (!is_of_os2(header_size_) || start_.of_header(40, 2) == 0)) {
      header_.density = PixelDensity{static_cast<double>(x), static_cast<double>(y), true};
    }
    constexpr std::int64_t kEmbedded = 0x4d424544;
    if (header_size_ == kVersion5 && start_.of_header(56, 4) == kEmbedded) {
      const std::int64_t at = kBmpFileHeader + start_.of_header(112, 4);
      const std::int64_t size = start_.of_header(116, 4);
      if (size > 0 && at >= kBmpFileHeader + header_size_ && at + size <= source_.size()) {
        header_.profile = at;
        header_.profile_size = size;
      } else if (options_.warn) {
        options_.warn(message("'", name_, "': the colour profile is damaged and left out"));
      }
    }
  }

  const ByteSource& source_;
  const std::string& name_;
  const ReadOptions& options_;
  Start start_;
  std::int64_t header_size_ = 0;
  std::int64_t after_headers_ = 0;  ///< where a palette begins
  std::int64_t compression_ = kNone;
  int entry_ = 4;  ///< bytes of a colour of the palette: blue, green, red, perhaps an unused one
  BmpHeader header_;
};

}  // namespace

BmpHeader read_bmp_header(const ByteSource& source, const std::string& name,
                          const ReadOptions& options) {
  return HeaderParser(source, name, options).parse();
}

}  // namespace pisr
