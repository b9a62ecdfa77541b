#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <variant>
#include <vector>

#include "core/context.h"
#include "core/philox.h"
#include "pisr/data/dead_leaves.h"
#include "pisr/image/imresize.h"
#include "pisr/image/luma.h"
#include "pisr/inference/file_upscaler.h"
#include "pisr/inference/inference.h"
#include "pisr/model/fsrcnn.h"
#include "tests/catch.h"
#include "tests/pisr/image/images.h"
#include "tests/temporary_folder.h"

using namespace pisr;

namespace {

Parameter& parameter(const Module& module, const std::string& name) {
  for (const NamedParameter& named : module.parameters()) {
    if (named.name == name) {
      return *named.parameter;
    }
  }
  throw std::runtime_error("no parameter " + name);
}

/// A network that repeats each pixel: one channel carries the image through, and the deconvolution
/// puts it on the scale x scale pixels it becomes.
Fsrcnn repeating_network(int scale) {
  FsrcnnOptions options;
  options.feature_channels = 1;
  options.shrink_channels = 1;
  options.mapping_layers = 1;
  options.scale = scale;
  return Fsrcnn(options);
}

void make_repeating(const Fsrcnn& network) {
  const int scale = network.options().scale;
  for (const char* name : {"feature.slope", "shrink.slope", "mapping.0.slope", "expand.slope"}) {
    parameter(network, name).value.values<float>()[0] = 1;
  }
  parameter(network, "feature.weight").value.values<float>()[12] = 1;
  parameter(network, "shrink.weight").value.values<float>()[0] = 1;
  parameter(network, "mapping.0.weight").value.values<float>()[4] = 1;
  parameter(network, "expand.weight").value.values<float>()[0] = 1;
  // Output pixel o takes input i through tap o - scale i + 4.
  for (int v = 0; v < scale; ++v) {
    for (int u = 0; u < scale; ++u) {
      parameter(network, "deconvolution.weight")
          .value.values<float>()[static_cast<std::size_t>((v + 4) * 9 + u + 4)] = 1;
    }
  }
}

template <class Image>
Image constant_image(int width, int height, const std::vector<int>& colour) {
  Image image(width, height, static_cast<int>(colour.size()));
  for (std::size_t i = 0; i < image.samples.size(); ++i) {
    image.samples[i] =
        static_cast<typename decltype(image.samples)::value_type>(colour[i % colour.size()]);
  }
  return image;
}

template <class Image>
Image enlarge(const Fsrcnn& network, const Image& image) {
  Context context;
  return std::get<Image>(upscale_image(context, network, AnyImage{image}).pixels);
}

ErrorKind kind_of_failure(const Fsrcnn& network, const std::filesystem::path& input,
                          const std::filesystem::path& output, const UpscaleOptions& options = {}) {
  Context context;
  try {
    upscale_file(context, network, input, output, options);
  } catch (const Error& error) {
    CHECK(std::string(error.what()).find('\n') == std::string::npos);
    return error.kind();
  }
  FAIL("no error");
  return ErrorKind::usage;
}

}  // namespace

TEST_CASE("a constant image stays what it is, in every depth and number of channels",
          "[upscaler]") {
  for (const int scale : {2, 3, 4}) {
    const Fsrcnn network = repeating_network(scale);
    make_repeating(network);
    for (const std::vector<int>& colour : {std::vector<int>{77},
                                           {77, 200},
                                           {10, 200, 90},
                                           {10, 200, 90, 128},
                                           {0, 0, 0},
                                           {255, 255, 255}}) {
      CAPTURE(scale, colour);
      const auto image = constant_image<Image8>(5, 3, colour);
      const auto wanted = constant_image<Image8>(5 * scale, 3 * scale, colour);
      const Image8 got = enlarge(network, image);
      CHECK(got.width == wanted.width);
      CHECK(got.height == wanted.height);
      CHECK(got.channels == wanted.channels);
      CHECK(got.samples == wanted.samples);
    }
    for (const std::vector<int>& colour : {std::vector<int>{30001}, {100, 65535, 31234, 777}}) {
      CAPTURE(scale, colour);
      const Image16 got = enlarge(network, constant_image<Image16>(4, 6, colour));
      const auto wanted = constant_image<Image16>(4 * scale, 6 * scale, colour);
      REQUIRE(got.samples.size() == wanted.samples.size());
      for (std::size_t i = 0; i < got.samples.size(); ++i) {
        // f32 in the network, 16 bits in the file.
        CHECK(std::abs(got.samples[i] - wanted.samples[i]) <= 1);
      }
    }
  }
}

TEST_CASE("luminance by the network, chroma by bicubic interpolation, rounded once", "[upscaler]") {
  const Fsrcnn network = repeating_network(2);
  make_repeating(network);
  const Image8 image = dead_leaves(3, 0, 21, 83);
  Context context;
  YCbCr colour = to_ycbcr(image);
  colour.y = infer(context, network, colour.y);
  colour.cb = upscale(colour.cb, 2);
  colour.cr = upscale(colour.cr, 2);
  check_rounded(enlarge(network, image), to_rgb(colour));
}

TEST_CASE("an image of one pixel", "[upscaler]") {
  const Fsrcnn network = repeating_network(4);
  make_repeating(network);
  CHECK(enlarge(network, constant_image<Image8>(1, 1, {9, 8, 7, 255})).samples ==
        constant_image<Image8>(4, 4, {9, 8, 7, 255}).samples);
}

TEST_CASE("hidden colours do not bleed into visible edges", "[upscaler]") {
  const Fsrcnn network = repeating_network(2);
  make_repeating(network);
  // White on the left; on the right transparent, and black underneath.
  Image8 image(16, 9, 4);
  for (int y = 0; y < 9; ++y) {
    for (int x = 0; x < 8; ++x) {
      for (int c = 0; c < 4; ++c) {
        image.at(x, y, c) = 255;
      }
    }
  }
  const Image8 got = enlarge(network, image);
  for (int y = 0; y < got.height; ++y) {
    for (int x = 0; x < got.width; ++x) {
      for (int c = 0; c < 3; ++c) {
        REQUIRE(int{got.at(x, y, c)} == 255);
      }
    }
  }
  CHECK(int{got.at(0, 0, 3)} == 255);
  CHECK(int{got.at(31, 0, 3)} == 0);
}

TEST_CASE("files keep depth and channels", "[upscaler]") {
  const TemporaryFolder folder;
  const Fsrcnn network = repeating_network(2);
  make_repeating(network);
  Context context;
  const auto round_trip = [&](const AnyImage& image, const std::string& extension) {
    const auto input = folder.path() / "in.png";
    const auto output = folder.path() / ("out." + extension);
    write_image(input, image);
    UpscaleOptions options;
    options.overwrite = true;
    upscale_file(context, network, input, output, options);
    return read_image(output);
  };
  for (const int channels : {1, 2, 3, 4}) {
    CAPTURE(channels);
    const AnyImage eight = round_trip({Image8(7, 5, channels)}, "png");
    CHECK(!eight.is_16_bit());
    CHECK(eight.channels() == channels);
    CHECK(eight.width() == 14);
    CHECK(eight.height() == 10);
    const AnyImage sixteen = round_trip({Image16(7, 5, channels)}, "png");
    CHECK(sixteen.is_16_bit());
    CHECK(sixteen.channels() == channels);
  }
  CHECK(round_trip({Image8(8, 8, 3)}, "JPG").width() == 16);
  CHECK(round_trip({Image8(8, 8, 4)}, "bmp").channels() == 4);
}

TEST_CASE("what cannot be enlarged is refused and writes nothing", "[upscaler]") {
  const TemporaryFolder folder;
  const Fsrcnn network = repeating_network(2);
  make_repeating(network);
  const auto good = folder.path() / "good.png";
  const auto deep = folder.path() / "deep.png";
  const auto clear = folder.path() / "clear.png";
  const auto garbled = folder.path() / "garbled.png";
  const auto empty = folder.path() / "empty.png";
  const auto out = folder.path() / "out.png";
  write_image(good, Image8(20, 10, 3));
  write_image(deep, Image16(20, 10, 3));
  write_image(clear, Image8(20, 10, 4));
  std::ofstream(garbled) << "no image";
  std::ofstream(empty).flush();
  std::filesystem::copy_file(good, folder.path() / "short.png");
  std::filesystem::resize_file(folder.path() / "short.png", 44);

  CHECK(kind_of_failure(network, folder.path() / "missing.png", out) == ErrorKind::input);
  CHECK(kind_of_failure(network, garbled, out) == ErrorKind::input);
  CHECK(kind_of_failure(network, empty, out) == ErrorKind::input);
  CHECK(kind_of_failure(network, folder.path() / "short.png", out) == ErrorKind::input);
  CHECK(kind_of_failure(network, folder.path(), out) == ErrorKind::input);
  CHECK(kind_of_failure(network, good, folder.path() / "out.gif") == ErrorKind::usage);
  CHECK(kind_of_failure(network, good, folder.path() / "out") == ErrorKind::usage);
  CHECK(kind_of_failure(network, deep, folder.path() / "out.jpg") == ErrorKind::usage);
  CHECK(kind_of_failure(network, clear, folder.path() / "out.jpg") == ErrorKind::usage);
  CHECK(kind_of_failure(network, good, folder.path() / "none" / "out.png") == ErrorKind::output);
  CHECK(kind_of_failure(network, good, clear) == ErrorKind::output);
  UpscaleOptions small;
  small.max_pixels = 20 * 10 * 4 - 1;
  CHECK(kind_of_failure(network, good, out, small) == ErrorKind::memory);
  parameter(network, "deconvolution.bias").value.values<float>()[0] = NAN;
  CHECK(kind_of_failure(network, good, out) == ErrorKind::numeric);

  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    files.push_back(entry.path().filename().string());
  }
  CHECK(files.size() == 6);
  CHECK(!std::filesystem::exists(out));
}

TEST_CASE("an output is replaced only when asked", "[upscaler]") {
  const TemporaryFolder folder;
  const Fsrcnn network = repeating_network(2);
  make_repeating(network);
  const auto path = folder.path() / "image.png";
  write_image(path, Image8(4, 4, 1));
  CHECK(kind_of_failure(network, path, path) == ErrorKind::output);
  CHECK(read_image(path).width() == 4);
  Context context;
  UpscaleOptions options;
  options.overwrite = true;
  upscale_file(context, network, path, path, options);
  CHECK(read_image(path).width() == 8);
}
