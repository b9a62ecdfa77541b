#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <limits>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "core/error.h"
#include "pisr/image/image.h"
#include "tests/catch.h"
#include "tests/worse.h"

namespace pisr {

/// Noise over the whole range of the samples.
template <class Sample>
ImageOf<Sample> noise(int width, int height, int channels, unsigned seed = 1) {
  std::mt19937 random(seed);
  ImageOf<Sample> image(width, height, channels);
  for (Sample& sample : image.samples) {
    sample = static_cast<Sample>(random());
  }
  return image;
}

/// A smooth picture, which a lossy format keeps well.
inline Image8 gradient(int width, int height, int channels) {
  Image8 image(width, height, channels);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (int c = 0; c < channels; ++c) {
        image.at(x, y, c) = static_cast<std::uint8_t>(127.5 + 100 * std::sin(0.07 * x + c) *
                                                                  std::cos(0.05 * y - c));
      }
    }
  }
  return image;
}

/// The largest absolute difference of two samples; infinite where shapes differ or a sample is NaN.
template <class Sample>
double largest_difference(const ImageOf<Sample>& a, const ImageOf<Sample>& b) {
  constexpr double kInfinite = std::numeric_limits<double>::infinity();
  if (a.width != b.width || a.height != b.height || a.channels != b.channels) {
    return kInfinite;
  }
  double largest = 0;
  for (std::size_t i = 0; i < a.samples.size(); ++i) {
    const double difference =
        std::abs(static_cast<double>(a.samples[i]) - static_cast<double>(b.samples[i]));
    if (!(difference <= largest)) {
      largest = std::isnan(difference) ? kInfinite : difference;
    }
  }
  return largest;
}

/// Checks that each sample is the value on 0..255 of `wanted`, clamped to the range and rounded to
/// the depth once, up to what single precision makes of it.
template <class Sample>
void check_rounded(const ImageOf<Sample>& image, const Plane& wanted) {
  constexpr double kMost = std::numeric_limits<Sample>::max();
  constexpr double kPrecision = kMost * 4e-6;
  REQUIRE(image.width == wanted.width);
  REQUIRE(image.height == wanted.height);
  REQUIRE(image.channels == wanted.channels);
  double largest = 0;
  for (std::size_t i = 0; i < image.samples.size(); ++i) {
    const double value = std::clamp(wanted.samples[i] / 255 * kMost, 0.0, kMost);
    const double difference = std::abs(image.samples[i] - value);
    largest = worse(largest, difference);
  }
  CHECK(largest <= 0.5 + kPrecision);
}

inline void write_bytes(const std::filesystem::path& path, std::span<const std::byte> bytes) {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
  REQUIRE(file.good());
}

inline std::vector<std::byte> read_bytes(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  REQUIRE(file.good());
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const auto* bytes = reinterpret_cast<const std::byte*>(text.data());
  return {bytes, bytes + text.size()};
}

/// The kind and text of the error that `action` throws: "input: cannot read ...". "none" where it
/// throws nothing.
template <class Action>
std::string error_of(Action&& action) {
  try {
    action();
  } catch (const Error& error) {
    const char* kind = error.kind() == ErrorKind::usage     ? "usage"
                       : error.kind() == ErrorKind::input   ? "input"
                       : error.kind() == ErrorKind::output  ? "output"
                       : error.kind() == ErrorKind::memory  ? "memory"
                       : error.kind() == ErrorKind::numeric ? "numeric"
                                                            : "other";
    return std::string(kind) + ": " + error.what();
  }
  return "none";
}

}  // namespace pisr
