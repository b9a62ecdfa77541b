// What becomes of each channel and of each option of a file that is enlarged.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "nn/init.h"
#include "pisr/image/imresize.h"
#include "pisr/image/luma.h"
#include "pisr/inference/file_upscaler.h"
#include "pisr/inference/inference.h"
#include "pisr/model/architectures.h"
#include "tests/catch.h"
#include "tests/pisr/image/images.h"
#include "tests/temporary_folder.h"

namespace pisr {
namespace {

std::unique_ptr<SrNetwork> small_network(int scale = 2) {
  NetworkSpec spec = default_spec("plain");
  spec.scale = scale;
  spec.options = {{"feature_channels", 3}, {"layers", 1}};
  auto network = make_network(spec);
  initialise(*network, 1);
  return network;
}

template <class Sample>
ImageOf<Sample> enlarged(const SrNetwork& network, const ImageOf<Sample>& image) {
  Context context;
  return std::get<ImageOf<Sample>>(upscale_image(context, network, AnyImage{image}).pixels);
}

/// `image`, whose alpha is 0 in a part of it, with other colours hidden there.
template <class Sample>
ImageOf<Sample> with_hidden(ImageOf<Sample> image, const std::vector<Sample>& colour) {
  const int alpha = image.channels - 1;
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x) {
      const bool hidden = x > image.width / 2 || y < 3;
      image.at(x, y, alpha) = hidden ? 0 : static_cast<Sample>(~Sample{0} - x);
      for (int c = 0; c < alpha && hidden; ++c) {
        image.at(x, y, c) = colour[static_cast<std::size_t>(c)];
      }
    }
  }
  return image;
}

template <class Sample>
void check_hidden_colours() {
  const auto network = small_network();
  const auto seen = noise<Sample>(14, 11, 4);
  const Sample most = static_cast<Sample>(~Sample{0});
  const auto wanted = enlarged(*network, with_hidden<Sample>(seen, {0, 0, 0}));
  // Each differs from the others in luminance, in both chromas or in one of them.
  for (const std::vector<Sample>& colour : std::vector<std::vector<Sample>>{
           {most, most, most}, {most, 0, 0}, {0, most, 0}, {0, 0, most}, {most, most, 0}}) {
    CHECK(largest_difference(enlarged(*network, with_hidden(seen, colour)), wanted) == 0);
  }
  const auto grey = noise<Sample>(14, 11, 2);
  CHECK(largest_difference(enlarged(*network, with_hidden<Sample>(grey, {0})),
                           enlarged(*network, with_hidden<Sample>(grey, {most}))) == 0);
}

TEST_CASE("channels: what a transparent pixel hides, colour or grey, has no part in the result",
          "[upscaler]") {
  check_hidden_colours<std::uint8_t>();
  check_hidden_colours<std::uint16_t>();
}

TEST_CASE("channels: alpha and chroma are those of the bicubic interpolation, of the right depth",
          "[upscaler]") {
  for (const int scale : {2, 3}) {
    const auto network = small_network(scale);
    const Image8 image = noise<std::uint8_t>(9, 7, 4);
    Image8 opaque = image;
    for (std::size_t i = 3; i < opaque.samples.size(); i += 4) {
      opaque.samples[i] = 255;
    }
    const Image8 got = enlarged(*network, opaque);
    const Image8 without = enlarged(*network, without_alpha(opaque));
    CHECK(largest_difference(without_alpha(got), without) == 0);
    const Plane alpha = upscale(channel(image, 3), scale);
    const Image8 with_alpha = enlarged(*network, image);
    check_rounded(to_image8(channel(with_alpha, 3)), alpha);
    // In 16 bits all is the same, but finer.
    Image16 wide(9, 7, 4);
    for (std::size_t i = 0; i < wide.samples.size(); ++i) {
      wide.samples[i] = static_cast<std::uint16_t>(257 * image.samples[i]);
    }
    const Image16 fine = enlarged(*network, wide);
    CHECK(largest_difference(to_8_bit(AnyImage{fine}), with_alpha) <= 1);
    bool finer = false;
    for (const std::uint16_t sample : fine.samples) {
      finer = finer || sample % 257 != 0;
    }
    CHECK(finer);
  }
}

template <class Sample>
ImageOf<Sample> with_opaque_alpha(ImageOf<Sample> image) {
  const auto channels = static_cast<std::size_t>(image.channels);
  for (std::size_t i = channels - 1; i < image.samples.size(); i += channels) {
    image.samples[i] = static_cast<Sample>(~Sample{0});
  }
  return image;
}

/// On RGB. Of zeros it repeats each pixel; `initialised`, it mixes its channels.
std::unique_ptr<SrNetwork> rgb_network(bool initialised, int scale = 2) {
  NetworkSpec spec = default_spec("plain");
  spec.scale = scale;
  spec.channels = 3;
  spec.options = {{"feature_channels", 3}, {"layers", 1}};
  auto network = make_network(spec);
  if (initialised) {
    initialise(*network, 1);
  }
  return network;
}

template <class Sample>
ImageOf<Sample> repeated(const ImageOf<Sample>& image, int scale) {
  ImageOf<Sample> result(scale * image.width, scale * image.height, image.channels);
  for (int y = 0; y < result.height; ++y) {
    for (int x = 0; x < result.width; ++x) {
      for (int c = 0; c < image.channels; ++c) {
        result.at(x, y, c) = image.at(x / scale, y / scale, c);
      }
    }
  }
  return result;
}

template <class Sample>
void check_rgb_network() {
  Context context;
  for (const int scale : {2, 3}) {
    const auto repeating = rgb_network(false, scale);
    const auto network = rgb_network(true, scale);
    for (const int channels : {1, 2, 3, 4}) {
      CAPTURE(scale, channels);
      auto image = noise<Sample>(9, 7, channels);
      const bool has_alpha = image.has_alpha();
      image = has_alpha ? with_opaque_alpha(image) : image;
      const auto got = enlarged(*repeating, image);
      REQUIRE(got.channels == channels);
      // f32 in the network, 16 bits in the file.
      CHECK(largest_difference(without_alpha(got), repeated(without_alpha(image), scale)) <=
            (sizeof(Sample) == 1 ? 0 : 1));

      Plane wanted = infer(context, *network, to_rgb(image));
      if (image.is_grey()) {
        wanted = to_grey(wanted);
      }
      if (has_alpha) {
        wanted = append_channel(wanted, upscale(channel(image, channels - 1), scale));
      }
      check_rounded(enlarged(*network, image), wanted);
    }
  }
  const auto network = rgb_network(true);
  const auto seen = noise<Sample>(14, 11, 4);
  const Sample most = static_cast<Sample>(~Sample{0});
  CHECK(largest_difference(enlarged(*network, with_hidden<Sample>(seen, {0, 0, 0})),
                           enlarged(*network, with_hidden<Sample>(seen, {most, 0, 99}))) == 0);
}

TEST_CASE("channels: a network on RGB enlarges colour at once, grey as r = g = b, alpha is bicubic",
          "[upscaler]") {
  check_rgb_network<std::uint8_t>();
  check_rgb_network<std::uint16_t>();
}

TEST_CASE("channels: a network on RGB writes files of every kind", "[upscaler]") {
  const TemporaryFolder folder;
  const auto network = rgb_network(true);
  Context context;
  const auto in = folder.path() / "in.png";
  for (const char* extension : {"png", "bmp", "jpg"}) {
    const auto out = folder.path() / (std::string("out.") + extension);
    const Image8 image = gradient(24, 20, 3);
    write_image(in, image);
    upscale_file(context, *network, in, out);
    CHECK(read_bytes(out) == encode_image(enlarged(*network, image), extension));
  }
}

TEST_CASE("channels: files have the bytes of the enlarged image at the quality that is asked for",
          "[upscaler]") {
  const TemporaryFolder folder;
  const auto network = small_network();
  Context context;
  const auto in = folder.path() / "in.png";
  const auto written = [&](const std::string& extension, const UpscaleOptions& options) {
    const auto out = folder.path() / ("out." + extension);
    std::filesystem::remove(out);
    upscale_file(context, *network, in, out, options);
    return read_bytes(out);
  };
  const Image8 image = gradient(24, 20, 3);
  write_image(in, image);
  std::vector<std::vector<std::byte>> files;
  for (const int quality : {20, 60, 95}) {
    UpscaleOptions options;
    options.jpeg_quality = quality;
    WriteOptions write;
    write.jpeg_quality = quality;
    files.push_back(written("jpg", options));
    CHECK(files.back() == encode_image(enlarged(*network, image), "jpg", write));
  }
  CHECK(files[0].size() < files[1].size());
  CHECK(files[1].size() < files[2].size());
  CHECK(written("jpg", {}) == files[2]);
  CHECK(written("bmp", {}) == encode_image(enlarged(*network, image), "bmp"));
  for (const int channels : {1, 2, 3, 4}) {
    CAPTURE(channels);
    const auto narrow = noise<std::uint8_t>(8, 6, channels);
    write_image(in, narrow);
    CHECK(written("png", {}) == encode_image(enlarged(*network, narrow), "png"));
    const auto wide = noise<std::uint16_t>(8, 6, channels);
    write_image(in, wide);
    CHECK(written("png", {}) == encode_image(enlarged(*network, wide), "png"));
  }
  // The limit is one of the output's pixels, and may be reached.
  UpscaleOptions limit;
  limit.max_pixels = 16 * 12;
  CHECK_NOTHROW(written("png", limit));
}

}  // namespace
}  // namespace pisr
