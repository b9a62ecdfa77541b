#ifdef PISR_HAS_WEBP

#include <webp/decode.h>
#include <webp/encode.h>
#include <webp/mux.h>

#include "pisr/image/byte_sink.h"
#include "pisr/image/byte_source.h"
#include "pisr/image/image_stream.h"
#include "tests/catch.h"
#include "tests/pisr/image/damage.h"
#include "tests/pisr/image/images.h"

namespace pisr {
namespace {

using File = std::vector<std::byte>;

Image8 decode8(const File& file) {
  return std::get<Image8>(decode_image(file, "test").pixels);
}

/// libwebp's own decoder, to RGB or RGBA.
Image8 by_libwebp(const File& file, int channels) {
  Image8 image;
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(file.data());
  std::uint8_t* samples = channels == 4
                              ? WebPDecodeRGBA(bytes, file.size(), &image.width, &image.height)
                              : WebPDecodeRGB(bytes, file.size(), &image.width, &image.height);
  REQUIRE(samples != nullptr);
  image.channels = channels;
  image.samples.assign(samples, samples + std::size_t(image.width) * image.height * channels);
  WebPFree(samples);
  return image;
}

TEST_CASE("WebP: quality 100 is lossless, any other is close", "[webp]") {
  for (const int channels : {1, 2, 3, 4}) {
    CAPTURE(channels);
    const auto image = noise<std::uint8_t>(17, 9, channels);
    const Image8 read = decode8(encode_image(image, "webp", {.jpeg_quality = 100}));
    REQUIRE(read.channels == (channels % 2 == 0 ? 4 : 3));
    for (int y = 0; y < 9; ++y) {
      for (int x = 0; x < 17; ++x) {
        for (int c = 0; c < 3; ++c) {
          REQUIRE(read.at(x, y, c) == image.at(x, y, channels > 2 ? c : 0));
        }
        REQUIRE((channels % 2 == 1 || read.at(x, y, 3) == image.at(x, y, channels - 1)));
      }
    }
  }
  for (const int channels : {3, 4}) {
    Image8 image = gradient(64, 48, channels);
    const File file = encode_image(image, "webp", {.jpeg_quality = 90});
    const Image8 read = decode8(file);
    CHECK(largest_difference(read, by_libwebp(file, channels)) == 0);
    CHECK(largest_difference(first_channels(read, 3), first_channels(image, 3)) <= 30);
    CHECK(file.size() < encode_image(image, "webp", {.jpeg_quality = 100}).size());
  }
  CHECK(error_of([] { encode_image(Image8(1, 1, 3), "webp", {.jpeg_quality = 0}); }) ==
        "usage: WebP quality must be 1 to 100, got 0");
  CHECK(error_of([] { encode_image(Image8(20000, 1, 3), "webp"); }) ==
        "output: cannot encode WebP: 20000x1 is more than 16383 a side");
}

TEST_CASE("WebP: profile and EXIF, there and back", "[webp]") {
  ImageInfo info{.width = 2, .height = 1, .channels = 3, .metadata = {}};
  info.metadata.icc.assign(101, std::byte{5});
  // One entry: the orientation 6.
  for (const int byte : std::vector<int>{'I', 'I', 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 1, 3,
                                         0,   1,   0,  0, 0, 6, 0, 0, 0, 0, 0,    0, 0}) {
    info.metadata.exif.push_back(static_cast<std::byte>(byte));
  }
  MemorySink sink;
  const auto writer = create_image(sink, info, "webp", {.jpeg_quality = 100});
  const std::vector<std::byte> row(6, std::byte{99});
  writer->write_rows(row);
  writer->finish();
  const auto source = memory_source(std::span<const std::byte>(sink.bytes()));
  const auto reader = open_image(*source, "test");
  CHECK(reader->info().metadata.icc == info.metadata.icc);
  CHECK(reader->info().metadata.exif == info.metadata.exif);
  CHECK(reader->info().metadata.orientation == 6);
  std::vector<std::byte> read(6);
  reader->read_rows(read);
  CHECK(read == row);
}

TEST_CASE("WebP: of an animation the first frame is read, and a warning tells", "[webp]") {
  WebPAnimEncoderOptions options;
  WebPAnimEncoderOptionsInit(&options);
  WebPAnimEncoder* const encoder = WebPAnimEncoderNew(8, 6, &options);
  REQUIRE(encoder != nullptr);
  WebPConfig config;
  WebPConfigInit(&config);
  config.lossless = 1;
  const Image8 first = gradient(8, 6, 4);
  for (int frame = 0; frame < 3; ++frame) {
    WebPPicture picture;
    WebPPictureInit(&picture);
    picture.use_argb = 1;
    picture.width = 8;
    picture.height = 6;
    Image8 image = first;
    for (std::size_t i = 0; i < image.samples.size(); ++i) {
      image.samples[i] = i % 4 == 3 ? 255 : static_cast<std::uint8_t>(image.samples[i] + 9 * frame);
    }
    WebPPictureImportRGBA(&picture, image.samples.data(), 32);
    REQUIRE(WebPAnimEncoderAdd(encoder, &picture, 100 * frame, &config) != 0);
    WebPPictureFree(&picture);
  }
  WebPAnimEncoderAdd(encoder, nullptr, 300, nullptr);
  WebPData data;
  REQUIRE(WebPAnimEncoderAssemble(encoder, &data) != 0);
  const auto* bytes = reinterpret_cast<const std::byte*>(data.bytes);
  const File file(bytes, bytes + data.size);
  WebPDataClear(&data);
  WebPAnimEncoderDelete(encoder);

  std::string warning;
  ReadOptions read;
  read.warn = [&](const std::string& line) { warning = line; };
  const Image8 image = std::get<Image8>(decode_image(file, "test", read).pixels);
  CHECK(warning == "'test': of an animation the first frame is read");
  CHECK(largest_difference(first_channels(image, 3), first_channels(first, 3)) == 0);
  check_damage(file, 300);
}

TEST_CASE("WebP: damage is refused, or another picture", "[webp]") {
  const File files[] = {
      encode_image(gradient(20, 15, 3), "webp", {.jpeg_quality = 100}),
      encode_image(gradient(20, 15, 3), "webp", {.jpeg_quality = 50}),
      encode_image(gradient(20, 15, 4), "webp", {.jpeg_quality = 50}),
  };
  int decoded = 0;
  for (const File& file : files) {
    check_truncations(file);
    decoded += check_damage(file, 400);
  }
  CHECK(decoded > 50);
  CHECK(decoded < 1150);
  File large = files[0];
  large[21] = large[22] = large[23] = large[24] = std::byte{0xff};
  CHECK(!decoded_or_refused(large));
}

}  // namespace
}  // namespace pisr

#endif  // PISR_HAS_WEBP
