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

/// Whether files of the format have more channels or finer samples than the images have.
bool widens(const Codec& codec) {
  return codec.name == "PFM" || codec.name == "farbfeld";
}

/// RGB and alpha of 16 bits.
Image16 widened(const AnyImage& image) {
  return std::visit(
      [](const auto& from) {
        const int factor = sizeof(from.samples[0]) == 1 ? 257 : 1;
        Image16 to(from.width, from.height, 4);
        for (int y = 0; y < from.height; ++y) {
          for (int x = 0; x < from.width; ++x) {
            for (int c = 0; c < 3; ++c) {
              to.at(x, y, c) =
                  static_cast<std::uint16_t>(factor * from.at(x, y, from.is_grey() ? 0 : c));
            }
            to.at(x, y, 3) = static_cast<std::uint16_t>(
                from.has_alpha() ? factor * from.at(x, y, from.channels - 1) : 65535);
          }
        }
        return to;
      },
      image.pixels);
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
        if (widens(codec)) {
          CHECK(largest_difference(widened(read), widened({image})) == 0);
          continue;
        }
        REQUIRE(!read.is_16_bit());
        if (codec.name == "WebP") {  // grey becomes RGB
          CHECK(largest_difference(widened(read), widened({image})) == 0);
          continue;
        }
        // JPEG rounds the three of YCbCr.
        CHECK(largest_difference(std::get<Image8>(read.pixels), image) <=
              (codec.name == "JPEG" ? 4 : 0));
      }
      if (holds(codec, channels, SampleType::u16)) {
        const auto image = noise<std::uint16_t>(19, 11, channels);
        const AnyImage read = written_and_read(codec, image, {});
        REQUIRE(read.is_16_bit());
        CHECK(largest_difference(widened(read), widened({image})) == 0);
        CHECK((widens(codec) || read.channels() == channels));
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
      CHECK(codec_of_extension(std::string(extension) + "x") == nullptr);
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
  CHECK_THAT(unreadable,
             Catch::StartsWith("input: cannot decode 'test': not an image (PNG, JPEG, BMP, "));
  CHECK_THAT(unreadable, Catch::EndsWith(message(" or ", codecs().back().name, ")")));
  CHECK_THAT(hint, Catch::StartsWith("the extension decides: png, jpg, jpeg, bmp, "));
  CHECK_THAT(hint, Catch::EndsWith(message(" or ", codecs().back().extensions.back())));
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
