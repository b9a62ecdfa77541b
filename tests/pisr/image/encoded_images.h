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

enum class JpegColour { grey, ycc, rgb, cmyk, ycck };

struct JpegKind {
  JpegColour colour = JpegColour::ycc;  ///< as which the samples are stored
  bool progressive = false;
  bool arithmetic = false;
  bool scan_for_each = false;  ///< a scan for each component
  int restart_rows = 0;        ///< rows of blocks between restart markers; none where 0
  int across = 1, down = 1;    ///< sampling factors of the first component
  int quality = 100;
};

/// A JPEG file of samples [height, width, components]: grey, RGB or the four as they are stored (of
/// `ycck` the first three are taken for RGB and transformed).
std::vector<std::byte> make_jpeg(const JpegKind& kind, int width, int height,
                                 const std::vector<std::uint8_t>& samples);

/// Makes the checksum of every whole chunk of a PNG file right; other files stay as they are.
void correct_png_checksums(std::vector<std::byte>& file);

}  // namespace pisr
