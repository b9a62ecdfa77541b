#include "tests/catch.h"
#include "tests/pisr/image/damage.h"
#include "tests/pisr/image/images.h"

namespace pisr {
namespace {

std::vector<std::byte> farbfeld(const std::vector<int>& behind_the_name) {
  std::vector<std::byte> file;
  for (const char letter : std::string("farbfeld")) {
    file.push_back(static_cast<std::byte>(letter));
  }
  for (const int byte : behind_the_name) {
    file.push_back(static_cast<std::byte>(byte));
  }
  return file;
}

std::string decode_error(const std::vector<std::byte>& file) {
  return error_of([&] { decode_image(file, "test"); });
}

TEST_CASE("farbfeld: a file by hand", "[farbfeld]") {
  const auto file = farbfeld({0, 0, 0, 1, 0, 0, 0,    2,     // the size
                              0, 1, 1, 0, 2, 0, 0xff, 0xff,  // of two pixels
                              0, 9, 0, 8, 0, 7, 0x80, 0});
  const AnyImage image = decode_image(file, "test");
  REQUIRE(image.is_16_bit());
  CHECK((image.width() == 1 && image.height() == 2 && image.channels() == 4));
  const auto& pixels = std::get<Image16>(image.pixels);
  CHECK(pixels.samples == std::vector<std::uint16_t>{1, 256, 512, 65535, 9, 8, 7, 32768});
  CHECK(encode_image(pixels, "ff") == file);
}

TEST_CASE("farbfeld: grey, RGB and 8 bits are widened", "[farbfeld]") {
  Image8 grey(1, 1, 1);
  grey.samples = {2};
  CHECK(encode_image(grey, "ff") == farbfeld({0, 0, 0, 1, 0, 0, 0, 1, 2, 2, 2, 2, 2, 2, 255, 255}));
  Image16 with_alpha(1, 1, 2);
  with_alpha.samples = {258, 3};
  CHECK(encode_image(with_alpha, "ff") ==
        farbfeld({0, 0, 0, 1, 0, 0, 0, 1, 1, 2, 1, 2, 1, 2, 0, 3}));
  Image8 rgb(1, 1, 3);
  rgb.samples = {1, 2, 3};
  CHECK(encode_image(rgb, "ff") == farbfeld({0, 0, 0, 1, 0, 0, 0, 1, 1, 1, 2, 2, 3, 3, 255, 255}));
}

TEST_CASE("farbfeld: damage is refused, or another picture", "[farbfeld]") {
  const auto file = encode_image(noise<std::uint16_t>(5, 4, 4), "ff");
  check_truncations(file);
  CHECK(check_damage(file, 500) > 50);
  CHECK(decode_error(farbfeld({0, 0, 0, 0, 0, 0, 0, 1})) ==
        "input: cannot decode 'test': declares a size of 0x1");
  CHECK(decode_error(farbfeld({0, 0, 0x10, 0, 0, 0, 0x10, 0})) ==
        "input: cannot decode 'test': truncated");
  CHECK(decode_error(farbfeld({255, 255, 255, 255, 0, 0, 0, 1})) ==
        "memory: cannot decode 'test': 4294967295x1 exceeds the limit of 2147483647 a side");
}

}  // namespace
}  // namespace pisr
