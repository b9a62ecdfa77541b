#ifdef PISR_HAS_TIFF

#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstring>
#include <functional>

#include <tiffio.h>

#include "pisr/image/byte_sink.h"
#include "pisr/image/byte_source.h"
#include "pisr/image/image_stream.h"
#include "pisr/image/whole_image.h"
#include "tests/catch.h"
#include "tests/pisr/image/damage.h"
#include "tests/pisr/image/images.h"
#include "tests/temporary_folder.h"

namespace pisr {
namespace {

using File = std::vector<std::byte>;
using Samples8 = std::vector<std::uint8_t>;
using Samples16 = std::vector<std::uint16_t>;

/// A TIFF file to make with libtiff.
struct TiffKind {
  int bits = 8;
  int samples = 1;  ///< of a pixel
  int format = SAMPLEFORMAT_UINT;
  int photometric = PHOTOMETRIC_MINISBLACK;
  int compression = COMPRESSION_NONE;
  int predictor = 0;
  bool planes = false;
  int tile = 0;  ///< side of the tiles; 0: strips
  int rows_of_strip = 3;
  const char* mode = "w";  ///< as TIFFOpen's: "wb" big-endian, "w8" BigTIFF
  std::vector<std::uint16_t> extra = {};
  std::vector<std::uint16_t> palette = {};  ///< all reds, all greens, all blues
  int orientation = 0;
  int images = 1;
};

/// `rows`: samples of `bits` bits, as a row of the file has them without compression; the planes
/// one after the other.
File make_tiff(const TiffKind& kind, int width, int height, const std::vector<std::byte>& rows) {
  const TemporaryFolder folder;
  const std::string path = (folder.path() / "a.tif").string();
  TIFF* const tiff = TIFFOpen(path.c_str(), kind.mode);
  REQUIRE(tiff != nullptr);
  for (int image = 0; image < kind.images; ++image) {
    TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, width);
    TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, height);
    TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, kind.bits);
    TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, kind.samples);
    TIFFSetField(tiff, TIFFTAG_SAMPLEFORMAT, kind.format);
    TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, kind.photometric);
    TIFFSetField(tiff, TIFFTAG_COMPRESSION, kind.compression);
    TIFFSetField(tiff, TIFFTAG_PLANARCONFIG,
                 kind.planes ? PLANARCONFIG_SEPARATE : PLANARCONFIG_CONTIG);
    if (kind.predictor != 0) {
      TIFFSetField(tiff, TIFFTAG_PREDICTOR, kind.predictor);
    }
    if (kind.photometric == PHOTOMETRIC_YCBCR) {
      TIFFSetField(tiff, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
      TIFFSetField(tiff, TIFFTAG_JPEGQUALITY, 100);
    }
    if (!kind.extra.empty()) {
      TIFFSetField(tiff, TIFFTAG_EXTRASAMPLES, static_cast<int>(kind.extra.size()),
                   kind.extra.data());
    }
    if (!kind.palette.empty()) {
      const std::size_t colours = kind.palette.size() / 3;
      TIFFSetField(tiff, TIFFTAG_COLORMAP, kind.palette.data(), kind.palette.data() + colours,
                   kind.palette.data() + 2 * colours);
    }
    if (kind.orientation != 0) {
      TIFFSetField(tiff, TIFFTAG_ORIENTATION, kind.orientation);
    }
    const int planes = kind.planes ? kind.samples : 1;
    const std::size_t row = (std::size_t(width) * kind.samples / planes * kind.bits + 7) / 8;
    REQUIRE(rows.size() == row * height * planes);
    const auto row_of = [&](int plane, int y) {
      return const_cast<std::byte*>(rows.data()) + row * (std::size_t(plane) * height + y);
    };
    if (kind.tile == 0) {
      TIFFSetField(tiff, TIFFTAG_ROWSPERSTRIP, kind.rows_of_strip);
      for (int plane = 0; plane < planes; ++plane) {
        for (int y = 0; y < height; ++y) {
          std::vector<std::byte> copy(row_of(plane, y), row_of(plane, y) + row);
          copy.resize(row + 8);
          REQUIRE(TIFFWriteScanline(tiff, copy.data(), y, static_cast<std::uint16_t>(plane)) == 1);
        }
      }
    } else {
      TIFFSetField(tiff, TIFFTAG_TILEWIDTH, kind.tile);
      TIFFSetField(tiff, TIFFTAG_TILELENGTH, kind.tile);
      const std::size_t tile_row = std::size_t(kind.tile) * kind.samples / planes * kind.bits / 8;
      for (int plane = 0; plane < planes; ++plane) {
        for (int y = 0; y < height; y += kind.tile) {
          for (std::size_t x = 0; x < row; x += tile_row) {
            std::vector<std::byte> tile(tile_row * kind.tile);
            for (int i = 0; i < std::min(kind.tile, height - y); ++i) {
              std::copy_n(row_of(plane, y + i) + x, std::min(tile_row, row - x),
                          tile.begin() + tile_row * i);
            }
            REQUIRE(TIFFWriteTile(tiff, tile.data(),
                                  static_cast<std::uint32_t>(x / tile_row * kind.tile), y, 0,
                                  static_cast<std::uint16_t>(plane)) > 0);
          }
        }
      }
    }
    REQUIRE(TIFFWriteDirectory(tiff) == 1);
  }
  TIFFClose(tiff);
  return read_bytes(path);
}

template <class Sample>
File bytes_of(const std::vector<Sample>& samples) {
  const auto* bytes = reinterpret_cast<const std::byte*>(samples.data());
  return {bytes, bytes + samples.size() * sizeof(Sample)};
}

/// The planes one after the other.
template <class Sample>
std::vector<Sample> in_planes(const ImageOf<Sample>& image) {
  std::vector<Sample> planes;
  for (int c = 0; c < image.channels; ++c) {
    for (std::size_t i = c; i < image.samples.size(); i += image.channels) {
      planes.push_back(image.samples[i]);
    }
  }
  return planes;
}

Image8 decode8(const File& file) {
  return std::get<Image8>(decode_image(file, "test").pixels);
}
std::string decode_error(const File& file) {
  return error_of([&] { decode_image(file, "test"); });
}
std::string refused(const std::string& reason) {
  return "input: cannot decode 'test': " + reason;
}

/// A picture in floating point.
struct Real {
  ImageInfo info;
  std::vector<float> samples;
};
Real decode_real(const File& file) {
  const auto source = memory_source(std::span<const std::byte>(file));
  const auto reader = open_image(*source, "test");
  Real real{reader->info(), {}};
  REQUIRE(real.info.samples == SampleType::f32);
  real.samples.resize(std::size_t(real.info.width) * real.info.height * real.info.channels);
  reader->read_rows(std::as_writable_bytes(std::span(real.samples)));
  reader->finish();
  return real;
}

File written(const ImageInfo& info, std::span<const std::byte> samples,
             const WriteOptions& options = {}) {
  MemorySink sink;
  const auto writer = create_image(sink, info, "tif", options);
  const std::size_t row = info.row_bytes();
  for (std::size_t at = 0, rows = 1; at < samples.size(); at += row * rows, ++rows) {
    rows = std::min(rows, (samples.size() - at) / row);
    writer->write_rows(samples.subspan(at, row * rows));
  }
  writer->finish();
  return sink.bytes();
}

ImageMetadata metadata_of(const File& file) {
  const auto source = memory_source(std::span<const std::byte>(file));
  return open_image(*source, "test")->info().metadata;
}

TEST_CASE("TIFF: depths, channels, strips and tiles, planes, compressions, byte orders", "[tiff]") {
  const int compressions[] = {COMPRESSION_NONE,          COMPRESSION_LZW,  COMPRESSION_PACKBITS,
                              COMPRESSION_ADOBE_DEFLATE, COMPRESSION_ZSTD, COMPRESSION_LZMA};
  int files = 0;
  for (const int compression : compressions) {
    if (TIFFIsCODECConfigured(static_cast<std::uint16_t>(compression)) == 0) {
      continue;
    }
    for (const int channels : {1, 2, 3, 4}) {
      for (const bool planes : {false, true}) {
        for (const int tile : {0, 16, 32}) {
          TiffKind kind{.samples = channels, .compression = compression};
          kind.photometric = channels > 2 ? PHOTOMETRIC_RGB : PHOTOMETRIC_MINISBLACK;
          kind.planes = planes;
          kind.tile = tile;
          kind.mode = std::array{"w", "wb", "w8", "wb8"}[files % 4];
          if (channels % 2 == 0) {
            kind.extra = {EXTRASAMPLE_UNASSALPHA};
          }
          if (compression != COMPRESSION_NONE && compression != COMPRESSION_PACKBITS) {
            kind.predictor = files % 2 == 0 ? PREDICTOR_HORIZONTAL : PREDICTOR_NONE;
          }
          CAPTURE(compression, channels, planes, tile, kind.mode, kind.predictor);
          const auto narrow = noise<std::uint8_t>(37, 21, channels);
          CHECK(largest_difference(
                    decode8(make_tiff(kind, 37, 21,
                                      bytes_of(planes ? in_planes(narrow) : narrow.samples))),
                    narrow) == 0);
          kind.bits = 16;
          const auto wide = noise<std::uint16_t>(37, 21, channels);
          const AnyImage read = decode_image(
              make_tiff(kind, 37, 21, bytes_of(planes ? in_planes(wide) : wide.samples)), "test");
          REQUIRE(read.is_16_bit());
          CHECK(largest_difference(std::get<Image16>(read.pixels), wide) == 0);
          kind.bits = 32;
          kind.format = SAMPLEFORMAT_IEEEFP;
          // libtiff 4.5 writes big-endian files with that predictor that no one can read.
          kind.predictor = kind.predictor == 0   ? 0
                           : kind.mode[1] == 'b' ? PREDICTOR_NONE
                                                 : PREDICTOR_FLOATINGPOINT;
          ImageOf<float> real(37, 21, channels);
          for (std::size_t i = 0; i < real.samples.size(); ++i) {
            real.samples[i] = 0.37F * static_cast<float>(i) - 100;
          }
          const Real got = decode_real(
              make_tiff(kind, 37, 21, bytes_of(planes ? in_planes(real) : real.samples)));
          CHECK(got.info.channels == channels);
          CHECK((got.samples == real.samples));
          ++files;
        }
      }
    }
  }
  CHECK(files >= 4 * 24);
}

TEST_CASE("TIFF: few bits, palettes, ink", "[tiff]") {
  const auto bits = [](TiffKind kind, int width, const Samples8& row) {
    return decode8(make_tiff(kind, width, 1, bytes_of(row)));
  };
  for (const int tile : {0, 16}) {
    CAPTURE(tile);
    CHECK(bits({.bits = 1, .tile = tile}, 4, {0b01100000}).samples == Samples8{0, 255, 255, 0});
    CHECK(bits({.bits = 2, .tile = tile}, 4, {0b00011011}).samples == Samples8{0, 85, 170, 255});
    CHECK(bits({.bits = 4, .tile = tile}, 3, {0x1f, 0x20}).samples == Samples8{17, 255, 34});
    TiffKind ink{.bits = 1, .photometric = PHOTOMETRIC_MINISWHITE, .tile = tile};
    CHECK(bits(ink, 4, {0b01100000}).samples == Samples8{255, 0, 0, 255});
    ink.bits = 8;
    CHECK(bits(ink, 2, {0, 250}).samples == Samples8{255, 5});

    TiffKind palette{.bits = 2, .photometric = PHOTOMETRIC_PALETTE, .tile = tile};
    palette.palette = {0x100, 0x200, 0x300, 0xffff, 0x400, 0x500, 0x6ff, 0x700, 1, 2, 3, 0x8000};
    const Image8 colours = bits(palette, 4, {0b00011011});
    CHECK(colours.channels == 3);
    CHECK(colours.samples == Samples8{1, 4, 0, 2, 5, 0, 3, 6, 0, 255, 7, 128});
    palette.palette = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};  // numbers of 8 bits
    CHECK(bits(palette, 2, {0b00110000}).samples == Samples8{1, 5, 9, 4, 8, 12});
    palette.palette = {0,      0x1100, 0x2200, 0x3300, 0,      0x1100,
                       0x2200, 0x3300, 0,      0x1100, 0x2200, 0x3300};
    const Image8 grey = bits(palette, 2, {0b00110000});
    CHECK(grey.channels == 1);
    CHECK(grey.samples == Samples8{0, 0x33});
  }
  TiffKind wide{.bits = 16, .photometric = PHOTOMETRIC_MINISWHITE};
  CHECK(std::get<Image16>(
            decode_image(make_tiff(wide, 2, 1, bytes_of(Samples16{0, 65000})), "test").pixels)
            .samples == Samples16{65535, 535});
  const TiffKind inks{.samples = 4, .photometric = PHOTOMETRIC_SEPARATED};
  const Image8 rgb = bits(inks, 2, {0, 0, 0, 0, 255, 0, 51, 51});
  CHECK(rgb.channels == 3);
  CHECK(rgb.samples == Samples8{255, 255, 255, 0, 204, 163});
}

TEST_CASE("TIFF: alpha that colours were multiplied by, and samples that are none", "[tiff]") {
  TiffKind kind{.samples = 4, .photometric = PHOTOMETRIC_RGB, .extra = {EXTRASAMPLE_ASSOCALPHA}};
  const Samples8 row = {10, 20, 30, 51, 1, 2, 3, 0, 7, 8, 9, 255, 60, 50, 40, 50};
  CHECK(decode8(make_tiff(kind, 4, 1, bytes_of(row))).samples ==
        Samples8{50, 100, 150, 51, 0, 0, 0, 0, 7, 8, 9, 255, 255, 255, 204, 50});
  kind.bits = 16;
  CHECK(std::get<Image16>(
            decode_image(make_tiff(kind, 1, 1, bytes_of(Samples16{1000, 30000, 40000, 30000})),
                         "test")
                .pixels)
            .samples == Samples16{2184, 65535, 65535, 30000});
  kind.bits = 32;
  kind.format = SAMPLEFORMAT_IEEEFP;
  CHECK(decode_real(
            make_tiff(kind, 2, 1, bytes_of(std::vector<float>{0.25F, 1, 0, 0.5F, 1, 1, 1, 0})))
            .samples == std::vector<float>{0.5F, 2, 0, 0.5F, 0, 0, 0, 0});

  kind = {.samples = 4, .photometric = PHOTOMETRIC_RGB, .extra = {EXTRASAMPLE_UNSPECIFIED}};
  CHECK(decode8(make_tiff(kind, 1, 1, bytes_of(Samples8{1, 2, 3, 4}))).samples ==
        Samples8{1, 2, 3});
  kind.extra = {};  // not told
  CHECK(decode8(make_tiff(kind, 1, 1, bytes_of(Samples8{1, 2, 3, 4}))).samples ==
        Samples8{1, 2, 3, 4});
  for (const bool planes : {false, true}) {
    for (const int tile : {0, 16}) {
      kind = {.samples = 6, .photometric = PHOTOMETRIC_RGB, .planes = planes, .tile = tile};
      kind.extra = {EXTRASAMPLE_UNSPECIFIED, EXTRASAMPLE_UNASSALPHA, EXTRASAMPLE_UNSPECIFIED};
      CHECK(decode8(make_tiff(kind, 1, 1, bytes_of(Samples8{1, 2, 3, 4, 5, 6}))).samples ==
            Samples8{1, 2, 3, 5});
    }
  }
}

TEST_CASE("TIFF: JPEG and fax inside", "[tiff]") {
  const Image8 image = gradient(45, 40, 3);
  for (const int tile : {0, 16}) {
    for (const int photometric : {PHOTOMETRIC_RGB, PHOTOMETRIC_YCBCR}) {
      CAPTURE(tile, photometric);
      TiffKind kind{.samples = 3, .photometric = photometric, .compression = COMPRESSION_JPEG};
      kind.tile = tile;
      kind.rows_of_strip = 16;
      const File file = make_tiff(kind, 45, 40, bytes_of(image.samples));
      // Of YCbCr only every other chroma sample is there.
      CHECK(largest_difference(decode8(file), image) <= (photometric == PHOTOMETRIC_RGB ? 24 : 32));
      int decoded = 0;
      for (std::size_t cut = 1; cut < 400; cut += 7) {
        File damaged = file;
        std::fill_n(damaged.begin() + static_cast<std::ptrdiff_t>(8 + cut), 3, std::byte{0xff});
        decoded += decoded_or_refused(damaged) ? 1 : 0;
      }
      CHECK(decoded < 57);
    }
  }
  const auto rows = noise<std::uint8_t>(5, 30, 1);
  Image8 expected(40, 30, 1);
  for (int y = 0; y < 30; ++y) {
    for (int x = 0; x < 40; ++x) {
      expected.at(x, y) = (rows.at(x / 8, y) >> (7 - x % 8) & 1) != 0 ? 0 : 255;
    }
  }
  for (const int compression :
       {COMPRESSION_CCITTFAX3, COMPRESSION_CCITTFAX4, COMPRESSION_CCITTRLE, COMPRESSION_LZW}) {
    CAPTURE(compression);
    TiffKind kind{.bits = 1, .photometric = PHOTOMETRIC_MINISWHITE, .compression = compression};
    CHECK(largest_difference(decode8(make_tiff(kind, 40, 30, bytes_of(rows.samples))), expected) ==
          0);
  }
}

TEST_CASE("TIFF: what is refused, and why", "[tiff]") {
  const auto error = [](const TiffKind& kind, int width, std::size_t bytes) {
    return decode_error(make_tiff(kind, width, 1, File(bytes)));
  };
  CHECK(error({.format = SAMPLEFORMAT_INT}, 1, 1) ==
        refused("TIFF with samples of 8 bits in numbers of another kind"));
  CHECK(error({.bits = 64, .format = SAMPLEFORMAT_IEEEFP}, 1, 8) ==
        refused("TIFF with samples of 64 bits in floating point"));
  CHECK(error({.bits = 32}, 1, 4) == refused("TIFF with samples of 32 bits in unsigned numbers"));
  CHECK(error({.samples = 3, .photometric = PHOTOMETRIC_CIELAB}, 1, 3) ==
        refused("TIFF with 3 samples of photometric interpretation 8"));
  CHECK(error({.samples = 2, .photometric = PHOTOMETRIC_RGB}, 1, 2) ==
        refused("TIFF with 2 samples a pixel in place of 3"));
  CHECK(error({.bits = 1, .samples = 2}, 8, 2) ==
        refused("TIFF with 2 samples of 1 bits of photometric interpretation 1"));
  CHECK(decode_error({std::byte{'I'}, std::byte{'I'}, std::byte{'*'}, std::byte{0}}) ==
        refused("truncated"));
}

TEST_CASE("TIFF: of several images the first is read, and a warning tells", "[tiff]") {
  std::string warning;
  ReadOptions options;
  options.warn = [&](const std::string& line) { warning = line; };
  const File file = make_tiff({.images = 2}, 2, 1, bytes_of(Samples8{7, 8}));
  CHECK(std::get<Image8>(decode_image(file, "test", options).pixels).samples == Samples8{7, 8});
  CHECK(warning == "'test': of several images the first is read");
  warning.clear();
  decode_image(make_tiff({}, 2, 1, bytes_of(Samples8{7, 8})), "test", options);
  CHECK(warning.empty());
}

TEST_CASE("TIFF: there and back, of every depth and level", "[tiff]") {
  for (const int channels : {1, 2, 3, 4}) {
    for (const int level : {0, 1, 9}) {
      CAPTURE(channels, level);
      const WriteOptions options{.png_level = level};
      const Image8 narrow = gradient(700, 400, channels);
      const File file = encode_image(narrow, "tiff", options);
      CHECK(largest_difference(decode8(file), narrow) == 0);
      CHECK((file.size() < narrow.samples.size() / 2) == (level > 0));
      const auto wide = noise<std::uint16_t>(90, 70, channels);
      CHECK(largest_difference(
                std::get<Image16>(decode_image(encode_image(wide, "tif", options), "test").pixels),
                wide) == 0);
      ImageInfo info{.width = 60, .height = 5000, .channels = channels, .metadata = {}};
      info.samples = SampleType::f32;
      std::vector<float> real(std::size_t(60) * 5000 * channels);
      for (std::size_t i = 0; i < real.size(); ++i) {
        real[i] = static_cast<float>(i) / 3 - 5;
      }
      CHECK((decode_real(written(info, std::as_bytes(std::span(real)), options)).samples == real));
    }
  }
  CHECK(error_of([] { encode_image(Image8(1, 1, 1), "tif", {.png_level = 10}); }) ==
        "usage: TIFF compression must be 0 to 9, got 10");
}

template <class Number>
TiffTag tag_of(int tag, int type, const std::vector<Number>& values) {
  return {static_cast<std::uint16_t>(tag), static_cast<std::uint16_t>(type), values.size(),
          bytes_of(values)};
}

TEST_CASE("TIFF: density, orientation, profile and the fields of GeoTIFF, there and back",
          "[tiff]") {
  ImageInfo info{.width = 3, .height = 2, .channels = 3, .metadata = {}};
  info.metadata.density = PixelDensity{11811, 5905.5, true};
  info.metadata.orientation = 6;
  info.metadata.icc.assign(333, std::byte{9});
  info.metadata.tiff_tags = {
      tag_of(33550, 12, std::vector<double>{0.5, 0.25, 0}),
      tag_of(33922, 12, std::vector<double>{0, 0, 0, 440720, 3751320, 0}),
      tag_of(34735, 3, Samples16{1, 1, 0, 1, 1024, 0, 1, 1}),
      tag_of(34737, 2, Samples8{'a', 'b', '|', 0}),
      tag_of(42113, 2, Samples8{'-', '9', 0}),
  };
  const auto samples = noise<std::uint8_t>(3, 2, 3);
  const File file = written(info, std::as_bytes(std::span(samples.samples)));
  CHECK(largest_difference(decode8(file), samples) == 0);
  const ImageMetadata read = metadata_of(file);
  REQUIRE(read.density);
  CHECK(read.density->per_metre);
  CHECK(read.density->x == Approx(11811).epsilon(1e-6));
  CHECK(read.density->y == Approx(5905.5).epsilon(1e-6));
  CHECK(read.orientation == 6);
  CHECK(read.icc == info.metadata.icc);
  REQUIRE(read.tiff_tags.size() == info.metadata.tiff_tags.size());
  for (std::size_t i = 0; i < read.tiff_tags.size(); ++i) {
    const TiffTag& tag = info.metadata.tiff_tags[i];
    CAPTURE(tag.tag);
    CHECK(read.tiff_tags[i].tag == tag.tag);
    CHECK(read.tiff_tags[i].type == tag.type);
    CHECK(read.tiff_tags[i].count == tag.count);
    CHECK(read.tiff_tags[i].values == tag.values);
  }
  info.metadata = {};
  info.metadata.density = PixelDensity{2, 3, false};
  const ImageMetadata ratio = metadata_of(written(info, std::as_bytes(std::span(samples.samples))));
  REQUIRE(ratio.density);
  CHECK(!ratio.density->per_metre);
  CHECK(ratio.density->y / ratio.density->x == Approx(1.5));
  CHECK(ratio.tiff_tags.empty());
  CHECK(metadata_of(make_tiff({.orientation = 3}, 1, 1, File(1))).orientation == 3);
}

TEST_CASE("TIFF: damage is refused, or another picture", "[tiff]") {
  const auto grey = noise<std::uint8_t>(20, 18, 1);
  const auto rgb = gradient(20, 18, 3);
  TiffKind planes{.samples = 3, .photometric = PHOTOMETRIC_RGB, .compression = COMPRESSION_LZW};
  planes.planes = true;
  TiffKind tiles{.samples = 3, .photometric = PHOTOMETRIC_RGB};
  tiles.compression = COMPRESSION_ADOBE_DEFLATE;
  tiles.tile = 16;
  tiles.mode = "wb8";
  TiffKind palette{.bits = 1, .photometric = PHOTOMETRIC_PALETTE, .palette = {1, 2, 3, 4, 5, 6}};
  TiffKind fax{.bits = 1, .photometric = PHOTOMETRIC_MINISWHITE};
  fax.compression = COMPRESSION_CCITTFAX4;
  TiffKind jpeg{.samples = 3, .photometric = PHOTOMETRIC_YCBCR, .compression = COMPRESSION_JPEG};
  jpeg.rows_of_strip = 16;
  const File files[] = {
      make_tiff({}, 20, 18, bytes_of(grey.samples)),
      make_tiff(planes, 20, 18, bytes_of(in_planes(rgb))),
      make_tiff(tiles, 20, 18, bytes_of(rgb.samples)),
      make_tiff(palette, 16, 18, File(36, std::byte{0x5a})),
      make_tiff(fax, 16, 18, File(36, std::byte{0x5a})),
      make_tiff(jpeg, 20, 18, bytes_of(rgb.samples)),
      encode_image(noise<std::uint16_t>(9, 7, 2), "tif"),
  };
  int decoded = 0;
  for (const File& file : files) {
    check_truncations(file);
    decoded += check_damage(file, 400);
  }
  CHECK(decoded > 200);
  CHECK(decoded < 2600);
}

TEST_CASE("TIFF: nothing of a declared size alone is allocated", "[tiff]") {
  // Some rows of noise, and a width and tiles that do not fit them.
  TiffKind tiled{.tile = 16};
  File file = make_tiff(tiled, 16, 16, File(256));
  const auto set_tag = [&](int tag, std::uint32_t value) {
    const std::uint32_t at =
        std::to_integer<std::uint32_t>(file[4]) | std::to_integer<std::uint32_t>(file[5]) << 8;
    const int entries = std::to_integer<int>(file[at]);
    for (int i = 0; i < entries; ++i) {
      const std::size_t entry = at + 2 + 12 * i;
      if (std::to_integer<int>(file[entry]) + 256 * std::to_integer<int>(file[entry + 1]) == tag) {
        file[entry + 2] = std::byte{4};  // LONG
        std::memcpy(file.data() + entry + 8, &value, 4);
      }
    }
  };
  set_tag(TIFFTAG_TILEWIDTH, 1 << 20);
  set_tag(TIFFTAG_TILELENGTH, 1 << 10);
  CHECK(decode_error(file) == refused("truncated"));
  set_tag(TIFFTAG_IMAGEWIDTH, 1 << 17);
  set_tag(TIFFTAG_IMAGELENGTH, 1 << 17);
  CHECK(decode_error(file).substr(0, 7) == "memory:");
}

TEST_CASE("metadata: of an enlarged image", "[tiff]") {
  ImageMetadata metadata;
  metadata.density = PixelDensity{100, 50, true};
  metadata.orientation = 5;
  metadata.tiff_tags = {
      tag_of(33550, 12, std::vector<double>{10, 20, 5}),
      tag_of(33922, 12, std::vector<double>{3, 4, 7, 100, 200, 300, 0, 0, 0, 1, 2, 3}),
      tag_of(34264, 12, std::vector<double>{10, 1, 0, 100, 2, -20, 0, 200, 0, 0, 0, 0, 0, 0, 0, 1}),
      tag_of(34737, 2, Samples8{'x', 0}),
      tag_of(33550, 11, std::vector<float>{1, 2, 3}),  // not of its type
  };
  const auto numbers = [](const TiffTag& tag) {
    std::vector<double> values(tag.values.size() / sizeof(double));
    std::memcpy(values.data(), tag.values.data(), tag.values.size());
    return values;
  };
  const ImageMetadata corners = enlarged(metadata, 4);
  CHECK(corners.density->x == 400);
  CHECK(corners.density->y == 200);
  CHECK(corners.orientation == 5);
  REQUIRE(corners.tiff_tags.size() == 4);
  CHECK(numbers(corners.tiff_tags[0]) == std::vector<double>{2.5, 5, 5});
  CHECK(numbers(corners.tiff_tags[1]) ==
        std::vector<double>{12, 16, 7, 100, 200, 300, 0, 0, 0, 1, 2, 3});
  CHECK(numbers(corners.tiff_tags[2]) ==
        std::vector<double>{2.5, 0.25, 0, 100, 0.5, -5, 0, 200, 0, 0, 0, 0, 0, 0, 0, 1});
  CHECK(corners.tiff_tags[3].values == metadata.tiff_tags[3].values);

  // Coordinates of the middles of pixels: the same place of the ground before and after.
  metadata.tiff_tags.push_back(tag_of(34735, 3, Samples16{1, 1, 0, 1, 1025, 0, 1, 2}));
  const ImageMetadata middles = enlarged(metadata, 4);
  const std::vector<double> tie = numbers(middles.tiff_tags[1]);
  CHECK(tie[0] == 13.5);
  CHECK(tie[1] == 17.5);
  CHECK(tie[6] == 1.5);
  const std::vector<double> before = numbers(metadata.tiff_tags[2]);
  const std::vector<double> after = numbers(middles.tiff_tags[2]);
  for (const double i : {0.0, 2.0, 7.25}) {
    const double j = 3 - i;
    const auto ground = [](const std::vector<double>& matrix, int row, double x, double y) {
      return matrix[4 * row] * x + matrix[4 * row + 1] * y + matrix[4 * row + 3];
    };
    for (const int row : {0, 1}) {
      CHECK(ground(after, row, 4 * (i + 0.5) - 0.5, 4 * (j + 0.5) - 0.5) ==
            Approx(ground(before, row, i, j)));
    }
  }
}

}  // namespace
}  // namespace pisr

#endif  // PISR_HAS_TIFF
