#pragma once
// What the files of the BMP format share. Not for users of the library.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "pisr/image/byte_order.h"
#include "pisr/image/codec.h"
#include "pisr/image/source_cursor.h"

namespace pisr {

inline constexpr int kBmpFileHeader = 14;

enum class BmpCompression { none, rle8, rle4 };

/// What a file tells before its samples.
struct BmpHeader {
  int width = 0;
  int height = 0;
  bool from_top = false;  ///< the first row of the file is that at the top
  int bits = 0;           ///< of a pixel: 1, 2, 4, 8, 16, 24 or 32
  BmpCompression compression = BmpCompression::none;
  std::int64_t start = 0;   ///< of the samples in the file
  std::int64_t stride = 0;  ///< bytes from a row to the next, where nothing is compressed

  std::vector<std::array<std::uint8_t, 3>> palette;  ///< red, green, blue; up to 8 bits a pixel
  /// Bits of red, green, blue and alpha in pixels of 16 bits and more, each without a gap. A colour
  /// without bits is 0; without bits of alpha there is none.
  std::array<std::uint32_t, 4> masks{};
  /// 32 bits a pixel, of which the header does not say what the fourth byte is.
  bool may_hold_alpha = false;

  std::optional<PixelDensity> density;
  std::int64_t profile = 0;  ///< where an ICC profile starts in the file
  std::int64_t profile_size = 0;
};

/// Throws Error(input) for a damaged header, one of an unknown kind, or a file that is too short
/// for its samples; Error(memory) beyond the limits.
BmpHeader read_bmp_header(const ByteSource& source, const std::string& name,
                          const ReadOptions& options);

/// The rows of a file whose runs of equal indices are compressed. They are found by one pass over
/// the file, so that they can be read in any order.
class BmpRuns {
 public:
  /// The source must outlive it. Throws Error(input) where the file ends before the picture does.
  BmpRuns(const ByteSource& source, const BmpHeader& header, const std::string& name);

  /// The indices of row `line` of the file, one a byte, as many as the image is wide; 0 where the
  /// file skips a pixel.
  void read_row(int line, std::span<std::uint8_t> indices);

 private:
  /// How the commands of a row end.
  struct RowEnd {
    bool of_picture = false;
    int x = 0;     ///< where the next row begins
    int down = 0;  ///< how many rows further that is
  };
  /// A row with commands.
  struct Start {
    int line;
    int x;
    std::int64_t position;
  };

  RowEnd run(int x, std::span<std::uint8_t> indices);
  int byte();

  std::string name_;
  SourceCursor cursor_;
  int width_;
  int height_;
  bool nibbles_;  ///< two indices a byte
  int line_ = 0;  ///< whose commands are read
  std::vector<Start> starts_;
};

}  // namespace pisr
