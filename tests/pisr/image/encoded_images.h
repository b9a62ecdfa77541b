#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace pisr {

/// Files of kinds that the library reads but does not write, made with libpng and libjpeg.

struct PngKind {
  int colour_type = 0;  ///< PNG_COLOR_TYPE_...
  int bit_depth = 8;
  bool interlaced = false;
  std::vector<std::uint8_t> palette;  ///< RGB of each entry
  std::vector<std::uint8_t> alpha;    ///< of the first palette entries
  int transparent_grey = -1;          ///< the grey value that is transparent; none where negative
};

/// A PNG file of width x height pixels; `rows`: all rows one after the other, packed as in the
/// file.
std::vector<std::byte> make_png(const PngKind& kind, int width, int height,
                                const std::vector<std::uint8_t>& rows);

/// A JPEG file, quality 100, of samples [height, width, 4], stored as they are (CMYK) or, for
/// `ycck`, with the first three taken for RGB and transformed.
std::vector<std::byte> make_cmyk_jpeg(int width, int height,
                                      const std::vector<std::uint8_t>& samples, bool ycck);

/// A progressive JPEG file of grey samples [height, width].
std::vector<std::byte> make_progressive_jpeg(int width, int height,
                                             const std::vector<std::uint8_t>& samples);

/// Makes the checksum of every whole chunk of a PNG file right; other files stay as they are.
void correct_png_checksums(std::vector<std::byte>& file);

}  // namespace pisr
