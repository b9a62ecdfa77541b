#include <string>

#include "pisr/image/exif.h"
#include "pisr/image/icc.h"
#include "pisr/image/orientation.h"
#include "tests/catch.h"
#include "tests/pisr/image/decoded.h"
#include "tests/pisr/image/images.h"
#include "tests/pisr/image/png_file.h"

namespace pisr {
namespace {

using Bytes8 = std::vector<std::byte>;

constexpr unsigned kShort = 3;
constexpr unsigned kLong = 4;
constexpr unsigned kRational = 5;

/// Writes numbers in one of the byte orders.
class Tiff {
 public:
  explicit Tiff(bool little) : little_(little) {
    put_text(little ? "II" : "MM");
    put(42, 2);
    put(8, 4);
  }
  void put_text(const std::string& text) {
    for (const char letter : text) bytes.push_back(static_cast<std::byte>(letter));
  }
  void put(std::uint32_t value, int count) {
    for (int i = 0; i < count; ++i) {
      bytes.push_back(static_cast<std::byte>(value >> 8 * (little_ ? i : count - 1 - i) & 0xff));
    }
  }
  /// An entry with one value, or the offset of one.
  void entry(unsigned tag, unsigned type, std::uint32_t value) {
    put(tag, 2);
    put(type, 2);
    put(1, 4);
    put(value, type == kShort ? 2 : 4);
    if (type == kShort) put(0, 2);
  }

  Bytes8 bytes;

 private:
  bool little_;
};

/// A structure as a camera writes it: orientation, 300 dpi, and a directory with the size.
Bytes8 make_exif(bool little, int orientation, unsigned size_type = kShort) {
  Tiff tiff(little);
  constexpr std::uint32_t kValues = 8 + 2 + 5 * 12 + 4;
  tiff.put(5, 2);
  tiff.entry(0x0112, kShort, static_cast<std::uint32_t>(orientation));
  tiff.entry(0x011a, kRational, kValues);
  tiff.entry(0x011b, kRational, kValues + 8);
  tiff.entry(0x0128, kShort, 2);
  tiff.entry(0x8769, kLong, kValues + 16);
  tiff.put(0, 4);
  tiff.put(300, 4);
  tiff.put(1, 4);
  tiff.put(450, 4);
  tiff.put(3, 4);
  tiff.put(2, 2);
  tiff.entry(0xa002, size_type, 640);
  tiff.entry(0xa003, size_type, 480);
  tiff.put(0, 4);
  return tiff.bytes;
}

TEST_CASE("EXIF: orientation and density in both byte orders") {
  for (const bool little : {true, false}) {
    for (int orientation = 1; orientation <= 8; ++orientation) {
      const Bytes8 exif = make_exif(little, orientation);
      CHECK(is_exif(exif));
      CHECK(exif_orientation(exif) == orientation);
      const auto density = exif_density(exif);
      REQUIRE(density);
      CHECK(density->x == Approx(300 / 0.0254));
      CHECK(density->y == Approx(150 / 0.0254));
      CHECK(density->per_metre);
    }
    CHECK(exif_orientation(make_exif(little, 0)) == 1);
    CHECK(exif_orientation(make_exif(little, 9)) == 1);
  }
  CHECK(exif_orientation({}) == 1);
  CHECK(!exif_density({}));
  CHECK(!is_exif({}));
}

TEST_CASE("EXIF: orientation, size and density are set, and nothing else") {
  for (const bool little : {true, false}) {
    const Bytes8 exif = make_exif(little, 6);
    Bytes8 changed = exif;
    set_exif_orientation(changed, 1);
    CHECK(changed == make_exif(little, 1));
    changed = exif;
    // A LONG, which holds what a SHORT does not.
    set_exif_size(changed, 100000, 960);
    Bytes8 expected = make_exif(little, 6, kLong);
    const std::size_t width = expected.size() - 4 - 24 + 8;
    for (int i = 0; i < 4; ++i) {
      const int shift = 8 * (little ? i : 3 - i);
      expected[width + i] = static_cast<std::byte>(100000 >> shift & 0xff);
      expected[width + 12 + i] = static_cast<std::byte>(960 >> shift & 0xff);
    }
    CHECK(changed == expected);
    changed = exif;
    set_exif_density(changed, {600 / 0.0254, 72.5 / 0.0254, true});
    CHECK(exif_density(changed)->x == Approx(600 / 0.0254));
    CHECK(exif_density(changed)->y == Approx(72.5 / 0.0254));
    set_exif_orientation(changed, 3);
    CHECK(exif_orientation(changed) == 3);
  }
  // Where there is nothing to set, nothing is.
  Tiff empty(true);
  empty.put(0, 2);
  Bytes8 changed = empty.bytes;
  set_exif_orientation(changed, 1);
  set_exif_size(changed, 5, 6);
  set_exif_density(changed, {1, 1, true});
  CHECK(changed == empty.bytes);
}

TEST_CASE("EXIF: cut or damaged structures do no harm") {
  for (const bool little : {true, false}) {
    const Bytes8 exif = make_exif(little, 6);
    const auto use = [](Bytes8 bytes) {
      const int orientation = exif_orientation(bytes);
      CHECK(orientation >= 1);
      CHECK(orientation <= 8);
      exif_density(bytes);
      set_exif_size(bytes, 1, 2);
      set_exif_density(bytes, {3, 4, true});
      set_exif_orientation(bytes, 1);
      CHECK(exif_orientation(bytes) == 1);
    };
    for (std::size_t length = 0; length < exif.size(); ++length) {
      // Exactly as long, so that a sanitizer sees what reads behind it.
      use(Bytes8(exif.begin(), exif.begin() + length));
    }
    for (std::size_t i = 0; i < exif.size(); ++i) {
      for (int bit = 0; bit < 8; ++bit) {
        Bytes8 damaged = exif;
        damaged[i] ^= static_cast<std::byte>(1 << bit);
        use(damaged);
      }
    }
  }
}

TEST_CASE("ICC: what is a profile, and padding behind it") {
  Bytes8 profile = make_profile(140);
  CHECK(trim_to_icc_profile(profile));
  CHECK(profile.size() == 140);
  profile.resize(150);
  CHECK(trim_to_icc_profile(profile));
  CHECK(profile == make_profile(140));
  for (std::size_t length = 0; length < 140; ++length) {
    Bytes8 cut(profile.begin(), profile.begin() + length);
    REQUIRE(!trim_to_icc_profile(cut));
  }
  profile[38] = std::byte{'x'};
  CHECK(!trim_to_icc_profile(profile));
  Bytes8 tiny = make_profile(140);
  tiny[3] = std::byte{131};
  CHECK(!trim_to_icc_profile(tiny));
}

TEST_CASE("orientation: each of the eight stands upright") {
  // What is seen, a row of 1 2 3 above one of 4 5 6, as it is stored in each of them.
  const std::vector<std::vector<std::uint8_t>> stored = {
      {1, 2, 3, 4, 5, 6}, {3, 2, 1, 6, 5, 4}, {6, 5, 4, 3, 2, 1}, {4, 5, 6, 1, 2, 3},
      {1, 4, 2, 5, 3, 6}, {3, 6, 2, 5, 1, 4}, {6, 3, 5, 2, 4, 1}, {4, 1, 5, 2, 6, 3}};
  for (int orientation = 1; orientation <= 8; ++orientation) {
    INFO("orientation " << orientation);
    CHECK(is_turned(orientation) == (orientation >= 5));
    const int width = is_turned(orientation) ? 2 : 3;
    Image8 image(width, 6 / width, 1);
    image.samples = stored[orientation - 1];
    const AnyImage seen = upright({image}, orientation);
    CHECK(seen.width() == 3);
    CHECK(seen.height() == 2);
    CHECK(std::get<Image8>(seen.pixels).samples == std::vector<std::uint8_t>{1, 2, 3, 4, 5, 6});
    // Pixels keep their channels.
    Image16 wide(width, 6 / width, 2);
    for (std::size_t i = 0; i < 6; ++i) {
      wide.samples[2 * i] = image.samples[i];
      wide.samples[2 * i + 1] = static_cast<std::uint16_t>(1000 + image.samples[i]);
    }
    CHECK(std::get<Image16>(upright({wide}, orientation).pixels).samples ==
          std::vector<std::uint16_t>{1, 1001, 2, 1002, 3, 1003, 4, 1004, 5, 1005, 6, 1006});
  }
  CHECK(error_of([] { upright({Image8(1, 1, 1)}, 9); }) ==
        "usage: orientation must be 1 to 8, got 9");
}

}  // namespace
}  // namespace pisr
