// An image enlarged strip by strip: nobody can tell from the result.

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <memory>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "core/parallel.h"
#include "nn/init.h"
#include "pisr/inference/file_upscaler.h"
#include "pisr/inference/strip_enlarger.h"
#include "pisr/model/architectures.h"
#include "tests/catch.h"
#include "tests/pisr/image/images.h"
#include "tests/pisr/model/small_spec.h"
#include "tests/temporary_folder.h"

namespace pisr {
namespace {

std::unique_ptr<SrNetwork> network_of(const NetworkSpec& spec) {
  auto network = make_network(spec);
  initialise(*network, 3);
  return network;
}

NetworkSpec plain_spec(int scale, int channels = 1) {
  NetworkSpec spec = default_spec("plain");
  spec.scale = scale;
  spec.channels = channels;
  spec.options = {{"feature_channels", 8}, {"layers", 2}};
  return spec;
}

template <class Sample>
ImageOf<Sample> enlarged(const SrNetwork& network, const ImageOf<Sample>& image,
                         const UpscaleOptions& options, ThreadPool* pool = nullptr) {
  const auto context =
      pool != nullptr ? std::make_unique<Context>(*pool) : std::make_unique<Context>();
  return std::get<ImageOf<Sample>>(
      upscale_image(*context, network, AnyImage{image}, options).pixels);
}

TEST_CASE("strips: every network that can be cut gives the bytes of the whole image",
          "[strips][threads]") {
  ThreadPool pool(2);
  for (const Architecture& row : architectures()) {
    CAPTURE(row.name);
    const auto network = network_of(small_spec(row, 2));
    const auto image = noise<std::uint8_t>(37, 211, 3);
    UpscaleOptions in_strips;
    in_strips.memory = 1;
    int strips = 0;
    in_strips.progress = [&](std::int64_t, std::int64_t) { ++strips; };
    const Image8 made = enlarged(*network, image, in_strips, &pool);
    CHECK((strips > 1) == (network->halo() && 6 * *network->halo() < 150));
    CHECK(made.samples == enlarged(*network, image, {}).samples);
  }
}

TEST_CASE("strips: of every height, with alpha and in every depth, are the whole image",
          "[strips][threads]") {
  for (const int channels : {1, 3}) {
    const auto network = network_of(plain_spec(channels == 1 ? 2 : 3, channels));
    const auto check = [&](const auto& image) {
      const auto whole = enlarged(*network, image, {});
      for (const bool ensemble : {false, true}) {
        UpscaleOptions options;
        options.self_ensemble = ensemble;
        const auto wanted = ensemble ? enlarged(*network, image, options) : whole;
        CHECK((largest_difference(wanted, whole) > 0) == ensemble);
        Context context;
        const StripEnlarger one(context, *network,
                                {image.width, image.height, image.channels, SampleType::u8, {}});
        for (const int rows : {1, 60, 61, 90, 120}) {
          CAPTURE(channels, ensemble, rows);
          options.memory = rows * one.bytes_of_row();
          CHECK(largest_difference(enlarged(*network, image, options), wanted) == 0);
        }
      }
    };
    for (const int height : {1, 2, 170, 171}) {
      CAPTURE(height);
      check(noise<std::uint8_t>(21, height, 3));
      check(noise<std::uint8_t>(20, height, 4));
      check(noise<std::uint16_t>(9, height, 2));
    }
  }
}

TEST_CASE("strips: tiles of every side give the bytes of the whole image", "[strips][threads]") {
  ThreadPool pool(2);
  for (const char* name : {"plain", "vdsr"}) {
    NetworkSpec spec = default_spec(name);
    for (auto& [option, value] : spec.options) {
      if (option == "feature_channels") value = 8;
      if (option == "layers") value = 3;
    }
    const auto network = network_of(spec);
    for (const auto& [width, height] : {std::pair{1, 1}, {1, 40}, {53, 1}, {53, 47}}) {
      const auto image = noise<std::uint8_t>(width, height, 3);
      const Image8 whole = enlarged(*network, image, {});
      for (int side = 1; side <= 64; side += side < 8 ? 1 : 7) {
        CAPTURE(name, width, height, side);
        UpscaleOptions options;
        options.tile = side;
        CHECK(enlarged(*network, image, options, &pool).samples == whole.samples);
      }
    }
  }
}

TEST_CASE("strips: two threads enlarge by one network on one pool", "[strips][threads]") {
  ThreadPool pool(2);
  for (const char* name : {"plain", "fsrcnn"}) {
    CAPTURE(name);
    const auto network = network_of(default_spec(name));
    const auto images = {noise<std::uint8_t>(40, 90, 3, 1), noise<std::uint8_t>(33, 71, 4, 2)};
    std::vector<std::vector<std::uint8_t>> made(images.size());
    {
      std::vector<std::jthread> threads;
      for (std::size_t i = 0; i < images.size(); ++i) {
        threads.emplace_back([&, i] {
          for (int round = 0; round < 3; ++round) {
            made[i] = enlarged(*network, images.begin()[i], {}, &pool).samples;
          }
        });
      }
    }
    for (std::size_t i = 0; i < images.size(); ++i) {
      CHECK(made[i] == enlarged(*network, images.begin()[i], {}).samples);
    }
  }
}

TEST_CASE("strips: a cancelled image ends between two strips and writes no file",
          "[strips][threads]") {
  const auto network = network_of(plain_spec(2));
  const TemporaryFolder folder;
  write_image(folder.path() / "in.png", gradient(20, 400, 3));
  ThreadPool pool(2);
  for (ThreadPool* const threads : {static_cast<ThreadPool*>(nullptr), &pool}) {
    const auto context =
        threads != nullptr ? std::make_unique<Context>(*threads) : std::make_unique<Context>();
    UpscaleOptions options;
    options.memory = 1;
    int asked = 0;
    options.cancelled = [&] { return ++asked == 3; };
    CHECK(!upscale_file(*context, *network, folder.path() / "in.png", folder.path() / "out.png",
                        options));
    CHECK(asked == 3);
    CHECK(!std::filesystem::exists(folder.path() / "out.png"));
    CHECK(std::distance(std::filesystem::directory_iterator(folder.path()),
                        std::filesystem::directory_iterator()) == 1);
  }
}

TEST_CASE("strips: colour is weighted by alpha as premultiplied images are enlarged",
          "[strips][threads]") {
  // A network that repeats each pixel: then all is known.
  NetworkSpec spec = plain_spec(2);
  const auto network = make_network(spec);
  // Colour 200 where alpha is high; 0 under alpha 1, as editors leave it.
  Image8 image(24, 24, 2);
  for (int y = 0; y < 24; ++y) {
    for (int x = 0; x < 24; ++x) {
      const bool visible = x > 6 && x < 17 && y > 6 && y < 17;
      image.at(x, y, 0) = visible ? 200 : 0;
      image.at(x, y, 1) = visible ? 255 : 1;
    }
  }
  const Image8 large = enlarged(*network, image, {});
  int darkest = 255;
  for (int y = 0; y < large.height; ++y) {
    for (int x = 0; x < large.width; ++x) {
      if (large.at(x, y, 1) > 60) {
        darkest = std::min<int>(darkest, large.at(x, y, 0));
      }
    }
  }
  CHECK(darkest >= 190);
}

}  // namespace
}  // namespace pisr
