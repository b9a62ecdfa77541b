#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/philox.h"
#include "pisr/data/dead_leaves.h"
#include "pisr/data/power_law_noise.h"
#include "tests/catch.h"
#include "tests/thrown.h"

namespace pisr {
namespace {

/// FNV-1a, 64 bits.
std::uint64_t fingerprint(const Image8& image) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const std::uint8_t sample : image.samples) hash = (hash ^ sample) * 0x100000001b3;
  return hash;
}

TEST_CASE("dead leaves: the same bytes for the same seed on every machine", "[dead_leaves]") {
  CHECK(fingerprint(dead_leaves(1, 0, 64, 48)) == 0xf8748b9ab809ae41);
  CHECK(fingerprint(dead_leaves(1, 1, 33, 47)) == 0xc06f5e61004ec890);
  CHECK(fingerprint(dead_leaves(0xFFFFFFFFFFFFFFFF, 0xFFFFFFFF, 40, 40)) == 0xe41514f4f2a5ed02);
}

TEST_CASE("dead leaves: seed, index and size make the picture", "[dead_leaves]") {
  const Image8 image = dead_leaves(3, 4, 48, 32);
  CHECK(image.width == 48);
  CHECK(image.height == 32);
  CHECK(image.channels == 3);
  CHECK(dead_leaves(3, 4, 48, 32).samples == image.samples);
  for (const Image8& other : {dead_leaves(3, 5, 48, 32), dead_leaves(4, 4, 48, 32)}) {
    std::size_t equal = 0;
    for (std::size_t i = 0; i < image.samples.size(); ++i) {
      equal += image.samples[i] == other.samples[i] ? 1 : 0;
    }
    CHECK(equal < image.samples.size() / 4);
  }
  CHECK(dead_leaves(3, 4, 1, 1).samples.size() == 3);
  CHECK(dead_leaves(3, 4, 1, 200).samples.size() == 600);
}

TEST_CASE("dead leaves: sizes and indices out of range", "[dead_leaves]") {
  for (const int side : {0, -1, 8193}) {
    CHECK(thrown([&] { dead_leaves(0, 0, side, 8); }).kind() == ErrorKind::usage);
    const Error error = thrown([&] { dead_leaves(0, 0, 8, side); });
    CHECK(error.kind() == ErrorKind::usage);
    CHECK(contains(error.what(), message("got 8 x ", side)));
  }
  CHECK(thrown([] { dead_leaves(0, std::uint64_t{1} << 32, 8, 8); }).kind() == ErrorKind::usage);
}

/// Figures of one picture: luminance and its deviation on 0..255, mean of largest less smallest
/// colour, share of gradients below 1, 8 and 32, and the mean square difference of pixels 1, 2, 4,
/// 8 and 16 columns apart over the variance, which is the power spectrum seen in space.
constexpr int kFigures = 11;
using Figures = std::array<double, kFigures>;

Figures figures_of(const Image8& image) {
  const int width = image.width;
  const int height = image.height;
  const double pixels = static_cast<double>(width) * height;
  std::vector<double> luminance;
  Figures figures{};
  for (std::size_t i = 0; i < image.samples.size(); i += 3) {
    const std::uint8_t* pixel = &image.samples[i];
    luminance.push_back(16 + (65.481 * pixel[0] + 128.553 * pixel[1] + 24.966 * pixel[2]) / 255);
    figures[0] += luminance.back() / pixels;
    figures[2] +=
        (std::max({pixel[0], pixel[1], pixel[2]}) - std::min({pixel[0], pixel[1], pixel[2]})) /
        pixels;
  }
  double variance = 0;
  for (const double value : luminance) {
    variance += (value - figures[0]) * (value - figures[0]) / pixels;
  }
  figures[1] = std::sqrt(variance);
  const auto at = [&](int x, int y) { return luminance[static_cast<std::size_t>(y) * width + x]; };
  for (int y = 0; y + 1 < height; ++y) {
    for (int x = 0; x + 1 < width; ++x) {
      const double gradient = std::hypot(at(x + 1, y) - at(x, y), at(x, y + 1) - at(x, y));
      const double share = 1 / ((width - 1.0) * (height - 1.0));
      figures[3] += gradient < 1 ? share : 0;
      figures[4] += gradient < 8 ? share : 0;
      figures[5] += gradient < 32 ? share : 0;
    }
  }
  for (int power = 0; power < 5; ++power) {
    const int lag = 1 << power;
    double sum = 0;
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x + lag < width; ++x) {
        sum += (at(x + lag, y) - at(x, y)) * (at(x + lag, y) - at(x, y));
      }
    }
    figures[6 + power] = sum / (static_cast<double>(width - lag) * height) / variance;
  }
  return figures;
}

TEST_CASE("dead leaves: the statistics of the generator whose training results are known",
          "[dead_leaves]") {
  // Means, and deviations from batch to batch, of ten batches of 40 images of 128 x 128 made by the
  // NumPy program this one replaces.
  const Figures wanted = {123.07, 51.35,  42.37,  0.2425, 0.4999, 0.7798,
                          0.2276, 0.5711, 1.0615, 1.4765, 1.7488};
  const Figures deviation = {5.31,  1.71,   1.27,   0.0153, 0.0100, 0.0061,
                             0.011, 0.0181, 0.0241, 0.0303, 0.0269};
  const int count = 40;
  Figures mean{};
  for (int index = 0; index < count; ++index) {
    const Figures figures = figures_of(dead_leaves(2020, index, 128, 128));
    for (int i = 0; i < kFigures; ++i) mean[i] += figures[i] / count;
  }
  for (int i = 0; i < kFigures; ++i) {
    INFO("figure " << i << ": " << mean[i] << ", wanted " << wanted[i] << " +- " << deviation[i]);
    CHECK(std::abs(mean[i] - wanted[i]) <= 3 * deviation[i]);
  }
}

/// Mean power of a field at 48 frequencies of about `frequency` cycles a field.
double power_at(const NoiseField& field, double frequency) {
  const double two_pi = 6.283185307179586;
  double power = 0;
  for (int direction = 0; direction < 48; ++direction) {
    const double angle = two_pi / 2 * direction / 48;
    const double u = std::round(frequency * std::cos(angle)) / kNoiseSize;
    const double v = std::round(frequency * std::sin(angle)) / kNoiseSize;
    // A row's terms by rotation: a sine and a cosine a row are enough.
    const double step_real = std::cos(two_pi * u);
    const double step_imaginary = std::sin(two_pi * u);
    double real = 0;
    double imaginary = 0;
    for (int y = 0; y < kNoiseSize; ++y) {
      double a = std::cos(two_pi * v * y);
      double b = std::sin(two_pi * v * y);
      for (int x = 0; x < kNoiseSize; ++x) {
        const double value = field[static_cast<std::size_t>(y) * kNoiseSize + x];
        real += value * a;
        imaginary += value * b;
        const double next = a * step_real - b * step_imaginary;
        b = a * step_imaginary + b * step_real;
        a = next;
      }
    }
    power += (real * real + imaginary * imaginary) / 48;
  }
  return power;
}

TEST_CASE("1/f noise: deviation 1, spectrum f^-exponent, two independent fields", "[dead_leaves]") {
  Random random(1, RandomUse::test, 0);
  const std::array<double, 2> exponents = {0.5, 1.4};
  const std::array<NoiseField, 2> fields = power_law_noise(random, exponents);
  for (int which = 0; which < 2; ++which) {
    const NoiseField& field = fields[which];
    double mean = 0;
    double squares = 0;
    for (const float value : field) {
      mean += value / static_cast<double>(field.size());
      squares += static_cast<double>(value) * value / static_cast<double>(field.size());
    }
    CHECK(std::abs(mean) < 0.1);
    CHECK(squares - mean * mean == Approx(1).epsilon(1e-5));
    // Power is amplitude squared. 48 squares of normal numbers have a deviation of 0.15 of their
    // mean, hence 0.05 in the exponent.
    const double slope = std::log(power_at(field, 20) / power_at(field, 200)) / std::log(10.0) / 2;
    CHECK(slope == Approx(exponents[which]).margin(0.15));
  }
  double correlation = 0;
  for (std::size_t i = 0; i < fields[0].size(); ++i) {
    correlation += static_cast<double>(fields[0][i]) * fields[1][i];
  }
  CHECK(std::abs(correlation / static_cast<double>(fields[0].size())) < 0.02);
}

}  // namespace
}  // namespace pisr
