#define STBI_ONLY_BMP
#define STBI_NO_STDIO
#define STB_IMAGE_STATIC
#define STB_IMAGE_IMPLEMENTATION
#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <random>

#include <stb_image.h>

#include "pisr/image/byte_sink.h"
#include "pisr/image/byte_source.h"
#include "pisr/image/image_io.h"
#include "pisr/image/image_stream.h"
#include "tests/catch.h"
#include "tests/pisr/image/bmp_kind.h"
#include "tests/pisr/image/damage.h"
#include "tests/pisr/image/images.h"
#include "tests/shared_data.h"

namespace pisr {
namespace {

using File = std::vector<std::byte>;
using Samples = std::vector<std::uint8_t>;

Image8 decode8(const File& file) {
  return std::get<Image8>(decode_image(file, "test").pixels);
}

std::string decode_error(const File& file) {
  return error_of([&] { decode_image(file, "test"); });
}

std::string refused(const std::string& reason) {
  return "input: cannot decode 'test': " + reason;
}

/// Rows of pixels of `bits` bits as a BMP file has them, from the bottom unless `from_top`.
Samples packed(int width, int height, int bits, bool from_top,
               const std::function<std::uint32_t(int x, int y)>& pixel) {
  Samples samples;
  for (int line = 0; line < height; ++line) {
    const int y = from_top ? line : height - 1 - line;
    Samples row((std::size_t(width) * bits + 31) / 32 * 4);
    for (int x = 0; x < width; ++x) {
      const std::uint32_t value = pixel(x, y);
      if (bits < 8) {
        row[x * bits / 8] |= static_cast<std::uint8_t>(value << (8 - bits - x * bits % 8));
      } else {
        for (int i = 0; i < bits / 8; ++i) {
          row[x * bits / 8 + i] = static_cast<std::uint8_t>(value >> (8 * i));
        }
      }
    }
    samples.insert(samples.end(), row.begin(), row.end());
  }
  return samples;
}

TEST_CASE("BMP: palettes of every header, length and depth, and gaps behind them", "[bmp]") {
  std::mt19937 random(3);
  int files = 0;
  for (const int header : {12, 16, 20, 40, 48, 52, 56, 64, 108, 124}) {
    for (const int bits : {1, 2, 4, 8}) {
      for (const int missing : {0, 1}) {
        for (const int gap : {0, 3, 100}) {
          for (const bool from_top : {false, true}) {
            if ((header == 12 && (from_top || (missing > 0 && gap > 0))) ||
                (header < 36 && missing > 0 && gap > 0)) {
              continue;  // they can tell neither
            }
            CAPTURE(header, bits, missing, gap, from_top);
            const int colours = (1 << bits) - missing;
            BmpKind kind{.header = header, .bits = bits, .from_top = from_top, .gap = gap};
            kind.declared_colours = missing > 0 && header >= 36 ? colours : 0;
            for (int i = 0; i < colours * (header == 12 ? 3 : 4); ++i) {
              kind.palette.push_back(static_cast<std::uint8_t>(random()));
            }
            Image8 indices(13, 5, 1);
            for (std::uint8_t& index : indices.samples) {
              index = static_cast<std::uint8_t>(random() % colours);
            }
            const File file =
                make_bmp(kind, 13, 5, packed(13, 5, bits, from_top, [&](int x, int y) {
                           return std::uint32_t{indices.at(x, y)};
                         }));
            Image8 expected(13, 5, 3);
            for (int i = 0; i < 13 * 5; ++i) {
              for (int c = 0; c < 3; ++c) {
                expected.samples[3 * i + c] =
                    kind.palette[indices.samples[i] * (header == 12 ? 3 : 4) + 2 - c];
              }
            }
            CHECK(largest_difference(decode8(file), expected) == 0);
            ++files;
          }
        }
      }
    }
  }
  CHECK(files > 300);
}

TEST_CASE("BMP: an index beyond the palette is an error in every depth", "[bmp]") {
  for (const int header : {12, 16, 40, 64, 124}) {
    for (const int bits : {1, 2, 4, 8}) {
      for (const bool compressed : {false, true}) {
        if (compressed && (bits < 4 || header < 40)) {
          continue;
        }
        CAPTURE(header, bits, compressed);
        const int beyond = (1 << bits) - 1;
        BmpKind kind{.header = header, .bits = bits};
        kind.palette.assign(beyond * (header == 12 ? 3 : 4), 9);
        if (header >= 40) {
          kind.declared_colours = beyond;
          kind.gap = 40;  // other bytes, which must not be taken for colours
        }
        Samples samples = packed(3, 1, bits, false,
                                 [&](int x, int) { return std::uint32_t(x == 1 ? beyond : 0); });
        if (compressed) {
          kind.compression = bits == 8 ? 1 : 2;
          samples = {3, 255, 0, 1};
        }
        CHECK(
            decode_error(make_bmp(kind, 3, 1, samples)) ==
            refused(message("BMP with a pixel of colour ", beyond, ", its palette has ", beyond)));
      }
    }
  }
}

TEST_CASE("BMP: where the samples start", "[bmp]") {
  const Image8 image = noise<std::uint8_t>(5, 3, 3);
  const auto pixel = [&](int x, int y) {
    return std::uint32_t(image.at(x, y, 0) << 16 | image.at(x, y, 1) << 8 | image.at(x, y, 2));
  };
  for (const int header : {12, 16, 40, 52, 56, 64, 108, 124}) {
    CAPTURE(header);
    const Samples samples = packed(5, 3, 24, false, pixel);
    for (const int gap : {0, 1, 10, 1024}) {
      CHECK(largest_difference(decode8(make_bmp({.header = header, .gap = gap}, 5, 3, samples)),
                               image) == 0);
    }
    const BmpKind with_palette{.header = header, .palette = Samples(12 * 4, 1)};
    CHECK(largest_difference(decode8(make_bmp(with_palette, 5, 3, samples)), image) == 0);
    // Left to the reader: behind the header and its palette.
    CHECK(largest_difference(decode8(make_bmp({.header = header, .start = 0}, 5, 3, samples)),
                             image) == 0);
    for (const int start : {1, 14, 13 + header}) {
      CHECK(decode_error(make_bmp({.header = header, .start = start}, 5, 3, samples)) ==
            refused("BMP whose samples start inside its header"));
    }
    CHECK(decode_error(make_bmp({.header = header, .start = 16 + header}, 5, 3, samples)) ==
          refused("truncated"));
    CHECK(decode_error(make_bmp({.header = header, .start = 0xffffffff}, 5, 3, samples)) ==
          refused("truncated"));
  }
  BmpKind palette{.bits = 8, .palette = Samples(1024, 7), .start = 0};
  CHECK(decode8(make_bmp(palette, 1, 1, {255, 0, 0, 0})).samples == Samples{7});
  palette.palette.resize(8);
  palette.declared_colours = 2;
  CHECK(decode8(make_bmp(palette, 1, 1, {1, 0, 0, 0})).samples == Samples{7});
  palette.declared_colours = -1;
  CHECK(decode_error(make_bmp(palette, 1, 1, {1, 0, 0, 0})) == refused("truncated"));
  CHECK(decode_error(make_bmp({.bits = 8}, 1, 1, {1, 0, 0, 0})) ==
        refused("BMP without a palette"));
}

TEST_CASE("BMP: bit masks of any place and width", "[bmp]") {
  std::mt19937 random(5);
  int files = 0;
  for (int i = 0; i < 400; ++i) {
    const int bits = std::array{16, 24, 32}[random() % 3];
    const int header = std::array{40, 52, 56, 108, 124}[random() % 5];
    // Four fields from the lowest bit on, in any order, with gaps between them.
    std::array<std::uint32_t, 4> masks{};
    std::array<int, 4> order = {0, 1, 2, 3};
    std::shuffle(order.begin(), order.end(), random);
    int at = 0;
    for (const int field : order) {
      at += static_cast<int>(random() % 3);
      const int width = std::min<int>(1 + static_cast<int>(random() % 11), bits - at);
      if (width > 0 && !(field == 3 && random() % 2 == 0)) {
        masks[field] = ((1U << width) - 1) << at;
        at += width;
      }
    }
    if ((masks[0] | masks[1] | masks[2]) == 0) {
      continue;
    }
    const bool with_alpha = header >= 56 || i % 2 == 0;
    BmpKind kind{.header = header, .bits = bits, .compression = with_alpha && header < 56 ? 6 : 3};
    kind.masks.assign(masks.begin(), masks.begin() + (with_alpha ? 4 : 3));
    if (header == 52 && with_alpha) {
      continue;  // it has no place for a fourth one
    }
    CAPTURE(bits, header, masks, kind.compression);
    Image8 expected(7, 3, with_alpha && masks[3] != 0 ? 4 : 3);
    const Samples samples = packed(7, 3, bits, false, [&](int x, int y) {
      const auto pixel = static_cast<std::uint32_t>(random() & ((std::uint64_t{1} << bits) - 1));
      for (int c = 0; c < expected.channels; ++c) {
        if (masks[c] != 0) {
          const std::uint32_t lowest = masks[c] & (~masks[c] + 1);
          const double share = double(pixel & masks[c]) / masks[c];
          const double sample = 255 * share + (masks[c] / lowest > 255 ? 0.5 : 1e-9);
          expected.at(x, y, c) = static_cast<std::uint8_t>(sample);
        }
      }
      return pixel;
    });
    CHECK(largest_difference(decode8(make_bmp(kind, 7, 3, samples)), expected) == 0);
    ++files;
  }
  CHECK(files > 200);
}

TEST_CASE("BMP: bit masks that no pixel can have", "[bmp]") {
  const Samples pixels(4 * 4, 1);
  const std::string error = refused("BMP with bit masks that no pixel can have");
  for (const std::array<std::uint32_t, 3>& masks :
       {std::array<std::uint32_t, 3>{0x5, 2, 8}, {0xff, 0x80000001, 0}, {0x10000, 1, 2}}) {
    BmpKind kind{.bits = 16, .compression = 3};
    kind.masks.assign(masks.begin(), masks.end());
    CHECK(decode_error(make_bmp(kind, 2, 2, pixels)) == error);
  }
  BmpKind whole{.bits = 32, .compression = 3, .masks = {0xffffffff, 0, 0}};
  CHECK(decode8(make_bmp(whole, 1, 1, {0, 0, 0, 128})).samples == Samples{128, 0, 0});
  BmpKind none{.bits = 16, .compression = 3, .masks = {0, 0, 0}};
  CHECK(decode8(make_bmp(none, 1, 1, {0xff, 0x7f, 0, 0})).samples == Samples{255, 255, 255});
}

TEST_CASE("BMP: stb_image sees the same picture", "[bmp]") {
  // It lacks files with palettes before 24 bits, and others that the tests above make by hand.
  struct Row {
    int header, bits, compression;
    std::vector<std::uint32_t> masks;
  };
  const Row rows[] = {
      {12, 24, 0, {}},
      {40, 24, 0, {}},
      {108, 24, 0, {}},
      {40, 16, 0, {}},
      {40, 16, 3, {0xf800, 0x07e0, 0x001f}},
      {40, 16, 3, {0x7c00, 0x03e0, 0x001f}},
      {40, 32, 3, {0xff0000, 0xff00, 0xff}},
      {40, 32, 3, {0xff000000, 0xff0000, 0xff00}},
      {108, 32, 3, {0xff0000, 0xff00, 0xff, 0xff000000}},
      {108, 32, 3, {0xff, 0xff00, 0xff0000, 0xff000000}},
      {124, 32, 3, {0xff0000, 0xff00, 0xff, 0xff000000}},
      {124, 16, 3, {0x0f00, 0x00f0, 0x000f, 0xf000}},
  };
  std::mt19937 random(11);
  for (const Row& row : rows) {
    for (const bool from_top : {false, true}) {
      if (row.header == 12 && from_top) {
        continue;
      }
      CAPTURE(row.header, row.bits, row.compression, row.masks, from_top);
      const BmpKind kind{.header = row.header,
                         .bits = row.bits,
                         .compression = row.compression,
                         .from_top = from_top,
                         .masks = row.masks};
      const File file = make_bmp(kind, 9, 6, packed(9, 6, row.bits, from_top, [&](int, int) {
                                   return std::uint32_t(random());
                                 }));
      Image8 other(9, 6, row.masks.size() == 4 ? 4 : 3);
      int width = 0;
      int height = 0;
      int channels = 0;
      const std::unique_ptr<stbi_uc, decltype(&stbi_image_free)> samples(
          stbi_load_from_memory(reinterpret_cast<const stbi_uc*>(file.data()),
                                static_cast<int>(file.size()), &width, &height, &channels,
                                other.channels),
          stbi_image_free);
      REQUIRE(samples != nullptr);
      REQUIRE((width == 9 && height == 6));
      std::copy_n(samples.get(), other.samples.size(), other.samples.begin());
      // It repeats the bits of narrow fields, which is not the nearest sample.
      CHECK(largest_difference(decode8(file), other) <= (row.bits == 16 ? 1 : 0));
    }
  }
}

TEST_CASE("BMP: the fourth byte without masks is alpha only where it plainly is", "[bmp]") {
  const auto channels_of = [](int header, const std::function<int(int)>& fourth) {
    BmpKind kind{.header = header, .bits = 32};
    int i = 0;
    const Image8 image = decode8(make_bmp(kind, 16, 16, packed(16, 16, 32, false, [&](int, int) {
                                            return std::uint32_t(fourth(i++)) << 24 | 0x102030;
                                          })));
    CHECK(image.at(3, 3, 0) == 0x10);
    CHECK(image.at(3, 3, 2) == 0x30);
    if (image.channels == 4) {
      CHECK(image.at(0, 15, 3) == fourth(0));
      CHECK(image.at(15, 0, 3) == fourth(255));
    }
    return image.channels;
  };
  for (const int header : {40, 108, 124}) {
    CAPTURE(header);
    CHECK(channels_of(header, [](int) { return 0; }) == 3);
    CHECK(channels_of(header, [](int) { return 255; }) == 3);
    CHECK(channels_of(header, [](int) { return 77; }) == 3);
    CHECK(channels_of(header, [](int i) { return i == 40 ? 1 : 0; }) == 3);
    CHECK(channels_of(header, [](int i) { return i == 40 ? 255 : 0; }) == 3);
    CHECK(channels_of(header, [](int i) { return i % 3; }) == 3);
    CHECK(channels_of(header, [](int i) { return i; }) == 4);
    CHECK(channels_of(header, [](int i) { return i < 128 ? 255 : 0; }) == 4);
    CHECK(channels_of(header, [](int i) { return i == 9 ? 0 : 255; }) == 4);
    CHECK(channels_of(header, [](int i) { return i < 4 ? 255 : 0; }) == 4);
  }
}

TEST_CASE("BMP: runs of 8 and 4 bits", "[bmp]") {
  BmpKind kind{.bits = 8, .compression = 1};
  for (int i = 0; i < 256; ++i) {
    kind.palette.insert(kind.palette.end(), 3, static_cast<std::uint8_t>(i));
    kind.palette.push_back(0);
  }
  const auto rows = [&](int width, int height, const Samples& commands) {
    return decode8(make_bmp(kind, width, height, commands)).samples;
  };
  // Rows from the bottom: a run, five bytes as they are, a jump over two pixels and a row.
  CHECK(rows(5, 4, {3, 9, 2, 8, 0, 0, 0, 5, 1, 2, 3, 4, 5, 0, 0, 0, 0, 2, 2, 1, 3, 7, 0, 1}) ==
        Samples{0, 0, 7, 7, 7, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 9, 9, 9, 8, 8});
  CHECK(rows(4, 2, {0, 1}) == Samples(8, 0));
  CHECK(rows(4, 2, {9, 5, 0, 0, 9, 6, 0, 1}) == Samples{6, 6, 6, 6, 5, 5, 5, 5});
  CHECK(rows(2, 3, {2, 5, 0, 2, 0, 2, 2, 6}) == Samples{0, 0, 0, 0, 5, 5});
  CHECK(rows(3, 2, {0, 2, 1, 0, 1, 4, 0, 2, 0, 1, 1, 3, 0, 1}) == Samples{0, 0, 3, 0, 4, 0});
  CHECK(rows(2, 1, {2, 5}) == Samples{5, 5});  // ends with the last pixel
  CHECK(rows(2, 1, {2, 5, 0, 0, 0, 0, 9, 9}) == Samples{5, 5});
  kind.from_top = true;
  CHECK(rows(2, 2, {2, 5, 0, 0, 2, 6, 0, 1}) == Samples{5, 5, 6, 6});
  kind.from_top = false;
  for (const Samples& commands : {Samples{},
                                  {2},
                                  {2, 5},
                                  {4, 5, 0, 0},
                                  {4, 5, 0, 0, 3, 6},
                                  {0, 2, 1},
                                  {0, 200, 1, 2, 3, 4}}) {
    CHECK(decode_error(make_bmp(kind, 4, 2, commands)) == refused("truncated"));
  }

  kind.bits = 4;
  kind.compression = 2;
  kind.palette.resize(64);
  CHECK(rows(5, 2, {5, 0x12, 0, 0, 0, 5, 0x34, 0x56, 0x70, 0, 0, 1}) ==
        Samples{3, 4, 5, 6, 7, 1, 2, 1, 2, 1});
  CHECK(rows(3, 1, {0, 3, 0xab, 0xc0, 0, 1}) == Samples{10, 11, 12});

  kind.bits = 8;
  CHECK(decode_error(make_bmp(kind, 4, 2, Samples(8))) ==
        refused("BMP with 8 bits a pixel of compression 2"));
}

TEST_CASE("BMP: runs of random rows, read some at a time", "[bmp]") {
  std::mt19937 random(2);
  BmpKind kind{.bits = 8, .compression = 1};
  for (int i = 0; i < 1024; ++i) {
    kind.palette.push_back(static_cast<std::uint8_t>(random()));
  }
  const int width = 700;
  const int height = 60;
  Image8 indices(width, height, 1);
  Samples commands;
  for (int y = height - 1; y >= 0; --y) {
    for (int x = 0; x < width;) {
      const int count = std::min<int>(1 + static_cast<int>(random() % 255), width - x);
      if (random() % 3 > 0 || count < 3) {
        commands.push_back(static_cast<std::uint8_t>(count));
        commands.push_back(static_cast<std::uint8_t>(random()));
        std::fill_n(&indices.at(x, y), count, commands.back());
      } else {
        commands.push_back(0);
        commands.push_back(static_cast<std::uint8_t>(count));
        for (int i = 0; i < count; ++i) {
          commands.push_back(indices.at(x + i, y) = static_cast<std::uint8_t>(random()));
        }
        commands.resize(commands.size() + count % 2);
      }
      x += count;
    }
    commands.insert(commands.end(), {0, y == 0 ? std::uint8_t{1} : std::uint8_t{0}});
  }
  const File file = make_bmp(kind, width, height, commands);
  const auto source = memory_source(std::span<const std::byte>(file));
  const auto reader = open_image(*source, "test");
  Image8 image(width, height, 3);
  const std::size_t row = reader->info().row_bytes();
  for (int y = 0, count = 1; y < height; y += count, count = std::min(count + 1, height - y)) {
    reader->read_rows(std::as_writable_bytes(std::span(image.row(y), count * row)));
  }
  bool same = true;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (int c = 0; c < 3; ++c) {
        same = same && image.at(x, y, c) == kind.palette[4 * indices.at(x, y) + 2 - c];
      }
    }
  }
  CHECK(same);
}

/// A file of which all but the header is a pattern, and which notes what is asked for.
class PatternSource : public ByteSource {
 public:
  PatternSource(File header, std::int64_t size) : header_(std::move(header)), size_(size) {}
  std::int64_t size() const override { return size_; }
  std::size_t read(std::int64_t offset, std::span<std::byte> to) const override {
    largest = std::max(largest, to.size());
    std::size_t count = 0;
    for (; count < to.size() && offset < size_; ++count, ++offset) {
      to[count] = offset < std::int64_t(header_.size()) ? header_[offset] : pattern(offset);
    }
    return count;
  }
  static std::byte pattern(std::int64_t offset) {
    return static_cast<std::byte>(offset * 7 + (offset >> 11));
  }
  mutable std::size_t largest = 0;

 private:
  File header_;
  std::int64_t size_;
};

TEST_CASE("BMP: a picture from the bottom is read in pieces", "[bmp]") {
  const int width = 2000;
  const int height = 1500;
  const File header = make_bmp({}, width, height, {});
  const std::int64_t stride = 3 * width;
  const PatternSource source(header, 54 + stride * height);
  const auto reader = open_image(source, "test");
  std::vector<std::byte> rows(100 * reader->info().row_bytes());
  bool same = true;
  for (int y = 0; y < height; y += 100) {
    reader->read_rows(rows);
    for (int i = 0; i < 100; i += 33) {
      for (std::int64_t x = 0; x < stride; ++x) {
        const std::int64_t at = 54 + stride * (height - 1 - y - i) + x / 3 * 3 + 2 - x % 3;
        same = same && rows[i * stride + x] == PatternSource::pattern(at);
      }
    }
  }
  CHECK(same);
  CHECK(source.largest <= (1 << 18));
}

TEST_CASE("BMP: density and colour profile, there and back", "[bmp]") {
  const Image8 image = noise<std::uint8_t>(5, 4, 4);
  for (const int channels : {1, 3, 4}) {
    ImageInfo info{.width = 5, .height = 4, .channels = channels, .metadata = {}};
    info.metadata.density = PixelDensity{3000, 4000, true};
    info.metadata.icc.assign(77, std::byte{5});
    const Image8 part = first_channels(image, channels);
    MemorySink sink;
    const auto writer = create_image(sink, info, "bmp");
    writer->write_rows(std::as_bytes(std::span(part.samples)));
    writer->finish();
    const auto source = memory_source(std::span<const std::byte>(sink.bytes()));
    const auto reader = open_image(*source, "test");
    REQUIRE(reader->info().metadata.density);
    CHECK(reader->info().metadata.density->x == 3000);
    CHECK(reader->info().metadata.density->y == 4000);
    CHECK(reader->info().metadata.density->per_metre);
    CHECK(reader->info().metadata.icc == info.metadata.icc);
    CHECK(largest_difference(decode8(sink.bytes()), part) == 0);

    // Of a profile that is cut off, a warning tells.
    sink.bytes().pop_back();
    std::string warning;
    const auto cut = memory_source(std::span<const std::byte>(sink.bytes()));
    ReadOptions options;
    options.warn = [&](const std::string& text) { warning = text; };
    CHECK(open_image(*cut, "test", options)->info().metadata.icc.empty());
    CHECK(warning == "'test': the colour profile is damaged and left out");
  }
}

/// Counts, and keeps the first bytes.
class CountingSink : public ByteSink {
 public:
  void write(std::span<const std::byte> bytes) override {
    for (std::size_t i = 0; i < bytes.size() && start.size() < 64; ++i) {
      start.push_back(bytes[i]);
    }
    count += static_cast<std::int64_t>(bytes.size());
  }
  File start;
  std::int64_t count = 0;
};

TEST_CASE("BMP: a picture of more than 128 MiB is written from the top", "[bmp]") {
  const int width = 4096;
  const int height = 11000;
  const ImageInfo info{.width = width, .height = height, .channels = 3, .metadata = {}};
  CountingSink sink;
  const auto writer = create_image(sink, info, "bmp");
  const std::vector<std::byte> rows(1000 * info.row_bytes());
  for (int y = 0; y < height; y += 1000) {
    writer->write_rows(rows);
    CHECK(sink.count == 54 + std::int64_t{y + 1000} * width * 3);
  }
  writer->finish();
  CHECK(sink.count == 54 + std::int64_t{3} * width * height);
  const PatternSource source(sink.start, sink.count);
  CHECK(open_image(source, "test")->info().height == height);
  CHECK(static_cast<std::int8_t>(sink.start[25]) == -1);  // a negative height

  const ImageInfo large{.width = 40000, .height = 40000, .channels = 3, .metadata = {}};
  CHECK(error_of([&] { create_image(sink, large, "bmp"); }) ==
        "output: cannot encode BMP: 40000x40000 would take 4 GiB or more");
}

TEST_CASE("BMP: damage is refused, or another picture", "[bmp]") {
  BmpKind runs{.bits = 8, .compression = 1, .palette = Samples(1024, 3)};
  BmpKind nibbles{.bits = 4, .compression = 2, .palette = Samples(60, 3), .declared_colours = 15};
  BmpKind masks{.header = 124, .bits = 16, .compression = 3, .masks = {0xf00, 0xf0, 0xf, 0xf000}};
  const Samples noise8 = noise<std::uint8_t>(16, 8, 1).samples;
  const File files[] = {
      make_bmp(runs, 9, 3,
               {5, 1, 4, 2, 0, 0, 0, 9, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 0, 0, 9, 9, 0, 1}),
      make_bmp(nibbles, 9, 2,
               {5, 0x12, 4, 0x20, 0, 0, 0, 5, 0x12, 0x34, 0x56, 0, 0, 2, 1, 0, 0, 1}),
      make_bmp(masks, 8, 8, noise8),
      make_bmp({.header = 12, .bits = 4, .palette = Samples(48, 8)}, 16, 16, noise8),
      make_bmp({.header = 64, .bits = 1, .palette = Samples(8, 8), .gap = 9}, 32, 32, noise8),
      make_bmp({.header = 40, .bits = 32}, 4, 8, noise8),
  };
  int decoded = 0;
  for (const File& file : files) {
    check_truncations(file);
    decoded += check_damage(file, 500);
  }
  CHECK(decoded > 300);
  CHECK(decoded < 2700);
}

TEST_CASE("BMP: what no reader knows", "[bmp]") {
  const Samples samples(64);
  CHECK(decode_error(make_bmp({.header = 41}, 2, 2, samples)) ==
        refused("BMP with an unknown header of 41 bytes"));
  CHECK(decode_error(make_bmp({.bits = 5}, 2, 2, samples)) == refused("BMP with 5 bits a pixel"));
  CHECK(decode_error(make_bmp({.compression = 4}, 2, 2, samples)) ==
        refused("BMP of an unknown compression"));
  CHECK(decode_error(make_bmp({.header = 64, .compression = 3}, 2, 2, samples)) ==
        refused("BMP of an unknown compression"));
  CHECK(decode_error(make_bmp({}, 0, 2, samples)) == refused("declares a size of 0x2"));
  CHECK(decode_error(make_bmp({}, -2, 2, samples)) == refused("declares a size of -2x2"));
  CHECK(decode_error(make_bmp({}, 0x7fffffff, 1, samples)).substr(0, 8) == "memory: ");
}

TEST_CASE("BMP: files on which earlier versions failed", "[bmp]") {
  using Colour = std::array<int, 3>;
  struct Case {
    const char* name;
    int channels;
    Colour (*colour)(int x, int y);
  };
  const auto smooth = [](int x, int y) { return Colour{16 * x, 16 * y, 8 * (x + y)}; };
  const auto palette = [](int x, int y) {
    const int i = 16 * y + x;
    return Colour{i, 255 - i, 3 * i & 255};
  };
  const Case cases[] = {
      {"b24_gap", 3, smooth},
      {"b24_palette", 3, smooth},
      {"b24_v2_52", 3, smooth},
      {"b32_birgb_one_stray", 3, smooth},
      {"b32_v3_masks", 4, smooth},
      {"os2v1_8bit", 3, palette},
      {"p8_gap", 3, palette},
      {"os2v1_4bit", 3,
       [](int x, int) {
         return Colour{17 * x, 255 - 17 * x, 51 * x & 255};
       }},
      {"os2v1_1bit", 1,
       [](int x, int y) {
         const int light = (x / 4 + y / 4) % 2 * 255;
         return Colour{light, light, light};
       }},
  };
  for (const Case& one : cases) {
    CAPTURE(one.name);
    const auto path = shared_data(std::string("cases/") + one.name + ".bmp");
    if (!path) {
      continue;
    }
    const Image8 image = read_image8(*path);
    REQUIRE(image.channels == one.channels);
    REQUIRE((image.width == 16 && image.height == 16));
    for (int y = 0; y < 16; ++y) {
      for (int x = 0; x < 16; ++x) {
        CAPTURE(x, y);
        for (int c = 0; c < std::min(one.channels, 3); ++c) {
          REQUIRE(image.at(x, y, c) == one.colour(x, y)[c]);
        }
        if (one.channels == 4) {
          REQUIRE(image.at(x, y, 3) == 255);
        }
      }
    }
  }
}

}  // namespace
}  // namespace pisr
