#define STBI_ONLY_BMP
#define STBI_NO_STDIO
#define STB_IMAGE_STATIC
#define STB_IMAGE_IMPLEMENTATION
#include <algorithm>
#include <array>
#include <limits>
#include <memory>
#include <utility>
#include <variant>
#include <vector>

#include <stb_image.h>

#include "pisr/image/codec.h"
#include "pisr/image/whole_image.h"

namespace pisr {
namespace {

constexpr int kFileHeader = 14;

std::int64_t little_endian(Bytes file, std::size_t at, int bytes) {
  std::int64_t value = 0;
  for (int i = 0; i < bytes; ++i) {
    value |= std::int64_t{std::to_integer<std::uint8_t>(file[at + i])} << (8 * i);
  }
  return value;
}

/// What stb_image does not tell or check. It turns pixels of 16 bits and more into samples, but
/// takes missing bytes for zeros, so that a truncated file becomes a half-black picture; and it has
/// a limit of its own on the size, which differs from ours. Palettes are looked up here: it would
/// take memory that was never written for the colours beyond their end.
struct Header {
  std::int64_t width = 0;
  std::int64_t height = 0;
  bool from_top = false;     ///< the first row of the file is that at the top
  int bits = 0;              ///< of a pixel
  int compression = 0;       ///< 0 none, 3 bit masks
  std::int64_t start = 0;    ///< of the samples in the file
  std::int64_t row = 0;      ///< bytes from a row to the next
  std::int64_t palette = 0;  ///< where it starts in the file
  int colours = 0;           ///< of the palette; 0: none
  int entry = 0;             ///< bytes of a colour: blue, green, red, perhaps an unused one
};

Header read_header(Bytes file, const std::string& name, const ReadOptions& limits) {
  const auto need = [&](std::int64_t bytes) {
    if (static_cast<std::int64_t>(file.size()) < bytes) {
      fail_to_decode(name, "truncated");
    }
  };
  need(kFileHeader + 4);
  const std::int64_t header_size = little_endian(file, kFileHeader, 4);
  if (header_size != 12 && header_size != 40 && header_size != 56 && header_size != 108 &&
      header_size != 124) {
    fail_to_decode(name, message("BMP with an unknown header of ", header_size, " bytes"));
  }
  need(kFileHeader + header_size);
  Header header;
  header.start = little_endian(file, 10, 4);
  if (header_size == 12) {
    header.width = little_endian(file, 18, 2);
    header.height = little_endian(file, 20, 2);
    header.bits = static_cast<int>(little_endian(file, 24, 2));
  } else {
    header.width = static_cast<std::int32_t>(little_endian(file, 18, 4));
    header.height = static_cast<std::int32_t>(little_endian(file, 22, 4));
    header.from_top = header.height < 0;
    header.height = header.from_top ? -header.height : header.height;
    header.bits = static_cast<int>(little_endian(file, 28, 2));
    header.compression = static_cast<int>(little_endian(file, 30, 4));
  }
  check_declared_size(header.width, header.height, name, limits);
  if (header.compression != 0 && header.compression != 3) {
    fail_to_decode(name, "compressed BMP");
  }
  if (header.bits != 1 && header.bits != 4 && header.bits != 8 && header.bits != 16 &&
      header.bits != 24 && header.bits != 32) {
    fail_to_decode(name, message("BMP with ", header.bits, " bits a pixel"));
  }
  const std::int64_t after_headers =
      kFileHeader + header_size + (header_size == 40 && header.compression == 3 ? 12 : 0);
  header.row = (header.width * header.bits + 31) / 32 * 4;
  const std::int64_t last_row = (header.width * header.bits + 7) / 8;
  if (header.start < after_headers) {
    fail_to_decode(name, "BMP whose samples start inside its header");
  }
  need(header.start + header.row * (header.height - 1) + last_row);
  if (header.bits <= 8) {
    header.palette = after_headers;
    header.entry = header_size == 12 ? 3 : 4;
    const std::int64_t colours = (header.start - after_headers) / header.entry;
    if (colours < 1 || colours > 256) {
      fail_to_decode(name, message("BMP with a palette of ", colours, " colours"));
    }
    header.colours = static_cast<int>(colours);
  }
  return header;
}

/// The picture of a file with a palette: grey where all its colours are.
Image8 decode_palette(Bytes file, const std::string& name, const Header& header) {
  std::vector<std::array<std::uint8_t, 3>> colours(header.colours);
  bool grey = true;
  for (int i = 0; i < header.colours; ++i) {
    const std::byte* const entry = file.data() + header.palette + std::int64_t{i} * header.entry;
    for (int c = 0; c < 3; ++c) {
      colours[i][c] = std::to_integer<std::uint8_t>(entry[2 - c]);
    }
    grey = grey && entry[0] == entry[1] && entry[1] == entry[2];
  }
  const int in_a_byte = 8 / header.bits;
  const int largest = (1 << header.bits) - 1;
  Image8 image(static_cast<int>(header.width), static_cast<int>(header.height), grey ? 1 : 3);
  for (int y = 0; y < image.height; ++y) {
    const int line = header.from_top ? y : image.height - 1 - y;
    const std::byte* const row = file.data() + header.start + header.row * line;
    for (int x = 0; x < image.width; ++x) {
      const int shift = header.bits * (in_a_byte - 1 - x % in_a_byte);
      const int index = std::to_integer<int>(row[x / in_a_byte]) >> shift & largest;
      if (index >= header.colours) {
        fail_to_decode(name, message("BMP with a pixel of colour ", index, ", its palette has ",
                                     header.colours));
      }
      std::copy_n(colours[index].begin(), image.channels, &image.at(x, y));
    }
  }
  return image;
}

void append(std::vector<std::byte>& file, std::int64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) {
    file.push_back(static_cast<std::byte>(value >> (8 * i) & 0xff));
  }
}

AnyImage decode(Bytes file, const std::string& name, const ReadOptions& limits) {
  const Header header = read_header(file, name, limits);
  if (file.size() > std::numeric_limits<int>::max()) {
    throw Error(ErrorKind::memory, message("cannot decode '", name, "': BMP of 2 GiB or more"));
  }
  if (header.colours > 0) {
    return {decode_palette(file, name, header)};
  }
  int width = 0;
  int height = 0;
  int channels = 0;
  const std::unique_ptr<stbi_uc, decltype(&stbi_image_free)> samples(
      stbi_load_from_memory(reinterpret_cast<const stbi_uc*>(file.data()),
                            static_cast<int>(file.size()), &width, &height, &channels, 0),
      stbi_image_free);
  if (samples == nullptr) {
    fail_to_decode(name, stbi_failure_reason());
  }
  Image8 image(width, height, channels);
  std::copy_n(samples.get(), image.samples.size(), image.samples.begin());
  if (channels == 4 && header.compression == 0) {
    // Without bit masks the fourth byte is alpha only by custom: opaque everywhere means unused.
    bool opaque = true;
    for (std::size_t i = 3; i < image.samples.size(); i += 4) {
      opaque = opaque && image.samples[i] == 255;
    }
    if (opaque) {
      return {first_channels(image, 3)};
    }
  }
  return {std::move(image)};
}

/// Grey as 8 bits with a palette, RGB as 24 bits, RGB and alpha as 32 bits with masks (version 4
/// header); rows from the bottom, as every reader knows them.
std::vector<std::byte> encode(const Image8& image) {
  const bool alpha = image.channels == 4;
  const int header_size = alpha ? 108 : 40;
  const int palette_size = image.channels == 1 ? 4 * 256 : 0;
  const std::int64_t row_size = (std::int64_t{image.width} * image.channels + 3) / 4 * 4;
  const std::int64_t start = kFileHeader + header_size + palette_size;
  const std::int64_t size = start + row_size * image.height;
  if (size > std::numeric_limits<int>::max()) {
    throw Error(ErrorKind::output, message("cannot encode BMP: ", image.width, "x", image.height,
                                           " would take 2 GiB or more"));
  }
  std::vector<std::byte> file;
  file.reserve(size);
  append(file, 'B' | 'M' << 8, 2);
  append(file, size, 4);
  append(file, 0, 4);
  append(file, start, 4);
  append(file, header_size, 4);
  append(file, image.width, 4);
  append(file, image.height, 4);
  append(file, 1, 2);
  append(file, std::int64_t{8} * image.channels, 2);
  append(file, alpha ? 3 : 0, 4);
  append(file, row_size * image.height, 4);
  append(file, 2835, 4);  // 72 dots an inch
  append(file, 2835, 4);
  append(file, palette_size / 4, 4);
  append(file, 0, 4);
  if (alpha) {
    for (const std::int64_t mask : {0x00ff0000LL, 0x0000ff00LL, 0x000000ffLL, 0xff000000LL}) {
      append(file, mask, 4);
    }
    append(file, 0x73524742, 4);  // the colour space: sRGB
    append(file, 0, 4);
    file.resize(start);  // end points and gamma, which sRGB does not use
  }
  for (int i = 0; i < palette_size / 4; ++i) {
    append(file, std::int64_t{0x010101} * i, 4);
  }
  for (int y = image.height - 1; y >= 0; --y) {
    const std::uint8_t* row = image.row(y);
    for (int x = 0; x < image.width; ++x) {
      const std::uint8_t* sample = row + static_cast<std::ptrdiff_t>(x) * image.channels;
      if (image.channels == 1) {
        file.push_back(std::byte(sample[0]));
        continue;
      }
      for (const int c : {2, 1, 0}) {
        file.push_back(std::byte(sample[c]));
      }
      if (alpha) {
        file.push_back(std::byte(sample[3]));
      }
    }
    file.resize(start + row_size * (image.height - y));
  }
  return file;
}

}  // namespace

bool is_bmp(Bytes start) {
  return starts_with(start, "BM");
}

std::unique_ptr<ImageReader> open_bmp(const ByteSource& source, const std::string& name,
                                      const ReadOptions& options) {
  const std::vector<std::byte> file = read_all(source);
  return reader_of(decode(file, name, options));
}

std::unique_ptr<ImageWriter> create_bmp(ByteSink& sink, const ImageInfo& info,
                                        const WriteOptions&) {
  return writer_of(sink, info,
                   [](const AnyImage& image) { return encode(std::get<Image8>(image.pixels)); });
}

}  // namespace pisr
