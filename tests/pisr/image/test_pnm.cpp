#include <bit>
#include <cstring>

#include "pisr/image/byte_sink.h"
#include "pisr/image/byte_source.h"
#include "pisr/image/image_stream.h"
#include "tests/catch.h"
#include "tests/pisr/image/damage.h"
#include "tests/pisr/image/images.h"

namespace pisr {
namespace {

using File = std::vector<std::byte>;
using Samples8 = std::vector<std::uint8_t>;
using Samples16 = std::vector<std::uint16_t>;

File file_of(const std::string& text) {
  const auto* bytes = reinterpret_cast<const std::byte*>(text.data());
  return {bytes, bytes + text.size()};
}

/// The same with bytes behind the text.
File file_of(const std::string& text, const Samples8& bytes) {
  File file = file_of(text);
  for (const std::uint8_t byte : bytes) {
    file.push_back(static_cast<std::byte>(byte));
  }
  return file;
}

Samples8 decode8(const File& file) {
  return std::get<Image8>(decode_image(file, "test").pixels).samples;
}
Samples16 decode16(const File& file) {
  return std::get<Image16>(decode_image(file, "test").pixels).samples;
}

std::string decode_error(const File& file) {
  return error_of([&] { decode_image(file, "test"); });
}
std::string refused(const std::string& reason) {
  return "input: cannot decode 'test': " + reason;
}

std::vector<float> decode_float(const File& file) {
  const auto source = memory_source(std::span<const std::byte>(file));
  const auto reader = open_image(*source, "test");
  const ImageInfo& info = reader->info();
  REQUIRE(info.samples == SampleType::f32);
  std::vector<float> samples(std::size_t(info.width) * info.height * info.channels);
  reader->read_rows(std::as_writable_bytes(std::span(samples)));
  return samples;
}

File written(const ImageInfo& info, std::span<const std::byte> samples,
             const std::string& extension) {
  MemorySink sink;
  const auto writer = create_image(sink, info, extension);
  writer->write_rows(samples);
  writer->finish();
  return sink.bytes();
}

TEST_CASE("PNM: every kind as text and as bytes", "[pnm]") {
  CHECK(decode8(file_of("P1 3 2\n1 0 1\n0 1 0\n")) == Samples8{0, 255, 0, 255, 0, 255});
  CHECK(decode8(file_of("P1 3 2\n101010")) == Samples8{0, 255, 0, 255, 0, 255});
  CHECK(decode8(file_of("P4 9 2\n", {0xa0, 0x80, 0x0f, 0x7f})) ==
        Samples8{0, 255, 0, 255, 255, 255, 255, 255, 0, 255, 255, 255, 255, 0, 0, 0, 0, 255});
  CHECK(decode8(file_of("P2\n2 2\n255\n0 1\n254 255\n")) == Samples8{0, 1, 254, 255});
  CHECK(decode8(file_of("P5\n2 2\n255\n", {0, 1, 10, 255})) == Samples8{0, 1, 10, 255});
  CHECK(decode8(file_of("P3 1 2 255 1 2 3 4 5 6")) == Samples8{1, 2, 3, 4, 5, 6});
  CHECK(decode8(file_of("P6 1 2 255\n", {1, 2, 3, 4, 5, 6})) == Samples8{1, 2, 3, 4, 5, 6});
  CHECK(decode16(file_of("P2 2 1 65535 258 65535")) == Samples16{258, 65535});
  CHECK(decode16(file_of("P5 2 1 65535 ", {1, 2, 0xff, 0xff})) == Samples16{258, 65535});
  CHECK(decode16(file_of("P6 1 1 65535\t", {1, 2, 0, 0, 0, 9})) == Samples16{258, 0, 9});
}

TEST_CASE("PNM: the largest value is scaled to all bits", "[pnm]") {
  // Halves go to the even neighbour, as Pillow's do.
  CHECK(decode8(file_of("P2 3 1 2 0 1 2")) == Samples8{0, 128, 255});
  CHECK(decode8(file_of("P2 4 1 10 0 1 3 10")) == Samples8{0, 26, 76, 255});
  CHECK(decode8(file_of("P5 3 1 1 ", {0, 1, 1})) == Samples8{0, 255, 255});
  CHECK(decode8(file_of("P5 2 1 100 ", {50, 99})) == Samples8{128, 252});
  CHECK(decode16(file_of("P5 3 1 256 ", {0, 0, 0, 1, 1, 0})) == Samples16{0, 256, 65535});
  CHECK(decode16(file_of("P2 2 1 1023 1 1022")) == Samples16{64, 65471});
}

TEST_CASE("PNM: comments and space anywhere", "[pnm]") {
  const Samples8 wanted = {7, 8};
  CHECK(decode8(file_of("P2#a\n2#b\n#c\r1 # 9 9\n\n255#d\n7#8 8 8\n8#")) == wanted);
  CHECK(decode8(file_of("P5 # a\n # b\n 2\t\v\f\r\n1\n255\n", {7, 8})) == wanted);
  CHECK(decode8(file_of("P5 2 1 255#the end of this line ends the header\n", {7, 8})) == wanted);
  CHECK(decode8(file_of("P5 2 1 255\n", {'#', '\n'})) == Samples8{'#', '\n'});
  CHECK(decode8(file_of("P1#\n2 1 #\n1#0\n0")) == Samples8{0, 255});
}

TEST_CASE("PNM: a wrong header or sample", "[pnm]") {
  const std::string number = "PNM with a '";
  CHECK(decode_error(file_of("P5 x 1 255 a")) == refused(number + "x' in place of a number"));
  CHECK(decode_error(file_of("P5 -2 1 255 a")) == refused(number + "-2' in place of a number"));
  CHECK(decode_error(file_of("P5 99999999999 1 255 a")) ==
        refused(number + "99999999999' in place of a number"));
  CHECK(decode_error(file_of("P5 1 1 0 a")) == refused("PNM with samples up to 0"));
  CHECK(decode_error(file_of("P5 1 1 65536 a")) == refused("PNM with samples up to 65536"));
  CHECK(decode_error(file_of("P5 0 1 255 a")) == refused("declares a size of 0x1"));
  CHECK(decode_error(file_of("P5 2 1 255 a")) == refused("truncated"));
  CHECK(decode_error(file_of("P5 2 1 ")) == refused("truncated"));
  CHECK(decode_error(file_of("P5 2 1 255")) == refused("truncated"));
  CHECK(decode_error(file_of("P2 2 1 255 1")) == refused("truncated"));
  CHECK(decode_error(file_of("P2 2 1 255 1         ")) == refused("truncated"));
  CHECK(decode_error(file_of("P2 2 1 255 1 256")) == refused("PNM with a sample above 255"));
  CHECK(decode_error(file_of("P2 2 1 9 1 99999999999999999999")) ==
        refused("PNM with a sample above 9"));
  CHECK(decode_error(file_of("P5 1 1 9 ", {10})) == refused("PNM with a sample above 9"));
  CHECK(decode_error(file_of("P1 2 1 1 2")) == refused("PNM with a sample above 1"));
  CHECK(decode_error(file_of("P2 2 1 255 1 -2")) == refused("PNM with a '-' among its samples"));
  CHECK(decode_error(file_of("P5 " + std::string(200, '1') + " 1 1 1")) ==
        refused("PNM with a damaged header"));
  CHECK(decode_error(file_of("P8 1 1 1 1")).find("not an image") != std::string::npos);
  CHECK(decode_error(file_of("P51 1 1 1")).find("not an image") != std::string::npos);
  // Nothing of a declared size is allocated.
  CHECK(decode_error(file_of("P6 16000 16000 255 a")) == refused("truncated"));
  CHECK(decode_error(file_of("P3 16000 16000 255 1 2 3 4")) == refused("truncated"));
  CHECK(decode_error(file_of("P5 20000 20000 255 a")).substr(0, 7) == "memory:");
}

TEST_CASE("PAM: grey, RGB and alpha, and what it must say", "[pnm]") {
  const auto pam = [](const std::string& depth, const std::string& largest,
                      const std::string& type) {
    return "P7\n# made by hand\nWIDTH 1\n\n  HEIGHT  1 \r\nDEPTH " + depth + "\nMAXVAL " + largest +
           "\n" + (type.empty() ? "" : "TUPLTYPE " + type + "\n") + "ENDHDR\n";
  };
  CHECK(decode8(file_of(pam("1", "1", "BLACKANDWHITE"), {1})) == Samples8{255});
  CHECK(decode8(file_of(pam("1", "255", "GRAYSCALE"), {9})) == Samples8{9});
  CHECK(decode8(file_of(pam("2", "255", "GRAYSCALE_ALPHA"), {9, 8})) == Samples8{9, 8});
  CHECK(decode8(file_of(pam("3", "255", "RGB"), {9, 8, 7})) == Samples8{9, 8, 7});
  CHECK(decode16(file_of(pam("4", "65535", "RGB_ALPHA"), {0, 9, 0, 8, 0, 7, 1, 0})) ==
        Samples16{9, 8, 7, 256});
  CHECK(decode8(file_of(pam("4", "255", ""), {9, 8, 7, 6})) == Samples8{9, 8, 7, 6});
  CHECK(decode_error(file_of(pam("3", "255", "GRAYSCALE"), {9, 8, 7})) ==
        refused("PAM with 3 channels of type 'GRAYSCALE'"));
  CHECK(decode_error(file_of(pam("4", "255", "CMYK"), {9, 8, 7, 6})) ==
        refused("PAM with 4 channels of type 'CMYK'"));
  CHECK(decode_error(file_of(pam("5", "255", ""), {9, 8, 7, 6, 5})) ==
        refused("PAM with 5 channels of type ''"));
  CHECK(decode_error(file_of("P7\nWIDTH 1\nHEIGHT 1\nMAXVAL 255\nENDHDR\n", {1})) ==
        refused("PAM without its size, depth or largest value"));
  CHECK(decode_error(file_of("P7\nWIDTH 1\nWEIGHT 1\n")) ==
        refused("PAM with an unknown 'WEIGHT'"));
  CHECK(decode_error(file_of("P7\nWIDTH one\n")) ==
        refused("PNM with a 'one' in place of a number"));
  CHECK(decode_error(file_of("P7\nWIDTH 1\nHEIGHT")) == refused("truncated"));
}

TEST_CASE("PNM: there and back", "[pnm]") {
  for (const char* extension : {"pgm", "ppm", "pnm", "pbm", "pam"}) {
    for (const int channels : {1, 2, 3, 4}) {
      if (channels % 2 == 0 && std::string(extension) != "pam") {
        continue;
      }
      CAPTURE(extension, channels);
      const auto narrow = noise<std::uint8_t>(7, 5, channels);
      CHECK(decode8(encode_image(narrow, extension)) == narrow.samples);
      const auto wide = noise<std::uint16_t>(300, 200, channels);
      CHECK(decode16(encode_image(wide, extension)) == wide.samples);
    }
  }
  CHECK(encode_image(Image8(2, 1, 1), "ppm") == file_of("P5\n2 1\n255\n", {0, 0}));
  Image16 wide(1, 1, 3);
  wide.samples = {1, 256, 515};
  CHECK(encode_image(wide, "pgm") == file_of("P6\n1 1\n65535\n", {0, 1, 1, 0, 2, 3}));
  CHECK(encode_image(Image8(1, 1, 4), "pam") ==
        file_of("P7\nWIDTH 1\nHEIGHT 1\nDEPTH 4\nMAXVAL 255\nTUPLTYPE RGB_ALPHA\nENDHDR\n",
                {0, 0, 0, 0}));
}

TEST_CASE("PFM: floating point in both byte orders, rows from the bottom", "[pnm]") {
  const auto pfm = [](const std::string& header, std::endian order,
                      const std::vector<float>& samples) {
    File file = file_of(header);
    for (const float sample : samples) {
      const auto bits = std::bit_cast<std::uint32_t>(sample);
      for (int i = 0; i < 4; ++i) {
        file.push_back(
            static_cast<std::byte>(bits >> (order == std::endian::little ? 8 * i : 24 - 8 * i)));
      }
    }
    return file;
  };
  const std::vector<float> samples = {0, 0.5F, 1, -1, 2, 1e-9F};
  const std::vector<float> turned = {2, 1e-9F, 1, -1, 0, 0.5F};
  CHECK(decode_float(pfm("Pf\n2 3\n-1.0\n", std::endian::little, samples)) == turned);
  CHECK(decode_float(pfm("Pf 2 3 +1 ", std::endian::big, samples)) == turned);
  CHECK(decode_float(pfm("PF\n1 2\n-0.25\n", std::endian::little, samples)) ==
        std::vector<float>{-1, 2, 1e-9F, 0, 0.5F, 1});
  CHECK(decode_error(pfm("Pf 2 3 0 ", std::endian::big, samples)) ==
        refused("PFM with a scale of '0'"));
  CHECK(decode_error(pfm("Pf 2 3 nan ", std::endian::big, samples)) ==
        refused("PFM with a scale of 'nan'"));
  CHECK(decode_error(pfm("Pf 2 4 1 ", std::endian::big, samples)) == refused("truncated"));

  for (const int channels : {1, 3}) {
    CAPTURE(channels);
    ImageInfo info{.width = 150, .height = 400, .channels = channels, .metadata = {}};
    info.samples = SampleType::f32;
    std::vector<float> picture(std::size_t(150) * 400 * channels);
    for (std::size_t i = 0; i < picture.size(); ++i) {
      picture[i] = static_cast<float>(i) - 1000;
    }
    CHECK(decode_float(written(info, std::as_bytes(std::span(picture)), "pfm")) == picture);
    const auto narrow = noise<std::uint8_t>(7, 5, channels);
    std::vector<float> shares = decode_float(encode_image(narrow, "pfm"));
    for (std::size_t i = 0; i < shares.size(); ++i) {
      REQUIRE(shares[i] == static_cast<float>(narrow.samples[i]) / 255);
    }
    const auto wide = noise<std::uint16_t>(7, 5, channels);
    CHECK(decode16(encode_image(wide, "pfm")) == wide.samples);
  }
}

TEST_CASE("PNM: of several images the first is read, and a warning tells", "[pnm]") {
  for (const char* text : {"P2 1 1 9 4 \n\nP2 1 1 9 5 ", "P5 1 1 9 \4P2 1 1 9 5 "}) {
    std::string warning;
    ReadOptions options;
    options.warn = [&](const std::string& line) { warning = line; };
    const AnyImage image = decode_image(file_of(text), "test", options);
    CHECK(std::get<Image8>(image.pixels).samples == Samples8{113});
    CHECK(warning == "'test': of several images the first is read");
    warning.clear();
    decode_image(file_of(std::string(text).substr(0, 11)), "test", options);
    CHECK(warning.empty());
  }
}

TEST_CASE("PNM: damage is refused, or another picture", "[pnm]") {
  const File files[] = {
      file_of("P1 # bits\n5 2\n1 0 1 0 1\n0 1 0 1 0\n"),
      file_of("P2\n3 2\n65535\n1 2 3\n4 500 60000\n"),
      file_of("P4\n9 2\n", {1, 2, 3, 4}),
      encode_image(noise<std::uint8_t>(9, 6, 3), "ppm"),
      encode_image(noise<std::uint16_t>(5, 6, 1), "pgm"),
      encode_image(noise<std::uint8_t>(9, 6, 4), "pam"),
      encode_image(noise<std::uint8_t>(5, 6, 1), "pfm"),
  };
  int decoded = 0;
  for (const File& file : files) {
    File whole = file;
    if (file[1] == std::byte{'2'}) {
      // Of the last number as text, nothing tells that digits are missing.
      std::vector<std::byte> cut = file;
      cut.resize(cut.size() - 3);
      CHECK(decode16(cut).back() == 600);
      whole.erase(whole.end() - 5, whole.end() - 1);
    }
    check_truncations(whole);
    decoded += check_damage(file, 500);
  }
  CHECK(decoded > 300);
  CHECK(decoded < 3200);
}

}  // namespace
}  // namespace pisr
