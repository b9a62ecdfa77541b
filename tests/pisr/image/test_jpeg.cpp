#include <algorithm>
#include <string>

#include "tests/catch.h"
#include "tests/pisr/image/decoded.h"
#include "tests/pisr/image/encoded_images.h"
#include "tests/pisr/image/images.h"
#include "tests/pisr/image/png_file.h"
#include "tests/shared_data.h"

namespace pisr {
namespace {

using Strings = std::vector<std::string>;
using File = std::vector<std::byte>;

Image8 decode8(const File& file) {
  return std::get<Image8>(decode_image(file, "test").pixels);
}

/// Where the first marker stands; the file must hold it.
std::size_t find_marker(const File& file, int marker) {
  const std::byte bytes[] = {std::byte{0xff}, static_cast<std::byte>(marker)};
  const auto found = std::search(file.begin(), file.end(), std::begin(bytes), std::end(bytes));
  REQUIRE(found != file.end());
  return static_cast<std::size_t>(found - file.begin());
}

/// The file with a segment behind its first marker.
File with_segment(File file, int marker, const std::string& data) {
  const std::size_t size = data.size() + 2;
  std::string segment = {'\xff', static_cast<char>(marker), static_cast<char>(size >> 8),
                         static_cast<char>(size & 0xff)};
  segment += data;
  const auto bytes = bytes_of_text(segment);
  file.insert(file.begin() + 2, bytes.begin(), bytes.end());
  return file;
}

File without_segment(File file, int marker) {
  const std::size_t at = find_marker(file, marker);
  const std::size_t size =
      std::to_integer<std::size_t>(file[at + 2]) * 256 + std::to_integer<std::size_t>(file[at + 3]);
  file.erase(file.begin() + at, file.begin() + at + 2 + size);
  return file;
}

std::string text_of(const File& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// A profile's part as a segment holds it.
std::string icc_part(const File& profile, int part, int parts) {
  const std::size_t size = (profile.size() + parts - 1) / parts;
  const std::size_t from = size * (part - 1);
  return std::string("ICC_PROFILE\0", 12) + static_cast<char>(part) + static_cast<char>(parts) +
         text_of(profile).substr(from, size);
}

TEST_CASE("JPEG: close to the image, grey stays grey") {
  for (const int channels : {1, 3}) {
    for (const int width : {1, 8, 45}) {
      INFO(channels << " channels, width " << width);
      const Image8 image = gradient(width, 37, channels);
      const Image8 read = decode8(encode_image(image, "jpeg", {100}));
      // Red is Y + 1.4 Cr and blue Y + 1.8 Cb: each of the three is rounded.
      CHECK(largest_difference(read, image) <= (channels == 1 ? 2 : 4));
    }
  }
}

TEST_CASE("JPEG: every kind of scan and sampling gives the picture") {
  const Image8 rgb = gradient(61, 45, 3);
  const Image8 grey = gradient(61, 45, 1);
  for (const bool progressive : {false, true}) {
    for (const bool arithmetic : {false, true}) {
      for (const bool each : {false, true}) {
        for (const int restart : {0, 1, 2}) {
          JpegKind kind = {.progressive = progressive,
                           .arithmetic = arithmetic,
                           .scan_for_each = each,
                           .restart_rows = restart};
          INFO("progressive " << progressive << ", arithmetic " << arithmetic << ", each " << each
                              << ", restart " << restart);
          CHECK(largest_difference(decode8(make_jpeg(kind, 61, 45, rgb.samples)), rgb) <= 4);
          for (const auto& [across, down] : {std::pair(2, 1), {1, 2}, {2, 2}, {4, 1}}) {
            kind.across = across;
            kind.down = down;
            CHECK(largest_difference(decode8(make_jpeg(kind, 61, 45, rgb.samples)), rgb) <= 12);
          }
          kind.across = kind.down = 1;
          kind.colour = JpegColour::rgb;
          CHECK(largest_difference(decode8(make_jpeg(kind, 61, 45, rgb.samples)), rgb) <= 2);
          kind.colour = JpegColour::grey;
          CHECK(largest_difference(decode8(make_jpeg(kind, 61, 45, grey.samples)), grey) <= 2);
        }
      }
    }
  }
}

TEST_CASE("JPEG: CMYK and YCCK become RGB, 255 stands for no ink with Adobe's marker and without") {
  // Cyan, magenta, yellow and black ink of one colour over 16 x 16 samples.
  const int ink[4] = {204, 51, 0, 51};
  const double expected[3] = {51 * 204 / 255.0, 204 * 204 / 255.0, 204};
  std::vector<std::uint8_t> inverted;
  for (int i = 0; i < 4 * 256; ++i) {
    inverted.push_back(static_cast<std::uint8_t>(255 - ink[i % 4]));
  }
  const auto check = [&](const File& file) {
    const Image8 read = decode8(file);
    REQUIRE(read.channels == 3);
    for (int c = 0; c < 3; ++c) {
      CHECK(std::abs(read.at(8, 8, c) - expected[c]) <= 2);
    }
  };
  constexpr int kAdobe = 0xee;
  const File cmyk = make_jpeg({.colour = JpegColour::cmyk}, 16, 16, inverted);
  check(cmyk);
  check(without_segment(cmyk, kAdobe));
  // Without the marker nothing tells that they are transformed.
  check(make_jpeg({.colour = JpegColour::ycck}, 16, 16, inverted));
}

TEST_CASE("JPEG: every beginning is refused, or holds all pixels") {
  const Image8 rgb = gradient(37, 21, 3);
  const Image8 grey = gradient(20, 12, 1);
  constexpr int kEoi = 2;
  const auto check = [](const JpegKind& kind, const Image8& image) {
    INFO("progressive " << kind.progressive << ", arithmetic " << kind.arithmetic << ", each "
                        << kind.scan_for_each << ", restart " << kind.restart_rows);
    const int read = check_beginnings(make_jpeg(kind, image.width, image.height, image.samples), 3);
    CHECK(read == (kind.arithmetic ? 0 : kEoi));
  };
  for (const int quality : {30, 100}) {
    for (const int restart : {0, 1}) {
      for (const bool each : {false, true}) {
        check({.scan_for_each = each, .restart_rows = restart, .quality = quality}, rgb);
        check({.scan_for_each = each,
               .restart_rows = restart,
               .across = 2,
               .down = 2,
               .quality = quality},
              rgb);
      }
      check({.progressive = true, .restart_rows = restart, .quality = quality}, rgb);
      check({.colour = JpegColour::grey, .restart_rows = restart, .quality = quality}, grey);
      check({.colour = JpegColour::grey, .progressive = true, .quality = quality}, grey);
      check({.colour = JpegColour::ycck, .quality = quality}, noise<std::uint8_t>(17, 13, 4));
    }
  }
  check({.arithmetic = true}, rgb);
  check({.progressive = true, .arithmetic = true}, rgb);
}

TEST_CASE("JPEG: a component without samples is an error, also where the file ends well") {
  const Image8 rgb = gradient(16, 16, 3);
  File file = make_jpeg({.scan_for_each = true}, 16, 16, rgb.samples);
  // The last scan, cut out.
  const std::byte scan[] = {std::byte{0xff}, std::byte{0xda}};
  const auto last = std::find_end(file.begin(), file.end(), std::begin(scan), std::end(scan));
  file.erase(last, file.end() - 2);
  CHECK(decode(file).error == "input: cannot decode 'test': truncated");
}

TEST_CASE("JPEG: what is wrong behind the pixels is one warning") {
  const Image8 image = gradient(20, 12, 3);
  File file = make_jpeg({}, 20, 12, image.samples);
  const AnyImage whole = decode_image(file, "test");
  file.resize(file.size() - 2);
  Decoded result = decode(file, "a.jpg");
  CHECK(result.error == "none");
  CHECK(result.warnings == Strings{"'a.jpg': no EOI: the file may be cut, all pixels are there"});
  CHECK(same_pixels(result.image, whole));
  // Another marker in its place.
  const File marker = bytes_of_text(std::string("\xff\xbf\0\2\xff\xd9", 6));
  file.insert(file.end(), marker.begin(), marker.end());
  result = decode(file, "a.jpg");
  CHECK(result.error == "none");
  CHECK(result.warnings == Strings{"'a.jpg': Unsupported marker type 0xbf, all pixels are there"});
  // Other programs keep what they like behind the end.
  file = make_jpeg({}, 20, 12, image.samples);
  file.resize(file.size() + 1000);
  CHECK(decode(file).warnings.empty());
}

TEST_CASE("JPEG: what cannot be decoded: one line says why") {
  const Image8 image = gradient(16, 16, 3);
  const File file = make_jpeg({}, 16, 16, image.samples);
  constexpr int kFrame = 0xc0;
  File deep = file;
  deep[find_marker(file, kFrame) + 4] = std::byte{12};
  CHECK(decode(deep).error == "input: cannot decode 'test': Unsupported JPEG data precision 12");
  File lossless = file;
  lossless[find_marker(file, kFrame) + 1] = std::byte{0xc3};
  CHECK(decode(lossless).error ==
        "input: cannot decode 'test': Unsupported JPEG process: SOF type 0xc3");
}

TEST_CASE("JPEG: a profile in parts, in any order, whole or not at all") {
  const File file = make_jpeg({}, 16, 16, gradient(16, 16, 3).samples);
  const File profile = make_profile(1000);
  constexpr int kIcc = 0xe2;
  const auto read = [&](const std::vector<std::string>& parts) {
    File more = file;
    for (const std::string& part : parts) {
      more = with_segment(std::move(more), kIcc, part);
    }
    const Decoded result = decode(more);
    CHECK(result.error == "none");
    CHECK(result.warnings == (result.metadata.icc.empty()
                                  ? Strings{"'test': the ICC profile is not whole, left out"}
                                  : Strings{}));
    return result.metadata.icc;
  };
  const auto part = [&](int number) { return icc_part(profile, number, 3); };
  CHECK(read({icc_part(profile, 1, 1)}) == profile);
  CHECK(read({part(1), part(2), part(3)}) == profile);
  CHECK(read({part(3), part(1), part(2)}) == profile);
  CHECK(read({part(1), part(2)}).empty());
  CHECK(read({part(1), part(2), part(2)}).empty());
  CHECK(read({part(1), part(2), part(3), part(3)}).empty());
  CHECK(read({part(1), part(2), icc_part(profile, 3, 4)}).empty());
  CHECK(read({std::string("ICC_PROFILE\0\0\1", 14) + text_of(profile)}).empty());
  CHECK(read({icc_part(File(500), 1, 1)}).empty());
  CHECK(decode(with_segment(file, kIcc, "MPF\0 of a camera")).warnings.empty());
}

TEST_CASE("JPEG: a profile of CMYK is left out where the pixels become RGB") {
  const File file = with_segment(
      make_jpeg({.colour = JpegColour::cmyk}, 16, 16, noise<std::uint8_t>(16, 16, 4).samples), 0xe2,
      icc_part(make_profile(300, "CMYK"), 1, 1));
  const Decoded result = decode(file);
  CHECK(result.error == "none");
  CHECK(result.metadata.icc.empty());
  CHECK(result.warnings == Strings{"'test': its profile is one of CMYK, and left out: the pixels "
                                   "become RGB without it"});
}

TEST_CASE("JPEG: the density of JFIF, or of EXIF") {
  const File file = make_jpeg({}, 16, 16, gradient(16, 16, 3).samples);
  const auto density = [](const File& bytes) { return decode(bytes).metadata.density; };
  CHECK(!density(file));
  const std::size_t unit = find_marker(file, 0xe0) + 11;
  File with = file;
  with[unit] = std::byte{1};
  with[unit + 1] = std::byte{1};
  with[unit + 2] = std::byte{44};  // 300
  with[unit + 4] = std::byte{150};
  REQUIRE(density(with));
  CHECK(density(with)->x == 300 / 0.0254);
  CHECK(density(with)->y == 150 / 0.0254);
  CHECK(density(with)->per_metre);
  with[unit] = std::byte{2};
  CHECK(density(with)->x == 300 / 0.01);
  with[unit] = std::byte{0};
  CHECK(density(with)->x == 300);
  CHECK(!density(with)->per_metre);
  // 72 and 36 to the inch.
  const std::string exif(
      "Exif\0\0II*\0\10\0\0\0\2\0\x1a\1\5\0\1\0\0\0\x26\0\0\0\x1b\1\5\0\1\0\0\0\x2e\0\0\0\0\0\0\0"
      "\x48\0\0\0\1\0\0\0\x48\0\0\0\2\0\0\0",
      60);
  const auto from_exif = density(with_segment(file, 0xe1, exif));
  REQUIRE(from_exif);
  CHECK(from_exif->x == Approx(72 / 0.0254));
  CHECK(from_exif->y == Approx(36 / 0.0254));
  CHECK(density(with_segment(with, 0xe1, exif))->x == 300);
}

TEST_CASE("JPEG: EXIF that is none is left out with a warning") {
  const File file = make_jpeg({}, 16, 16, gradient(16, 16, 3).samples);
  const Decoded result = decode(with_segment(file, 0xe1, std::string("Exif\0\0nothing", 13)));
  CHECK(result.metadata.exif.empty());
  CHECK(result.warnings == Strings{"'test': EXIF is not valid, left out"});
  CHECK(decode(with_segment(file, 0xe1, "http://ns.adobe.com/xap/1.0/")).warnings.empty());
}

TEST_CASE("JPEG: metadata there and back") {
  ImageMetadata metadata;
  metadata.icc = make_profile(150000);  // three segments
  metadata.exif = bytes_of_text(std::string("II*\0\10\0\0\0\0\0\0\0", 12));
  metadata.density = PixelDensity{11811, 5905, true};
  metadata.gamma = 0.5;  // which JPEG cannot hold
  const AnyImage image = {gradient(33, 20, 3)};
  const Decoded read = decode(encode_rows(image, "jpg", metadata));
  CHECK(read.error == "none");
  CHECK(read.warnings.empty());
  CHECK(read.metadata.icc == metadata.icc);
  CHECK(read.metadata.exif == metadata.exif);
  REQUIRE(read.metadata.density);
  CHECK(read.metadata.density->x == 300 / 0.0254);
  CHECK(read.metadata.density->y == 150 / 0.0254);
  CHECK(!read.metadata.gamma);
  for (const int portion : {2, 19, 20}) {
    CHECK(encode_rows(image, "jpg", {}, {}, portion) == encode_rows(image, "jpg"));
  }
  const auto density = [&](const PixelDensity& wanted) {
    ImageMetadata only;
    only.density = wanted;
    return decode(encode_rows(image, "jpg", only)).metadata.density;
  };
  CHECK(density({3700, 3700, true})->x == 37 / 0.01);
  CHECK(density({4, 3, false})->x == 4);
  CHECK(density({1.25, 1, false})->x == 1250);
  CHECK(!density({1e-3, 1e-3, true}));
  CHECK(!density({1e9, 1e9, true}));
  // Larger than a segment, or than all of them.
  ImageMetadata large;
  large.exif = metadata.exif;
  large.exif.resize(65528);
  large.icc = make_profile(255 * 65519 + 1);
  const Decoded without = decode(encode_rows(image, "jpg", large));
  CHECK(without.error == "none");
  CHECK(without.metadata.exif.empty());
  CHECK(without.metadata.icc.empty());
  large.exif.resize(65527);
  large.icc = make_profile(255 * 65519);
  const Decoded largest = decode(encode_rows(image, "jpg", large));
  CHECK(largest.metadata.exif == large.exif);
  CHECK(largest.metadata.icc == large.icc);
}

TEST_CASE("JPEG: an error of the sink or the source reaches the caller") {
  class FullSink : public ByteSink {
   public:
    void write(std::span<const std::byte>) override { throw Error(ErrorKind::output, "full"); }
  };
  FullSink sink;
  const Image8 image = noise<std::uint8_t>(300, 300, 3);
  const auto writer = create_image(sink, {300, 300, 3, SampleType::u8, {}}, "jpg");
  CHECK(error_of([&] {
          writer->write_rows(std::as_bytes(std::span(image.samples)));
          writer->finish();
        }) == "output: full");

  class BrokenSource : public ByteSource {
   public:
    explicit BrokenSource(File file) : file_(std::move(file)) {}
    std::int64_t size() const override { return static_cast<std::int64_t>(file_.size()); }
    std::size_t read(std::int64_t offset, std::span<std::byte> to) const override {
      if (offset > 0) throw Error(ErrorKind::input, "broken");
      const std::size_t count = std::min(to.size(), file_.size());
      std::copy_n(file_.begin(), count, to.begin());
      return count;
    }

   private:
    File file_;
  };
  for (const char* extension : {"jpg", "png"}) {
    const BrokenSource source(encode_image(image, extension, {.jpeg_quality = 100}));
    REQUIRE(source.size() > 1 << 17);
    CHECK(error_of([&] { read_pixels(*open_image(source, "test")); }) == "input: broken");
  }
}

TEST_CASE("JPEG: cases that other programs read") {
  if (const auto path = shared_data("cases/noeoi.jpg")) {
    const Decoded result = decode(read_bytes(*path), "noeoi.jpg");
    CHECK(result.error == "none");
    CHECK(result.warnings ==
          Strings{"'noeoi.jpg': no EOI: the file may be cut, all pixels are there"});
  }
  if (const auto path = shared_data("cases/orient6.jpg")) {
    const Decoded result = decode(read_bytes(*path));
    CHECK(result.error == "none");
    CHECK(result.warnings.empty());
    CHECK(result.image.width() == 47);
    CHECK(result.image.height() == 33);
    CHECK(result.metadata.orientation == 6);
    CHECK(result.metadata.icc.size() == 588);
    CHECK(result.metadata.exif.size() == 44);
    REQUIRE(result.metadata.density);
    CHECK(result.metadata.density->x == 300 / 0.0254);
  }
}

}  // namespace
}  // namespace pisr
