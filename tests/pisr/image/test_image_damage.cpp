#include <array>
#include <iostream>
#include <random>

#include <png.h>

#include "pisr/image/image_io.h"
#include "tests/catch.h"
#include "tests/pisr/image/damage.h"
#include "tests/pisr/image/encoded_images.h"
#include "tests/pisr/image/images.h"

namespace pisr {
namespace {

TEST_CASE("damaged files are decoded or refused, and nothing else") {
  PngKind palette;
  palette.colour_type = PNG_COLOR_TYPE_PALETTE;
  palette.bit_depth = 4;
  palette.palette = {1, 2, 3, 40, 50, 60, 7, 8, 9};
  palette.alpha = {0, 128};
  PngKind interlaced;
  interlaced.colour_type = PNG_COLOR_TYPE_RGB;
  interlaced.interlaced = true;
  const Image8 rgb = gradient(17, 13, 3);
  const Image8 grey = gradient(16, 16, 1);
  const std::vector<std::vector<std::byte>> files = {
      encode_image(rgb, "png"),
      encode_image(noise<std::uint16_t>(6, 5, 2), "png"),
      make_png(palette, 4, 2, {0x01, 0x20, 0x12, 0x00}),
      make_png(interlaced, 17, 13, rgb.samples),
      encode_image(rgb, "jpeg"),
      encode_image(rgb, "jpeg", {50}),
      encode_image(grey, "jpeg"),
      make_jpeg({.colour = JpegColour::grey, .progressive = true}, 16, 16, grey.samples),
      make_jpeg({.colour = JpegColour::ycck}, 17, 13, noise<std::uint8_t>(17, 13, 4).samples),
      make_jpeg({.scan_for_each = true, .restart_rows = 1, .across = 2, .down = 2}, 17, 13,
                rgb.samples),
      make_jpeg({.progressive = true, .arithmetic = true}, 17, 13, rgb.samples),
      encode_image(rgb, "bmp"),
      encode_image(grey, "bmp"),
      encode_image(gradient(5, 5, 4), "bmp"),
  };
  constexpr int kTimes = 400;
  std::mt19937 random(7);
  int decoded = 0;
  int refused = 0;
  for (const std::vector<std::byte>& file : files) {
    for (int i = 0; i < kTimes; ++i) {
      std::vector<std::byte> bytes = damaged(file, random);
      if (i % 2 == 0) {
        // Past the checksums, which would stop nearly all damage at the door.
        correct_png_checksums(bytes);
      }
      ++(decoded_or_refused(bytes) ? decoded : refused);
    }
  }
  std::cout << "damaged images: " << refused << " refused, " << decoded << " decoded\n";
  CHECK(decoded + refused == kTimes * int(files.size()));
  CHECK(decoded > 100);
  CHECK(refused > 1000);
}

}  // namespace
}  // namespace pisr
