#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace pisr {

/// A BMP file to make.
struct BmpKind {
  int header = 40;  ///< bytes
  int bits = 24;    ///< a pixel
  int compression = 0;
  bool from_top = false;
  std::vector<std::uint8_t> palette = {};  ///< as in the file
  int declared_colours = 0;
  std::vector<std::uint32_t> masks = {};  ///< in the header, or behind one of 40 bytes
  int gap = 0;                            ///< bytes before the samples
  std::int64_t start = -1;                ///< of the samples, as the file tells it; -1: the truth
};

/// The file; `samples`: its rows in the order of the file, with what fills them to four bytes.
inline std::vector<std::byte> make_bmp(const BmpKind& kind, int width, int height,
                                       const std::vector<std::uint8_t>& samples) {
  std::vector<std::byte> file;
  const auto put = [&](std::int64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) {
      file.push_back(static_cast<std::byte>(value >> (8 * i) & 0xff));
    }
  };
  const std::size_t behind = kind.header == 40 ? 4 * kind.masks.size() : 0;
  const std::size_t start = 14 + kind.header + behind + kind.palette.size() + kind.gap;
  put('B' | 'M' << 8, 2);
  put(static_cast<std::int64_t>(start + samples.size()), 4);
  put(0, 4);
  put(kind.start >= 0 ? kind.start : static_cast<std::int64_t>(start), 4);
  put(kind.header, 4);
  put(width, kind.header == 12 ? 2 : 4);
  put(kind.from_top ? -height : height, kind.header == 12 ? 2 : 4);
  put(1, 2);
  put(kind.bits, 2);
  put(kind.compression, 4);
  put(static_cast<std::int64_t>(samples.size()), 4);
  put(3000, 4);
  put(4000, 4);
  put(kind.declared_colours, 4);
  put(0, 4);
  file.resize(54);
  for (const std::uint32_t mask : kind.masks) {
    put(mask, 4);
  }
  file.resize(14 + kind.header + behind);
  for (const std::uint8_t byte : kind.palette) {
    put(byte, 1);
  }
  file.resize(start, std::byte{0xaa});
  for (const std::uint8_t byte : samples) {
    put(byte, 1);
  }
  return file;
}

}  // namespace pisr
