#include <set>
#include <string>

#include "pisr/image/codec.h"
#include "pisr/image/whole_image.h"
#include "tests/catch.h"
#include "tests/pisr/image/images.h"
#include "tests/thrown.h"

namespace pisr {
namespace {

/// The hint of the error that `action` throws.
template <class Action>
std::string hint_of(Action&& action) {
  return thrown(action).hint();
}

/// What the format's reader makes of what its writer wrote.
template <class Image>
AnyImage written_and_read(const Codec& codec, const Image& image, const WriteOptions& options) {
  const auto file = encode_image(image, std::string(codec.extensions.front()), options);
  const auto source = memory_source(file);
  return read_pixels(*codec.open(*source, "x", {}));
}

TEST_CASE("codecs: every row decodes what it encodes, of every kind it holds", "[codec]") {
  for (const Codec& codec : codecs()) {
    for (int channels = 1; channels <= 4; ++channels) {
      CAPTURE(codec.name, channels);
      const bool has_alpha = channels == 2 || channels == 4;
      CHECK((has_alpha || holds(codec, channels, SampleType::u8)));
      for (const SampleType samples : {SampleType::u8, SampleType::u16, SampleType::f32}) {
        CHECK((error_of([&] { check_holds(codec, channels, samples); }) == "none") ==
              holds(codec, channels, samples));
      }
      if (holds(codec, channels, SampleType::u8)) {
        const Image8 image = gradient(19, 11, channels);
        const AnyImage read = written_and_read(codec, image, {.jpeg_quality = 100});
        REQUIRE(!read.is_16_bit());
        // JPEG rounds the three of YCbCr.
        CHECK(largest_difference(std::get<Image8>(read.pixels), image) <=
              (codec.name == "JPEG" ? 4 : 0));
      }
      if (holds(codec, channels, SampleType::u16)) {
        const auto image = noise<std::uint16_t>(19, 11, channels);
        const AnyImage read = written_and_read(codec, image, {});
        REQUIRE(read.is_16_bit());
        CHECK(largest_difference(std::get<Image16>(read.pixels), image) == 0);
      }
    }
  }
}

TEST_CASE("codecs: signatures and extensions tell the rows apart", "[codec]") {
  std::set<std::string_view> extensions;
  for (const Codec& codec : codecs()) {
    CAPTURE(codec.name);
    REQUIRE(!codec.extensions.empty());
    const auto file = encode_image(gradient(5, 4, 3), std::string(codec.extensions.front()));
    CHECK(codec_of_content(file) == &codec);
    for (const Codec& other : codecs()) {
      CHECK(other.recognises(file) == (&other == &codec));
    }
    for (const std::string_view extension : codec.extensions) {
      CHECK(extensions.insert(extension).second);
      CHECK(codec_of_extension(extension) == &codec);
      std::string upper(extension);
      upper[0] = static_cast<char>(upper[0] - 'a' + 'A');
      CHECK(codec_of_extension(upper) == &codec);
      CHECK(has_image_extension("image." + upper));
      CHECK(codec_of_extension("." + std::string(extension)) == nullptr);
      CHECK(codec_of_extension(extension.substr(1)) == nullptr);
    }
  }
  CHECK(extensions.size() == image_extensions().size());
  CHECK(codec_of_extension("") == nullptr);
  CHECK(codec_of_content({}) == nullptr);
}

TEST_CASE("codecs: an unknown signature or extension lists the formats", "[codec]") {
  const std::byte file[] = {std::byte{'x'}, std::byte{'y'}};
  const std::string unreadable = error_of([&] { decode_image(file, "test"); });
  const std::string hint = hint_of([] { check_format("a.gif"); });
  for (const Codec& codec : codecs()) {
    CAPTURE(codec.name);
    CHECK(unreadable.find(codec.name) != std::string::npos);
    for (const std::string_view extension : codec.extensions) {
      CHECK(hint.find(extension) != std::string::npos);
    }
  }
  CHECK(unreadable == "input: cannot decode 'test': not an image (PNG, JPEG or BMP)");
  CHECK(hint == "the extension decides: png, jpg, jpeg or bmp");
  for (const char* path : {"a.gif", "a", "png", ".png", "a.", "folder.png/a"}) {
    CHECK(error_of([&] { check_format(path); }) ==
          message("usage: cannot write '", path, "': unknown image format"));
  }
  CHECK(error_of([] { encode_image(Image8(1, 1, 1), "gif"); }) == "usage: unknown image format");
}

TEST_CASE("codecs: what a format cannot hold is refused before the work, as in writing",
          "[codec]") {
  const auto check = [](const char* path, const AnyImage& image) {
    const std::string error = error_of([&] { check_format(path, image); });
    if (error != "none") {
      CHECK(error_of([&] { write_image(path, image); }) == error);
      CHECK(hint_of([&] { check_format(path, image); }) == "PNG can: name the output *.png");
    }
    return error;
  };
  const std::string jpeg = "usage: cannot write '/none/a.JPG': JPEG cannot hold ";
  const std::string bmp = "usage: cannot write '/none/a.bmp': BMP cannot hold ";
  CHECK(check("/none/a.JPG", {Image8(2, 2, 1)}) == "none");
  CHECK(check("/none/a.JPG", {Image8(2, 2, 3)}) == "none");
  CHECK(check("/none/a.JPG", {Image8(2, 2, 2)}) == jpeg + "an alpha channel");
  CHECK(check("/none/a.JPG", {Image8(2, 2, 4)}) == jpeg + "an alpha channel");
  CHECK(check("/none/a.JPG", {Image16(2, 2, 3)}) == jpeg + "16 bits a sample");
  CHECK(check("/none/a.bmp", {Image8(2, 2, 4)}) == "none");
  CHECK(check("/none/a.bmp", {Image8(2, 2, 2)}) == bmp + "grey with an alpha channel");
  CHECK(check("/none/a.bmp", {Image16(2, 2, 1)}) == bmp + "16 bits a sample");
  for (int channels = 1; channels <= 4; ++channels) {
    CHECK(check("/none/a.png", {Image8(2, 2, channels)}) == "none");
    CHECK(check("/none/a.png", {Image16(2, 2, channels)}) == "none");
  }
}

TEST_CASE("codecs: an empty image has no file in any format", "[codec]") {
  for (const std::string& extension : image_extensions()) {
    CAPTURE(extension);
    CHECK(error_of([&] { encode_image(Image8(), extension); }) ==
          "usage: an image must have 1 to 4 channels and at least one pixel, got 0x0 with 0 "
          "channels");
    CHECK(error_of([&] { encode_image(Image8(3, 3, 5), extension); }).substr(0, 7) == "usage: ");
  }
}

}  // namespace
}  // namespace pisr
