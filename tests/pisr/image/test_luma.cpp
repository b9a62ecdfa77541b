#include <cmath>
#include <limits>

#include "pisr/image/luma.h"
#include "tests/catch.h"
#include "tests/pisr/image/images.h"

namespace pisr {
namespace {

Image8 rgb(int r, int g, int b) {
  Image8 image(1, 1, 3);
  image.samples = {static_cast<std::uint8_t>(r), static_cast<std::uint8_t>(g),
                   static_cast<std::uint8_t>(b)};
  return image;
}

TEST_CASE("luma: the values of BT.601") {
  CHECK(luma(rgb(0, 0, 0)).samples[0] == 16);
  CHECK(luma(rgb(255, 255, 255)).samples[0] == Approx(235).epsilon(1e-14));
  CHECK(luma(rgb(255, 0, 0)).samples[0] == Approx(81.481).epsilon(1e-14));
  CHECK(luma(rgb(0, 255, 0)).samples[0] == Approx(144.553).epsilon(1e-14));
  CHECK(luma(rgb(0, 0, 255)).samples[0] == Approx(40.966).epsilon(1e-14));
}

TEST_CASE("luma: grey stays as it is, alpha does not count, 16 bits are 257 times 8") {
  for (const int channels : {1, 2, 3, 4}) {
    INFO(channels << " channels");
    const Image8 image = noise<std::uint8_t>(9, 7, channels);
    Image8 transparent = image;
    Image16 wide(9, 7, channels);
    for (std::size_t i = 0; i < image.samples.size(); ++i) {
      wide.samples[i] = static_cast<std::uint16_t>(257 * image.samples[i]);
      const bool is_alpha = image.has_alpha() && i % channels == std::size_t(channels) - 1;
      transparent.samples[i] = is_alpha ? 0 : image.samples[i];
    }
    CHECK(largest_difference(luma(wide), luma(image)) < 1e-12);
    CHECK(largest_difference(luma(transparent), luma(image)) == 0);
    if (channels <= 2) {
      CHECK(luma(image).at(4, 3) == image.at(4, 3, 0));
    }
  }
}

TEST_CASE("YCbCr: known values, and there and back in both depths") {
  const YCbCr grey = to_ycbcr(rgb(90, 90, 90));
  CHECK(grey.cb.samples[0] == Approx(128).epsilon(1e-14));
  CHECK(grey.cr.samples[0] == Approx(128).epsilon(1e-14));
  CHECK(to_ycbcr(rgb(0, 0, 255)).cb.samples[0] == Approx(240).epsilon(1e-14));
  CHECK(to_ycbcr(rgb(255, 0, 0)).cr.samples[0] == Approx(240).epsilon(1e-14));
  CHECK(to_ycbcr(rgb(255, 255, 0)).cb.samples[0] == Approx(16).epsilon(1e-14));

  const auto narrow = noise<std::uint8_t>(32, 32, 3);
  CHECK(largest_difference(to_image8(to_rgb(to_ycbcr(narrow))), narrow) == 0);
  const auto wide = noise<std::uint16_t>(32, 32, 3);
  CHECK(largest_difference(to_image16(to_rgb(to_ycbcr(wide))), wide) == 0);
}

TEST_CASE("rounding: half up, clamped to the depth") {
  Plane plane(6, 1, 1);
  plane.samples = {-3, 0.49, 0.5, 254.5, 300, 100.25};
  CHECK(round_to_8_bit(plane).samples == std::vector<double>{0, 0, 1, 255, 255, 100});
  CHECK(to_image8(plane).samples == std::vector<std::uint8_t>{0, 0, 1, 255, 255, 100});
  CHECK(to_image16(plane).samples == std::vector<std::uint16_t>{0, 126, 129, 65407, 65535, 25764});
  plane.samples[4] = std::numeric_limits<double>::quiet_NaN();
  CHECK(error_of([&] { to_image8(plane); }) == "numeric: to_image8: value 4 of 6 is not finite");
  plane.samples[4] = std::numeric_limits<double>::infinity();
  CHECK(error_of([&] { round_to_8_bit(plane); }) ==
        "numeric: round_to_8_bit: value 4 of 6 is not finite");
}

TEST_CASE("RGB as a plane, its luminance and its grey") {
  const auto rgba = noise<std::uint8_t>(5, 4, 4);
  const Plane rgb = to_rgb(rgba);
  REQUIRE(rgb.channels == 3);
  Image16 wide(5, 4, 4);
  for (std::size_t i = 0; i < wide.samples.size(); ++i) {
    wide.samples[i] = static_cast<std::uint16_t>(257 * rgba.samples[i]);
  }
  CHECK(largest_difference(to_rgb(wide), rgb) < 1e-12);
  for (int c = 0; c < 3; ++c) {
    CHECK(rgb.at(3, 2, c) == rgba.at(3, 2, c));
  }
  CHECK(largest_difference(to_image8(rgb), without_alpha(rgba)) == 0);
  CHECK(largest_difference(luma(rgb), luma(rgba)) == 0);
  const Plane grey = to_grey(rgb);
  REQUIRE(grey.channels == 1);
  // 65.481, 128.553 and 24.966 of 219.
  CHECK(grey.at(1, 3) ==
        Approx(0.299 * rgba.at(1, 3, 0) + 0.587 * rgba.at(1, 3, 1) + 0.114 * rgba.at(1, 3, 2))
            .margin(1e-9));

  const auto one = noise<std::uint8_t>(5, 4, 2);
  const Plane thrice = to_rgb(one);
  for (int c = 0; c < 3; ++c) {
    CHECK(largest_difference(channel(to_image8(thrice), c), channel(one, 0)) == 0);
  }
  CHECK(largest_difference(to_grey(thrice), channel(one, 0)) < 1e-12);
  CHECK(largest_difference(luma(channel(one, 0)), channel(one, 0)) == 0);
}

TEST_CASE("channels come apart and together again") {
  const auto image = noise<std::uint8_t>(5, 4, 4);
  Plane joined = channel(image, 0);
  for (const int c : {1, 2, 3}) {
    joined = append_channel(joined, channel(image, c));
  }
  CHECK(largest_difference(to_image8(joined), image) == 0);
  CHECK(error_of([&] { channel(image, 4); }) == "usage: channel: index must be 0 to 3, got 4");
  CHECK(error_of([&] { append_channel(joined, Plane(4, 4, 1)); }) ==
        "usage: append_channel: image and alpha must be of one size, got 5x4 with 4 channels and "
        "4x4 with 1 channels");
  CHECK(error_of([] { to_ycbcr(Image8(2, 2, 1)); }) ==
        "usage: to_ycbcr: the image must be RGB, got 2x2 with 1 channels");
  CHECK(error_of([] {
          to_rgb({Plane(2, 2, 1), Plane(2, 2, 1), Plane(1, 1, 1)});
        }) ==
        "usage: to_rgb: the planes must be of one size, got 2x2 with 1 channels and 1x1 with 1 "
        "channels");
}

TEST_CASE("an image without its alpha channel, and its first channels") {
  const auto rgba = noise<std::uint16_t>(5, 4, 4);
  const Image16 rgb = without_alpha(rgba);
  REQUIRE(rgb.channels == 3);
  CHECK(largest_difference(rgb, first_channels(rgba, 3)) == 0);
  for (int c = 0; c < 3; ++c) {
    CHECK(rgb.at(4, 3, c) == rgba.at(4, 3, c));
    CHECK(rgb.at(1, 0, c) == rgba.at(1, 0, c));
  }
  CHECK(largest_difference(without_alpha(rgb), rgb) == 0);
  CHECK(without_alpha(Image8(3, 2, 2)).channels == 1);
  CHECK(without_alpha(Image8(3, 2, 1)).channels == 1);
  CHECK(error_of([&] { first_channels(rgba, 5); }) ==
        "usage: first_channels: channels must be 1 to 4 of this image, got 5");
}

TEST_CASE("crop and shave") {
  const auto image = noise<std::uint8_t>(7, 5, 3);
  CHECK(crop(image, 2, 1, 4, 3).at(3, 2, 1) == image.at(5, 3, 1));
  CHECK(crop_to_multiple(image, 3).width == 6);
  CHECK(crop_to_multiple(image, 3).height == 3);
  CHECK(crop_to_multiple(image, 3).at(5, 2, 2) == image.at(5, 2, 2));
  CHECK(shave(image, 2).width == 3);
  CHECK(shave(image, 2).at(0, 0) == image.at(2, 2));
  CHECK(error_of([&] { shave(image, 3); }) ==
        "usage: shave: cannot take 3 samples from each side of an image of 7x5");
  CHECK(error_of([&] { shave(image, 2147483647); }) ==
        "usage: shave: cannot take 2147483647 samples from each side of an image of 7x5");
  CHECK(error_of([&] { crop(image, 4, 0, 4, 1); }) ==
        "usage: crop: 4x1 at (4, 0) must lie in the image of 7x5");
  CHECK(error_of([&] { crop_to_multiple(image, 6); }) ==
        "usage: crop_to_multiple: the image must have at least 6x6 pixels, got 7x5");
}

}  // namespace
}  // namespace pisr
