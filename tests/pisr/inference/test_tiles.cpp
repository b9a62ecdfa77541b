// Tiles: how an image is cut, and that nobody can tell from the result.

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "core/parallel.h"
#include "core/philox.h"
#include "pisr/inference/file_upscaler.h"
#include "pisr/inference/inference.h"
#include "pisr/inference/tiles.h"
#include "pisr/model/architectures.h"
#include "tests/catch.h"
#include "tests/pisr/model/small_spec.h"
#include "tests/temporary_folder.h"

namespace pisr {
namespace {

/// Small, but wide enough for rows that are computed two at a time (kernels/cpu/conv/winograd.h).
NetworkSpec spec_of(NetworkSpec spec, const Architecture& row) {
  for (const NetworkOption& option : row.options) {
    if (std::string(option.name).find("channels") != std::string::npos) {
      if (int* const channels = std::get_if<int>(&spec.options.at(option.name))) {
        *channels = std::clamp(8, option.lowest, option.highest);
      }
    }
  }
  return completed(spec);
}

void randomise(const Module& module) {
  Random random(11, RandomUse::test, 4);
  for (const NamedParameter& named : module.parameters()) {
    for (float& value : named.parameter->value.values<float>()) {
      value = static_cast<float>(random.uniform(-0.3, 0.3));
    }
  }
}

Plane random_plane(int width, int height, int channels) {
  Plane plane(width, height, channels);
  Random random(3, RandomUse::test, 1);
  for (double& sample : plane.samples) {
    sample = random.uniform(0, 255);
  }
  return plane;
}

}  // namespace

TEST_CASE("tiles cover an image once and read what they need", "[tiles]") {
  struct Image {
    int width, height;
  };
  for (const auto [width, height] :
       {Image{1, 1}, Image{7, 300}, Image{300, 7}, Image{200, 150}, Image{2000, 33}}) {
    for (const int margin : {0, 2, 12, 40}) {
      for (const std::int64_t most : {1, 500, 5000, 20000, 1000000}) {
        CAPTURE(width, height, margin, most);
        const std::vector<Tile> tiles = cut_into_tiles(width, height, margin, most);
        std::vector<int> covered(static_cast<std::size_t>(width) * height);
        for (const Tile& t : tiles) {
          CHECK(t.read_left == std::max(0, t.left - margin));
          CHECK(t.read_top == std::max(0, t.top - margin));
          CHECK(t.read_left + t.read_width == std::min(width, t.left + t.width + margin));
          CHECK(t.read_top + t.read_height == std::min(height, t.top + t.height + margin));
          CHECK((t.read_left % 2 == 0 && t.read_top % 2 == 0));
          for (int y = t.top; y < t.top + t.height; ++y) {
            for (int x = t.left; x < t.left + t.width; ++x) {
              ++covered[static_cast<std::size_t>(y) * width + x];
            }
          }
        }
        CHECK(std::ranges::all_of(covered, [](int times) { return times == 1; }));
        const bool has_room = most >= std::int64_t{16 + 3 * margin} * (16 + 3 * margin);
        for (const Tile& t : tiles) {
          CHECK((!has_room || std::int64_t{t.read_width} * t.read_height <= most));
        }
        CHECK((most < std::int64_t{width} * height || tiles.size() == 1));
      }
    }
  }
}

TEST_CASE("a network gives the bits of the whole image by tiles", "[tiles]") {
  ThreadPool pool(2);
  for (const Architecture& row : architectures()) {
    for (const int scale : {2, 3, 4}) {
      CAPTURE(row.name, scale);
      const auto network = make_network(spec_of(small_spec(row, scale), row));
      if (!network->halo()) continue;
      randomise(*network);
      const Plane low = random_plane(101, 97, network->spec().channels);
      Context context;
      const Plane whole = infer(context, *network, low);
      Context threaded(pool);
      Inference by_tiles(threaded, *network, {.memory = 1});
      Plane made;
      by_tiles.run(low, made);
      REQUIRE(made.samples.size() == whole.samples.size());
      CHECK(std::memcmp(made.samples.data(), whole.samples.data(),
                        whole.samples.size() * sizeof(double)) == 0);
      // A chain takes little memory by itself. Other networks were cut, or nothing was tested.
      CHECK((network->image_chain() || threaded.arena().capacity() < context.arena().capacity()));
    }
  }
}

TEST_CASE("maps that nobody holds make room for those of later layers", "[tiles]") {
  NetworkSpec spec = default_spec("vdsr");
  spec.options["feature_channels"] = 16;
  const auto memory = [&](int layers) {
    spec.options["layers"] = layers;
    const auto network = make_network(spec);
    randomise(*network);
    Context context;
    infer(context, *network, random_plane(40, 30, 1));
    return context.arena().capacity();
  };
  CHECK(memory(20) == memory(5));
}

TEST_CASE("an image that must be whole is refused before it takes too much memory", "[tiles]") {
  int whole = 0;
  for (const Architecture& row : architectures()) {
    const auto network = make_network(small_spec(row, 2));
    if (network->halo() || network->image_chain()) continue;
    CAPTURE(row.name);
    ++whole;
    randomise(*network);
    Context context;
    Inference inference(context, *network, {.memory_of_whole = 1 << 21});
    const std::int64_t small = *inference.memory_of_whole(40, 30);
    const std::int64_t large = *inference.memory_of_whole(800, 600);
    // Of that size; a small image needs a little more for each pixel.
    CHECK(std::abs(large - 400 * small) <= 400);
    const int channels = network->spec().channels;
    Plane made;
    inference.run(random_plane(40, 30, channels), made);
    CHECK(std::abs(static_cast<std::int64_t>(context.arena().capacity()) - small) < small / 10);
    CHECK_THROWS_WITH(
        inference.run(Plane(800, 600, channels), made),
        message("inference: the network looks at the whole image at once, which takes ",
                large >> 20, " MiB at 800x600, there are 2 MiB"));
    const TemporaryFolder folder;
    write_image(folder.path() / "in.png", Image8(40, 30, 3));
    std::string noted;
    UpscaleOptions options;
    options.note = [&](const std::string& text) { noted = text; };
    upscale_file(context, *network, folder.path() / "in.png", folder.path() / "out.png", options);
    CHECK(noted.find(" looks at the whole image at once, which takes ") != std::string::npos);
  }
  CHECK(whole > 0);
}

}  // namespace pisr
