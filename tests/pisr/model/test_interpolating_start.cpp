// Networks that begin as an interpolation: FSRCNN, SRCNN and their teachers.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <string>

#include "core/error.h"
#include "nn/init.h"
#include "pisr/model/architectures.h"
#include "pisr/model/fsrcnn.h"
#include "pisr/model/srcnn.h"
#include "pisr/model/teacher.h"
#include "tests/catch.h"
#include "tests/pisr/model/small_spec.h"
#include "tests/tensors.h"
#include "tests/thrown.h"

namespace pisr {
namespace {

constexpr std::int64_t kSide = 24;

/// A value in 0..1 at a place in units of low-resolution pixels, different for each channel.
using Function = std::function<double(double y, double x, int channel)>;

double constant(double, double, int channel) {
  return 0.25 + 0.125 * channel;
}
double ramp(double y, double x, int channel) {
  return 0.1 + 0.01 * y + 0.02 * x + 0.05 * channel;
}
double parabola(double y, double x, int channel) {
  return 0.2 + 0.0004 * y * y + 0.0003 * x * x - 0.0002 * x * y + 0.05 * channel;
}

/// What an image of `scale` times as many rows and columns has at its pixels' centres.
Tensor sampled(const Function& function, std::int64_t side, int scale, int channels) {
  const Tensor image = Tensor::empty({1, channels, side, side});
  float* value = image.data<float>();
  for (int channel = 0; channel < channels; ++channel) {
    for (std::int64_t y = 0; y < side; ++y) {
      for (std::int64_t x = 0; x < side; ++x) {
        const auto place = [&](std::int64_t pixel) {
          return (static_cast<double>(pixel) + 0.5) / scale - 0.5;
        };
        *value++ = static_cast<float>(function(place(y), place(x), channel));
      }
    }
  }
  return image;
}

Tensor started(ImageModel& model, const Tensor& input) {
  initialise(model, 3);
  model.start_as_interpolation();
  Context context;
  Tape tape(context, Tape::Mode::inference);
  return model.image(tape.constant(input)).value().clone();
}

/// The largest difference at a distance of `border` pixels from the border.
double inner_difference(const Tensor& a, const Tensor& b, std::int64_t border) {
  REQUIRE(a.shape() == b.shape());
  const Shape& shape = a.shape();
  double largest = 0;
  for (std::int64_t channel = 0; channel < shape[1]; ++channel) {
    for (std::int64_t y = border; y < shape[2] - border; ++y) {
      for (std::int64_t x = border; x < shape[3] - border; ++x) {
        const std::int64_t i = (channel * shape[2] + y) * shape[3] + x;
        largest = std::max(largest, std::abs(double{a.data<float>()[i]} - b.data<float>()[i]));
      }
    }
  }
  return largest;
}

double difference(const FsrcnnOptions& options, const Function& function) {
  Fsrcnn network(options);
  const Tensor low = sampled(function, kSide, 1, options.channels);
  const Tensor high = sampled(function, kSide * options.scale, options.scale, options.channels);
  // Zeros lie around the image of the deconvolution, whose kernel reaches two pixels.
  return inner_difference(started(network, low), high, std::int64_t{3} * options.scale);
}

}  // namespace

TEST_CASE("FSRCNN that starts as an interpolation is exact where its kernel is") {
  // Keys's cubic reproduces polynomials of degree 2, linear interpolation those of degree 1.
  for (const int channels : {1, 3}) {
    for (const bool slope_per_channel : {false, true}) {
      const auto options = [&](int scale) {
        return FsrcnnOptions{
            .scale = scale, .channels = channels, .slope_per_channel = slope_per_channel};
      };
      CAPTURE(channels, slope_per_channel);
      CHECK(difference(options(2), parabola) < 1e-6);
      CHECK(difference(options(3), ramp) < 1e-6);
      CHECK(difference(options(3), parabola) > 1e-5);
      CHECK(difference(options(4), constant) < 1e-6);
    }
  }
}

TEST_CASE("FSRCNN starts as an interpolation in each of its forms") {
  FsrcnnOptions options{.replicate_padding = true, .deconvolution_padding = 3};
  CHECK(difference(options, parabola) < 1e-6);
  options = {.feature_channels = 2, .shrink_channels = 1, .mapping_layers = 0};
  CHECK(difference(options, parabola) < 1e-6);
  options = {.depth_to_space = true};
  CHECK(difference(options, constant) < 1e-6);
  // The nearest pixel is a quarter of a pixel away in both directions.
  CHECK(difference(options, ramp) == Approx(0.25 * 0.03).epsilon(1e-3));
}

TEST_CASE("SRCNN starts as the enlarged image") {
  Srcnn network({.feature_channels = 5, .mapping_channels = 4, .channels = 3});
  initialise(network, 3);
  network.start_as_interpolation();
  const Tensor enlarged = random_image({2, 3, 9, 11});
  Context context;
  Tape tape(context, Tape::Mode::inference);
  CHECK(furthest(network.forward_input(tape.constant(enlarged)).image.value(), enlarged) < 1e-6);
}

TEST_CASE("a teacher starts as the interpolation of means over blocks") {
  for (const int scale : {2, 3, 4}) {
    for (const int channels : {1, 3}) {
      CAPTURE(scale, channels);
      Teacher teacher(fsrcnn_spec({.scale = scale, .channels = channels}));
      const Function& exact = scale == 4 ? constant : ramp;
      const Tensor high = sampled(exact, kSide * scale, scale, channels);
      CHECK(inner_difference(started(teacher, high), high, std::int64_t{6} * scale) < 1e-6);
      Context context;
      Tape tape(context, Tape::Mode::inference);
      // Every block's mean of a ramp is its value in the middle.
      const Tensor wavy = sampled(ramp, kSide * scale, scale, channels);
      CHECK(inner_difference(teacher.forward(tape.constant(wavy)).compact.value(),
                             sampled(ramp, kSide, 1, channels), 2) < 1e-6);
    }
  }
}

TEST_CASE("a teacher without the hourglass starts as the truth itself") {
  Teacher teacher(fsrcnn_spec(), false);
  const Tensor high = random_image({1, 1, 10, 12});
  CHECK(furthest(started(teacher, high), high) < 1e-6);
}

TEST_CASE("a network starts as an interpolation, or says that it cannot") {
  int interpolating = 0;
  for (const Architecture& row : architectures()) {
    for (const NetworkSpec& spec : small_specs(row, 2, row.channels.front())) {
      CAPTURE(row.name);
      const auto network = make_network(spec);
      const Tensor low = sampled(constant, kSide, 1, spec.channels);
      Tensor image;
      try {
        image = started(*network, low);
      } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::usage);
        CHECK(contains(error.what(), "it has a path from input to output"));
        continue;
      }
      ++interpolating;
      const Tensor high = sampled(constant, 2 * kSide, 2, spec.channels);
      CHECK(inner_difference(image, high, 20) < 1e-6);
    }
  }
  CHECK(interpolating > 0);
}

TEST_CASE("what is too narrow to hand an image on cannot start as an interpolation") {
  Fsrcnn network({.shrink_channels = 2, .channels = 3});
  CHECK(std::string(thrown([&] { network.start_as_interpolation(); }).what()) ==
        "fsrcnn: cannot start as an interpolation (network.start_as_interpolation): each layer "
        "must have at least 3 channels, got 2");
  Srcnn other({.feature_channels = 3, .mapping_channels = 1, .channels = 3});
  CHECK(contains(thrown([&] { other.start_as_interpolation(); }).what(),
                 "at least 3 channels, got 1"));
}

}  // namespace pisr
