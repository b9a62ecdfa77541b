#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <limits>

#include "pisr/image/image_io.h"
#include "pisr/image/imresize.h"
#include "tests/catch.h"
#include "tests/pisr/image/images.h"
#include "tests/shared_data.h"

namespace pisr {
namespace {

const char* const kSet5[] = {"baby", "bird", "butterfly", "head", "woman"};

std::size_t differing_samples(const Image8& ours, const Image8& golden) {
  REQUIRE(ours.width == golden.width);
  REQUIRE(ours.height == golden.height);
  REQUIRE(ours.channels == golden.channels);
  std::size_t count = 0;
  for (std::size_t i = 0; i < ours.samples.size(); ++i) {
    count += ours.samples[i] != golden.samples[i] ? 1 : 0;
  }
  return count;
}

TEST_CASE("imresize equals MATLAB in every sample of 30 published images") {
  const auto truth = shared_data("data/benchmark/Set5/HR");
  const auto golden = shared_data("data/lr_reference/Set5");
  if (!truth || !golden) {
    return;
  }
  int images = 0;
  for (const int scale : {2, 3, 4}) {
    std::size_t samples = 0;
    std::size_t differing = 0;
    for (const std::string stem : kSet5) {
      INFO(stem << " x" << scale);
      const std::string file = stem + "x" + std::to_string(scale) + ".png";
      const std::string folder = "X" + std::to_string(scale);
      const Image8 hr = crop_to_multiple(read_image8(*truth / (stem + ".png")), scale);
      const Image8 down = read_image8(*golden / "LR_bicubic" / folder / file);
      const Image8 up = read_image8(*golden / "bicubic_up" / folder / file);
      const Image8 ours = downscale(hr, scale);
      const std::size_t before = differing;
      differing += differing_samples(ours, down);
      differing += differing_samples(upscale(ours, scale), up);
      CHECK(differing == before);
      samples += down.samples.size() + up.samples.size();
      images += 2;
    }
    std::cout << "imresize x" << scale << ", down and up: " << differing << " of " << samples
              << " samples differ from MATLAB's\n";
  }
  CHECK(images == 30);
}

TEST_CASE("imresize of an impulse gives the kernel's weights") {
  Plane impulse(9, 9, 1);
  impulse.at(4, 4) = 1;
  const Plane up = upscale(impulse, 2);
  // The kernel at distances 1.75, 1.25, 0.75, 0.25 and mirrored.
  const double weights[] = {-0.0234375, -0.0703125, 0.2265625,  0.8671875,
                            0.8671875,  0.2265625,  -0.0703125, -0.0234375};
  for (int y = 0; y < 18; ++y) {
    for (int x = 0; x < 18; ++x) {
      const double row = y >= 5 && y < 13 ? weights[y - 5] : 0;
      const double column = x >= 5 && x < 13 ? weights[x - 5] : 0;
      CHECK(up.at(x, y) == Approx(row * column).margin(1e-15));
    }
  }
}

TEST_CASE("imresize keeps a constant, and a ramp away from the borders") {
  Image8 flat(23, 17, 3);
  std::fill(flat.samples.begin(), flat.samples.end(), std::uint8_t{77});
  Plane ramp(40, 24, 1);
  for (int y = 0; y < 24; ++y) {
    for (int x = 0; x < 40; ++x) {
      ramp.at(x, y) = 3.0 * x + 2.0 * y;
    }
  }
  for (const int scale : {1, 2, 3, 4, 5}) {
    INFO("scale " << scale);
    for (const std::uint8_t sample : downscale(flat, scale).samples) {
      REQUIRE(sample == 77);
    }
    for (const std::uint8_t sample : upscale(flat, scale).samples) {
      REQUIRE(sample == 77);
    }
    const Plane up = upscale(ramp, scale);
    for (int y = 2 * scale; y < up.height - 2 * scale; ++y) {
      for (int x = 2 * scale; x < up.width - 2 * scale; ++x) {
        const double expected = 3 * ((x + 0.5) / scale - 0.5) + 2 * ((y + 0.5) / scale - 0.5);
        REQUIRE(up.at(x, y) == Approx(expected).epsilon(1e-12));
      }
    }
  }
}

TEST_CASE("imresize rounds after each pass, half up, and clamps") {
  // Without the rounding in between, some samples of noise differ; with the planes as the
  // unrounded truth, both pipelines are one rounding of each pass apart at most.
  const Image8 image = noise<std::uint8_t>(48, 36, 1);
  Plane plane(48, 36, 1);
  std::copy(image.samples.begin(), image.samples.end(), plane.samples.begin());
  for (const int scale : {2, 3, 4}) {
    const Image8 rounded = downscale(image, scale);
    const Plane exact = downscale(plane, scale);
    std::size_t off = 0;
    for (std::size_t i = 0; i < rounded.samples.size(); ++i) {
      const double difference = std::abs(rounded.samples[i] - exact.samples[i]);
      CHECK(difference <= 0.5 + 0.5 * 1.6 + 1e-9);
      off += difference > 0.5 + 1e-9 ? 1 : 0;
    }
    CHECK(off > 0);
  }
  // A column of 0 and 1: x2 down has weights that sum to one half on each.
  Image8 pair(1, 2, 1);
  pair.samples = {0, 1};
  CHECK(downscale(pair, 2).samples == std::vector<std::uint8_t>{1});
  // Overshoot beside an edge from black to white is cut off, not wrapped.
  Image8 edge(8, 1, 1);
  edge.samples = {0, 0, 0, 0, 255, 255, 255, 255};
  const Image8 up = upscale(edge, 2);
  CHECK(up.at(6, 0) == 0);
  CHECK(up.at(9, 0) == 255);
}

/// Keys' kernel with a = -0.5 at the distance k / n, times 2 n^3: whole numbers.
long cubic_in_whole_numbers(long k, long n) {
  k = std::abs(k);
  if (k <= n) {
    return 3 * k * k * k - 5 * k * k * n + 2 * n * n * n;
  }
  return k <= 2 * n ? -k * k * k + 5 * k * k * n - 8 * k * n * n + 4 * n * n * n : 0;
}

TEST_CASE("imresize counts exact halves as halves, however the weights are rounded") {
  const int width = 4000;
  const Image8 row = noise<std::uint8_t>(width, 1, 1);
  for (const int scale : {2, 3, 4, 5, 6, 7, 8, 10, 12}) {
    INFO("scale " << scale);
    const Image8 up = upscale(row, scale);
    const long n = 2L * scale;  // distances are whole numbers of 1 / n
    const long whole = 2 * n * n * n;
    int halves = 0;
    int differing = 0;
    for (int x = 3 * scale; x < (width - 3) * scale; ++x) {
      long sum = 0;
      for (int source = x / scale - 3; source <= x / scale + 3; ++source) {
        const long distance = (2L * x + 1 - scale) - n * source;
        sum += cubic_in_whole_numbers(distance, n) * row.at(source, 0);
      }
      const long rounded = std::clamp((2 * sum + whole) / (2 * whole), 0L, 255L);
      halves += sum > 0 && (2 * sum + whole) % (2 * whole) == 0 ? 1 : 0;
      differing += up.at(x, 0) != rounded ? 1 : 0;
    }
    CHECK(differing == 0);
    CHECK((halves > 0) == (scale % 2 == 0));
  }
}

TEST_CASE("imresize takes channels apart") {
  const Image8 image = noise<std::uint8_t>(14, 10, 4);
  Image8 third(14, 10, 1);
  for (std::size_t i = 0; i < third.samples.size(); ++i) {
    third.samples[i] = image.samples[4 * i + 2];
  }
  const Image8 up = upscale(image, 3);
  const Image8 up_third = upscale(third, 3);
  for (std::size_t i = 0; i < up_third.samples.size(); ++i) {
    REQUIRE(up.samples[4 * i + 2] == up_third.samples[i]);
  }
}

TEST_CASE("imresize treats both sides by the same rule") {
  Plane image(14, 10, 1);
  Plane transposed(10, 14, 1);
  for (int y = 0; y < 10; ++y) {
    for (int x = 0; x < 14; ++x) {
      image.at(x, y) = transposed.at(y, x) = x * x + 7 * y + x * y % 5;
    }
  }
  for (const double factor : {0.5, 1.0 / 3, 0.7, 1.3, 4.0}) {
    const Plane one = imresize(image, factor);
    const Plane other = imresize(transposed, factor);
    REQUIRE(one.width == other.height);
    REQUIRE(one.height == other.width);
    for (int y = 0; y < one.height; ++y) {
      for (int x = 0; x < one.width; ++x) {
        REQUIRE(one.at(x, y) == Approx(other.at(y, x)).epsilon(1e-12));
      }
    }
  }
}

TEST_CASE("imresize of any factor: the size is rounded up, tiny images work") {
  const Image8 image = noise<std::uint8_t>(31, 20, 3);
  CHECK(imresize(image, 0.37).width == 12);
  CHECK(imresize(image, 0.37).height == 8);
  CHECK(imresize(image, 1.5).width == 47);
  CHECK(largest_difference(imresize(image, 2), upscale(image, 2)) == 0);
  CHECK(largest_difference(imresize(image, 1), image) == 0);
  CHECK(downscale(image, 3).width == 11);
  const Image8 dot = noise<std::uint8_t>(1, 1, 3);
  for (const int scale : {2, 3, 4}) {
    CHECK(downscale(dot, scale).samples == dot.samples);
    const Image8 up = upscale(dot, scale);
    REQUIRE(up.width == scale);
    CHECK(up.at(scale - 1, scale - 1, 1) == dot.at(0, 0, 1));
  }
}

TEST_CASE("imresize refuses what it cannot do") {
  const Image8 image(4, 4, 1);
  CHECK(error_of([&] { downscale(image, 0); }) ==
        "usage: downscale: the scale must be 1 to 1000000, got 0");
  CHECK(error_of([&] { upscale(image, -2); }) ==
        "usage: upscale: the scale must be 1 to 1000000, got -2");
  CHECK(error_of([&] { imresize(image, std::numeric_limits<double>::quiet_NaN()); }) ==
        "usage: imresize: the factor must be finite and at least 1e-6, got nan");
  CHECK(error_of([&] { imresize(image, 1e12); }) ==
        "memory: imresize: 4x4 times 1e+12 exceeds 2^31 - 1 samples a side");
  CHECK(error_of([] { upscale(Plane(), 2); }) == "usage: imresize: the image is empty");
}

}  // namespace
}  // namespace pisr
