#include <cmath>
#include <cstring>
#include <limits>
#include <span>
#include <string>

#include "core/parallel.h"
#include "core/philox.h"
#include "pisr/inference/inference.h"
#include "pisr/model/fsrcnn.h"
#include "pisr/model/plain.h"
#include "pisr/model/teacher.h"
#include "tests/catch.h"
#include "tests/pisr/model/small_spec.h"

using namespace pisr;

namespace {

Plane noise(int width, int height, std::uint64_t seed, int channels = 1) {
  Plane plane(width, height, channels);
  Random random(seed, RandomUse::test, 0);
  for (double& sample : plane.samples) {
    sample = random.uniform(0, 255);
  }
  return plane;
}

/// Random weights, biases and slopes, so that a zero outside the image differs from one inside.
void randomise(const Module& module, std::uint64_t seed) {
  Random random(seed, RandomUse::test, 1);
  for (const NamedParameter& named : module.parameters()) {
    for (float& value : named.parameter->value.values<float>()) {
      value = static_cast<float>(random.uniform(-0.2, 0.2));
    }
  }
}

Plane layer_by_layer(const SrNetwork& network, const Plane& low) {
  Context context;
  Tape tape(context, Tape::Mode::inference);
  const Tensor x = Tensor::empty({1, low.channels, low.height, low.width});
  float* sample = x.data<float>();
  for (int c = 0; c < low.channels; ++c) {
    for (int row = 0; row < low.height; ++row) {
      for (int column = 0; column < low.width; ++column) {
        *sample++ = static_cast<float>(low.at(column, row, c) / 255);
      }
    }
  }
  const Tensor y = network.forward(tape.constant(x)).image.value();
  Plane high(low.width * network.spec().scale, low.height * network.spec().scale, low.channels);
  sample = y.data<float>();
  for (int c = 0; c < high.channels; ++c) {
    for (int row = 0; row < high.height; ++row) {
      for (int column = 0; column < high.width; ++column) {
        high.at(column, row, c) = 255.0 * static_cast<double>(*sample++);
      }
    }
  }
  return high;
}

bool same_bits(const Plane& a, const Plane& b) {
  return a.width == b.width && a.height == b.height && a.channels == b.channels &&
         std::memcmp(a.samples.data(), b.samples.data(), a.samples.size() * sizeof(double)) == 0;
}

}  // namespace

TEST_CASE("inference gives the bits of the network's forward pass", "[inference][threads]") {
  for (const int scale : {2, 3, 4}) {
    for (const bool slope_per_channel : {false, true}) {
      FsrcnnOptions options;
      options.scale = scale;
      options.slope_per_channel = slope_per_channel;
      options.mapping_layers = slope_per_channel ? 0 : 4;
      Fsrcnn network(options);
      randomise(network, 7);
      ThreadPool three(3);
      Context context;
      Context threaded(three);
      for (const auto& [width, height] : {std::pair{1, 1}, {13, 41}, {61, 47}, {64, 33}}) {
        CAPTURE(scale, slope_per_channel, width, height);
        const Plane low = noise(width, height, 3);
        const Plane wanted = layer_by_layer(network, low);
        CHECK(same_bits(infer(context, network, low), wanted));
        CHECK(same_bits(infer(threaded, network, low), wanted));
      }
    }
  }
}

TEST_CASE("one inference for images of several sizes, with any network", "[inference][threads]") {
  for (const Architecture& row : architectures()) {
    CAPTURE(row.name);
    const auto network = make_network(small_spec(row, 2));
    randomise(*network, 11);
    ThreadPool three(3);
    Context context;
    Context threaded(three);
    Inference inference(context, *network);
    Plane high;
    for (const auto& [width, height] : {std::pair{20, 15}, {7, 9}, {33, 12}, {20, 15}}) {
      const Plane low = noise(width, height, 5, network->spec().channels);
      inference.run(low, high);
      CHECK(same_bits(high, layer_by_layer(*network, low)));
      CHECK(same_bits(high, infer(threaded, *network, low)));
    }
  }
}

TEST_CASE("a network on RGB takes its three channels and gives three", "[inference][threads]") {
  for (const int scale : {2, 3}) {
    Plain network({.feature_channels = 5, .layers = 1, .scale = scale, .channels = 3});
    randomise(network, 13);
    ThreadPool three(3);
    Context context;
    Context threaded(three);
    for (const auto& [width, height] : {std::pair{1, 1}, {13, 41}, {20, 9}}) {
      CAPTURE(scale, width, height);
      const Plane low = noise(width, height, 3, 3);
      const Plane wanted = layer_by_layer(network, low);
      CHECK(same_bits(infer(context, network, low), wanted));
      CHECK(same_bits(infer(threaded, network, low), wanted));
    }
  }
}

TEST_CASE("Plain on RGB repeats each channel where its convolutions are zero", "[inference]") {
  const Plain network({.feature_channels = 2, .layers = 1, .scale = 3, .channels = 3});
  Context context;
  const Plane low = noise(4, 3, 1, 3);
  const Plane high = infer(context, network, low);
  REQUIRE(high.width == 12);
  for (int y = 0; y < high.height; ++y) {
    for (int x = 0; x < high.width; ++x) {
      for (int c = 0; c < 3; ++c) {
        CHECK(high.at(x, y, c) == Approx(low.at(x / 3, y / 3, c)).epsilon(1e-6));
      }
    }
  }
}

TEST_CASE("a teacher on RGB gives an image on RGB", "[inference]") {
  Teacher teacher(plain_spec({.feature_channels = 4, .layers = 0, .channels = 3}));
  randomise(teacher, 4);
  Context context;
  const Plane output = infer(context, teacher, noise(14, 10, 2, 3));
  CHECK(output.width == 14);
  CHECK(output.height == 10);
  CHECK(output.channels == 3);
  CHECK_THROWS_WITH(infer(context, teacher, noise(14, 10, 2)),
                    "inference: the input must have three channels, RGB, and at least 1x1 pixels, "
                    "got 14x10x1");
}

TEST_CASE("the plane's scale is 0..255 and the network's 0..1", "[inference]") {
  // All weights zero: the output is the last bias wherever it is.
  Fsrcnn network;
  for (const NamedParameter& named : network.parameters()) {
    if (named.name == "deconvolution.bias") {
      named.parameter->value.values<float>()[0] = 0.5F;
    }
  }
  Context context;
  const Plane output = infer(context, network, noise(4, 3, 1));
  for (const double sample : output.samples) {
    CHECK(sample == 127.5);
  }
}

TEST_CASE("a network in f64 computes in f64", "[inference]") {
  Fsrcnn network;
  randomise(network, 2);
  Context context;
  const Plane low = noise(12, 9, 1);
  const Plane single = infer(context, network, low);
  network.convert(DType::f64);
  const Plane twice = infer(context, network, low);
  double largest = 0;
  for (std::size_t i = 0; i < single.samples.size(); ++i) {
    largest = std::max(largest, std::abs(single.samples[i] - twice.samples[i]));
  }
  CHECK(largest > 0);
  CHECK(largest < 1e-2);
}

TEST_CASE("an output that is not finite is a numeric error", "[inference]") {
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    Fsrcnn network;
    for (const NamedParameter& named : network.parameters()) {
      if (named.name == "deconvolution.bias") {
        named.parameter->value.values<float>()[0] = bad;
      }
    }
    Context context;
    try {
      infer(context, network, noise(5, 4, 1));
      FAIL("no error");
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::numeric);
      CHECK(std::string(error.what()).find("not finite at pixel (0, 0)") != std::string::npos);
    }
  }
}

TEST_CASE("the pixel of an RGB output that is not finite is named", "[inference]") {
  const Plain network({.feature_channels = 1, .layers = 0, .channels = 3});
  Context context;
  Plane low = noise(5, 4, 1, 3);
  // Zero convolutions of it are not a number either, so its neighbours' features are none.
  low.at(3, 2, 1) = std::numeric_limits<double>::quiet_NaN();
  CHECK_THROWS_WITH(infer(context, network, low),
                    "the network's output is not finite at pixel (2, 0)");
}

TEST_CASE("an empty plane, and one of other channels, is refused", "[inference]") {
  const Fsrcnn network;
  Context context;
  CHECK_THROWS_AS(infer(context, network, Plane{}), Error);
  CHECK_THROWS_WITH(
      infer(context, network, Plane(5, 4, 3)),
      "inference: the input must have one channel and at least 1x1 pixels, got 5x4x3");
}

TEST_CASE("a side that the scale would make longer than an int is refused", "[inference]") {
  Context context;
  const Fsrcnn network;
  Plane plane;  // refused before a sample is read
  plane.width = 1'200'000'000;
  plane.height = 1;
  plane.channels = 1;
  try {
    infer(context, network, plane);
    FAIL("no error");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::memory);
    CHECK(error.what() ==
          std::string("inference: 1200000000x1 times 2 exceeds 2^31 - 1 samples a side"));
  }
}

TEST_CASE("the teacher's output has the size of the truth", "[inference]") {
  Teacher teacher(fsrcnn_spec());
  randomise(teacher, 4);
  Context context;
  const Plane output = infer(context, teacher, noise(14, 10, 2));
  CHECK(output.width == 14);
  CHECK(output.height == 10);
  CHECK_THROWS_AS(infer(context, teacher, noise(13, 10, 2)), Error);
}
