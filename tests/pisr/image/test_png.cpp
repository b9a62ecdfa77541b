#include <algorithm>
#include <functional>
#include <string>

#include <png.h>
#include <sys/resource.h>
#include <zlib.h>

#include "pisr/image/deflate.h"
#include "tests/catch.h"
#include "tests/pisr/image/decoded.h"
#include "tests/pisr/image/encoded_images.h"
#include "tests/pisr/image/images.h"
#include "tests/pisr/image/png_file.h"
#include "tests/shared_data.h"
#include "tests/temporary_folder.h"
#include "tests/thrown.h"

namespace pisr {
namespace {

Image8 decode8(const std::vector<std::byte>& file) {
  return std::get<Image8>(decode_image(file, "test").pixels);
}

using Strings = std::vector<std::string>;

TEST_CASE("PNG: 8 and 16 bits, grey and RGB, with and without alpha, there and back") {
  const TemporaryFolder folder;
  for (const int channels : {1, 2, 3, 4}) {
    for (const int width : {1, 2, 7, 32}) {
      INFO(channels << " channels, width " << width);
      const std::filesystem::path path = folder.path() / "image.png";
      const auto narrow = noise<std::uint8_t>(width, 5, channels);
      write_image(path, narrow);
      CHECK(largest_difference(read_image8(path), narrow) == 0);
      const auto wide = noise<std::uint16_t>(width, 5, channels);
      write_image(path, wide);
      const AnyImage read = read_image(path);
      REQUIRE(read.is_16_bit());
      CHECK(read.width() == width);
      CHECK(read.height() == 5);
      CHECK(read.channels() == channels);
      CHECK(largest_difference(std::get<Image16>(read.pixels), wide) == 0);
    }
  }
}

TEST_CASE("PNG: 16 bit samples have their high byte first in the file") {
  PngKind kind;
  kind.colour_type = PNG_COLOR_TYPE_GRAY;
  kind.bit_depth = 16;
  const AnyImage image = decode_image(make_png(kind, 2, 1, {0x12, 0x34, 0x00, 0xff}), "test");
  CHECK(std::get<Image16>(image.pixels).samples == std::vector<std::uint16_t>{0x1234, 0x00ff});
}

TEST_CASE("PNG: palettes, few bits, transparent colours") {
  PngKind palette;
  palette.colour_type = PNG_COLOR_TYPE_PALETTE;
  palette.palette = {10, 20, 30, 200, 100, 50, 1, 2, 3};
  const Image8 opaque = decode8(make_png(palette, 3, 1, {2, 0, 1}));
  CHECK(opaque.channels == 3);
  CHECK(opaque.samples == std::vector<std::uint8_t>{1, 2, 3, 10, 20, 30, 200, 100, 50});

  palette.alpha = {128};
  const Image8 transparent = decode8(make_png(palette, 3, 1, {2, 0, 1}));
  CHECK(transparent.channels == 4);
  CHECK(transparent.samples ==
        std::vector<std::uint8_t>{1, 2, 3, 255, 10, 20, 30, 128, 200, 100, 50, 255});

  palette.alpha.clear();
  palette.bit_depth = 2;
  CHECK(decode8(make_png(palette, 3, 1, {0b10000100})).samples == opaque.samples);

  PngKind grey;
  grey.colour_type = PNG_COLOR_TYPE_GRAY;
  grey.bit_depth = 1;
  CHECK(decode8(make_png(grey, 4, 1, {0b01100000})).samples ==
        std::vector<std::uint8_t>{0, 255, 255, 0});
  grey.bit_depth = 2;
  CHECK(decode8(make_png(grey, 4, 1, {0b00011011})).samples ==
        std::vector<std::uint8_t>{0, 85, 170, 255});
  grey.bit_depth = 4;
  CHECK(decode8(make_png(grey, 2, 1, {0x1f})).samples == std::vector<std::uint8_t>{17, 255});
  grey.transparent_grey = 1;
  const Image8 with_hole = decode8(make_png(grey, 2, 1, {0x1f}));
  CHECK(with_hole.channels == 2);
  CHECK(with_hole.samples == std::vector<std::uint8_t>{17, 0, 255, 255});
}

TEST_CASE("PNG: interlaced files give the same samples") {
  for (const int channels : {1, 2, 3, 4}) {
    for (const int size : {1, 3, 8, 21}) {
      INFO(channels << " channels, size " << size);
      const int colours[] = {PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_GRAY_ALPHA, PNG_COLOR_TYPE_RGB,
                             PNG_COLOR_TYPE_RGB_ALPHA};
      PngKind kind;
      kind.colour_type = colours[channels - 1];
      kind.interlaced = true;
      const auto image = noise<std::uint8_t>(size, size, channels);
      CHECK(largest_difference(decode8(make_png(kind, size, size, image.samples)), image) == 0);
    }
  }
}

PngKind interlaced_kind(int colour_type) {
  PngKind kind;
  kind.colour_type = colour_type;
  kind.interlaced = true;
  return kind;
}

TEST_CASE("PNG: rows are the same in any portions, interlaced or not") {
  const Image8 image = noise<std::uint8_t>(13, 29, 3);
  for (const auto& file : {encode_image(image, "png"),
                           make_png(interlaced_kind(PNG_COLOR_TYPE_RGB), 13, 29, image.samples)}) {
    for (const int portion : {1, 2, 7, 28, 29}) {
      const auto source = memory_source(file);
      const auto reader = open_image(*source, "test");
      Image8 read(13, 29, 3);
      for (int y = 0; y < 29; y += portion) {
        const std::size_t rows = std::min(portion, 29 - y);
        reader->read_rows(
            std::as_writable_bytes(std::span(read.row(y), rows * reader->info().row_bytes())));
      }
      reader->finish();
      CHECK(largest_difference(read, image) == 0);
    }
  }
}

TEST_CASE("PNG: any damaged byte is found, or leaves the pixels and gives a warning") {
  const Image8 image = gradient(20, 12, 3);
  PngKind hole;
  hole.colour_type = PNG_COLOR_TYPE_GRAY;
  hole.transparent_grey = 90;
  const Image8 grey = gradient(20, 12, 1);
  const std::vector<std::byte> files[] = {
      encode_image(image, "png"),
      make_png(interlaced_kind(PNG_COLOR_TYPE_RGB), 20, 12, image.samples),
      make_png(hole, 20, 12, grey.samples)};
  for (const std::vector<std::byte>& file : files) {
    const AnyImage whole = decode_image(file, "test");
    int read = 0;
    for (std::size_t i = 0; i < file.size(); ++i) {
      INFO("byte " << i << " of " << file.size());
      std::vector<std::byte> damaged = file;
      damaged[i] ^= std::byte{0x10};
      const Decoded result = decode(damaged);
      if (result.error == "none") {
        REQUIRE(same_pixels(result.image, whole));
        REQUIRE(result.warnings.size() == 1);
        ++read;
      }
    }
    CHECK(read >= 12);           // any byte of IEND
    CHECK(read <= 12 + 18 + 4);  // and of a last IDAT without samples
  }
  std::vector<std::byte> damaged = files[0];
  damaged[19] ^= std::byte{1};
  CHECK(decode(damaged).error == "input: cannot decode 'test': IHDR: CRC error");
}

TEST_CASE("PNG: interlaced files that end early") {
  const Image8 image = noise<std::uint8_t>(9, 9, 3);
  const int read =
      check_beginnings(make_png(interlaced_kind(PNG_COLOR_TYPE_RGB), 9, 9, image.samples), 8);
  CHECK(read >= 4 + 12);
  CHECK(read <= 4 + 4 + 12 + 1);  // without the checksums of the pixels and of the chunk
}

TEST_CASE("PNG: what is wrong behind the pixels is one warning") {
  const auto file = PngFile(encode_image(gradient(20, 12, 3), "png"));
  const AnyImage whole = decode_image(file.bytes(), "test");
  const auto check = [&](const std::vector<std::byte>& bytes, const std::string& what) {
    const Decoded result = decode(bytes, "a.png");
    INFO(what);
    REQUIRE(result.error == "none");
    CHECK(same_pixels(result.image, whole));
    CHECK(result.warnings == (what.empty() ? Strings{} : Strings{"'a.png': " + what}));
  };
  check(file.bytes(), "");
  const std::string missing = "no IEND: the file may be cut, all pixels are there";
  PngFile cut = file;
  cut.chunks.pop_back();
  check(cut.bytes(), missing);
  for (const int more : {1, 4, 7}) {
    std::vector<std::byte> begun = cut.bytes();
    begun.resize(begun.size() + more);
    check(begun, missing);
  }
  std::vector<std::byte> bytes = file.bytes();
  bytes.back() ^= std::byte{1};
  check(bytes, "IEND: CRC error, all pixels are there");
  bytes.pop_back();
  check(bytes, "IEND is cut, all pixels are there");
  // The pixels' own checksum: wrong in a chunk that is not damaged, or missing, of which libpng
  // does not tell.
  PngFile wrong = file;
  wrong.chunks[wrong.chunks.size() - 2].data.back() ^= std::byte{1};
  check(wrong.bytes(), "IDAT: incorrect data check, all pixels are there");
  PngFile without = file;
  without.chunks[without.chunks.size() - 2].data.resize(2);
  check(without.bytes(), "");
  // Behind IEND other programs keep what they like.
  bytes = file.bytes();
  bytes.resize(bytes.size() + 100);
  check(bytes, "");
  PngFile text = file;
  text.chunks.insert(text.chunks.end() - 1, {"tEXt", bytes_of_text(std::string("Comment\0x", 9))});
  check(text.bytes(), "");
}

TEST_CASE("PNG: a wrong checksum of the pixels is found in any row, and in interlaced files") {
  const Image8 image = noise<std::uint8_t>(8, 8, 1);
  for (const bool interlaced : {false, true}) {
    PngKind kind;
    kind.colour_type = PNG_COLOR_TYPE_GRAY;
    kind.interlaced = interlaced;
    PngFile file(make_png(kind, 8, 8, image.samples));
    const auto data = std::ranges::find(file.chunks, "IDAT", &PngFile::Chunk::name);
    data->data.back() ^= std::byte{1};
    const Decoded result = decode(file.bytes());
    REQUIRE(result.error == "none");
    CHECK(same_pixels(result.image, {image}));
    CHECK(result.warnings == Strings{"'test': IDAT: incorrect data check, all pixels are there"});
    // But not where samples are missing.
    data->data = zlib_stream(std::span(data->data).first(5));
    data->data.back() ^= std::byte{1};
    CHECK(decode(file.bytes()).error.substr(0, 29) == "input: cannot decode 'test': ");
  }
}

TEST_CASE("PNG: damaged chunks beside the samples are left out, with a warning") {
  const auto file = PngFile(encode_image(gradient(20, 12, 3), "png"));
  const auto with = [&](const std::string& name, std::vector<std::byte> data) {
    PngFile more = file;
    more.chunks.insert(more.chunks.begin() + 1, {name, std::move(data)});
    return more;
  };
  const auto warnings_of = [&](const std::vector<std::byte>& bytes) {
    const Decoded result = decode(bytes);
    CHECK(result.error == "none");
    return result.warnings;
  };
  for (const char* name : {"gAMA", "cHRM", "sRGB", "pHYs", "iCCP", "eXIf"}) {
    for (const std::size_t size : {0, 1, 3, 5, 8, 10, 31, 33}) {
      INFO(name << " of " << size << " bytes");
      const std::vector<std::byte> data(size, std::byte{9});
      if (std::string(name) == "pHYs" && size == 9) continue;
      CHECK(warnings_of(with(name, data).bytes()) ==
            Strings{message("'test': ", name, ": not valid, left out")});
    }
  }
  for (const char* name : {"gAMA", "tEXt", "abCd"}) {
    std::vector<std::byte> bytes = with(name, std::vector<std::byte>(4, std::byte{1})).bytes();
    bytes[8 + 25 + 8] ^= std::byte{1};  // the first byte of its data
    CHECK(warnings_of(bytes) == Strings{message("'test': ", name, ": CRC error, left out")});
  }
  // The first one counts, and behind the samples only EXIF does.
  PngFile twice = with("gAMA", bytes_of_numbers({45455}));
  twice.chunks.insert(twice.chunks.begin() + 2, {"gAMA", bytes_of_numbers({100000})});
  twice.chunks.insert(twice.chunks.end() - 1, {"sRGB", {std::byte{0}}});
  const Decoded result = decode(twice.bytes());
  CHECK(result.warnings.empty());
  CHECK(result.metadata.gamma == 0.45455);
  CHECK(!result.metadata.rendering_intent);
  // Not one in each of very many.
  PngFile many = file;
  many.chunks.insert(many.chunks.begin() + 1, 50, {"gAMA", {}});
  CHECK(warnings_of(many.bytes()).size() == 3);
}

TEST_CASE("PNG: a profile that declares or unpacks to more than it should is left out") {
  const auto file = PngFile(encode_image(gradient(5, 4, 3), "png"));
  const auto profile_of = [&](const std::vector<std::byte>& unpacked) {
    PngFile more = file;
    std::vector<std::byte> data = bytes_of_text(std::string("name\0\0", 6));
    const auto packed = zlib_stream(unpacked);
    data.insert(data.end(), packed.begin(), packed.end());
    more.chunks.insert(more.chunks.begin() + 1, {"iCCP", data});
    return decode(more.bytes());
  };
  const std::vector<std::byte> profile = make_profile(200);
  CHECK(profile_of(profile).metadata.icc == profile);
  std::vector<std::byte> padded = profile;
  padded.resize(260);
  CHECK(profile_of(padded).metadata.icc == profile);
  for (const std::size_t size : {std::size_t{0}, std::size_t{131}, std::size_t{199}}) {
    const std::vector<std::byte> part(profile.begin(), profile.begin() + size);
    const Decoded result = profile_of(part);
    CHECK(result.metadata.icc.empty());
    CHECK(result.warnings == Strings{"'test': iCCP: not valid, left out"});
  }
  CHECK(profile_of(std::vector<std::byte>(std::size_t{1} << 25)).metadata.icc.empty());
}

TEST_CASE("PNG: EXIF before or behind the samples, or as an old text") {
  const auto file = PngFile(encode_image(gradient(5, 4, 3), "png"));
  // Big-endian, an orientation of 6.
  const std::vector<std::byte> exif =
      bytes_of_text(std::string("MM\0*\0\0\0\10\0\1\1\22\0\3\0\0\0\1\0\6\0\0\0\0\0\0", 26));
  const auto check = [&](std::size_t at, const std::string& name, std::vector<std::byte> data) {
    INFO(name);
    PngFile more = file;
    more.chunks.insert(more.chunks.begin() + at, {name, std::move(data)});
    const Decoded result = decode(more.bytes());
    CHECK(result.metadata.exif == exif);
    CHECK(result.metadata.orientation == 6);
    CHECK(result.warnings.empty());
  };
  check(1, "eXIf", exif);
  check(file.chunks.size() - 1, "eXIf", exif);
  std::string prefixed("Exif\0\0", 6);
  prefixed.append(reinterpret_cast<const char*>(exif.data()), exif.size());
  check(1, "eXIf", bytes_of_text(prefixed));
  std::string text = message("\nexif\n      ", prefixed.size(), "\n");
  for (std::size_t i = 0; i < prefixed.size(); ++i) {
    constexpr char kDigits[] = "0123456789abcdef";
    const auto byte = static_cast<unsigned char>(prefixed[i]);
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
    text += i % 20 == 19 ? "\n" : "";
  }
  const std::string keyword("Raw profile type exif\0", 22);
  check(1, "tEXt", bytes_of_text(keyword + text));
  std::vector<std::byte> packed = bytes_of_text(keyword + std::string(1, '\0'));
  const auto stream = zlib_stream(bytes_of_text(text));
  packed.insert(packed.end(), stream.begin(), stream.end());
  check(1, "zTXt", packed);
  check(file.chunks.size() - 1, "zTXt", packed);
}

TEST_CASE("PNG: cases that other programs read") {
  const auto check = [](const std::string& name, const std::string& warning,
                        const std::function<void(const ImageMetadata&)>& look = {}) {
    const auto path = shared_data("cases/" + name);
    if (!path) return;
    const Decoded result = decode(read_bytes(*path), name);
    INFO(name);
    CHECK(result.error == "none");
    CHECK(result.warnings == (warning.empty() ? Strings{} : Strings{"'" + name + "': " + warning}));
    if (look) look(result.metadata);
  };
  check("noiend.png", "no IEND: the file may be cut, all pixels are there");
  check("badcrc_iend.png", "IEND: CRC error, all pixels are there");
  check("apng.png", "an animation, of which only the default image is read");
  check("icc.png", "", [](const ImageMetadata& metadata) {
    CHECK(metadata.icc.size() == 588);
    REQUIRE(metadata.density);
    CHECK(metadata.density->x == 11811);
    CHECK(metadata.density->per_metre);
  });
  check("gama.png", "", [](const ImageMetadata& metadata) {
    CHECK(metadata.gamma == 1.0);
    REQUIRE(metadata.chromaticities);
    CHECK((*metadata.chromaticities)[0] == 0.3127);
    CHECK((*metadata.chromaticities)[7] == 0.06);
  });
}

/// Counts what is written.
class CountingSink : public ByteSink {
 public:
  void write(std::span<const std::byte> bytes) override {
    file.insert(file.end(), bytes.begin(), bytes.end());
  }
  std::vector<std::byte> file;
};

TEST_CASE("PNG: a large image is written and read in little memory") {
  const auto peak_memory = [] {
    rusage usage{};
    REQUIRE(getrusage(RUSAGE_SELF, &usage) == 0);
    return static_cast<double>(usage.ru_maxrss) / 1024;
  };
  const double before = peak_memory();
  constexpr int kSide = 16000;  // 256 MB
  std::vector<std::byte> row(kSide);
  CountingSink sink;
  const auto writer = create_image(sink, {kSide, kSide, 1, SampleType::u8, {}}, "png");
  for (int y = 0; y < kSide; ++y) {
    row[5] = static_cast<std::byte>(y);
    writer->write_rows(row);
  }
  writer->finish();
  const auto source = memory_source(sink.file);
  const auto reader = open_image(*source, "test");
  bool equal = true;
  for (int y = 0; y < kSide; ++y) {
    reader->read_rows(row);
    equal = equal && row[5] == static_cast<std::byte>(y) && row[6] == std::byte{0};
  }
  reader->finish();
  CHECK(equal);
  CHECK(peak_memory() - before < 32);
}

}  // namespace
}  // namespace pisr
