#include <cmath>
#include <cstddef>
#include <vector>

#include "core/parallel.h"
#include "core/philox.h"
#include "pisr/video/chroma.h"
#include "pisr/video/samples.h"
#include "tests/catch.h"

namespace pisr {
namespace {

/// Where a chroma sample is, in luminance samples counted from the first one's centre.
double position(int index, bool halved, bool centred) {
  return halved ? 2.0 * index + (centred ? 0.5 : 0.0) : index;
}

double keys(double x) {
  const double t = std::fabs(x);
  if (t < 1) return 1.5 * t * t * t - 2.5 * t * t + 1;
  if (t < 2) return -0.5 * t * t * t + 2.5 * t * t - 4 * t + 2;
  return 0;
}

int reflected(int i, int n) {
  while (i < 0 || i >= n) i = i < 0 ? -1 - i : 2 * n - 1 - i;
  return i;
}

struct Axis {
  bool halved, centred;

  /// Place among the samples of the low-resolution plane of sample `n` of the result: where the
  /// picture that it shows is there.
  double place(int n, int scale) const {
    // The centre of luminance sample p of the result is at (p + 0.5) / scale - 0.5 of the input.
    const double luminance = (position(n, halved, centred) + 0.5) / scale - 0.5;
    return halved ? (luminance - (centred ? 0.5 : 0.0)) / 2 : luminance;
  }
};

/// In two dimensions at once.
std::vector<double> naive(const std::vector<int>& plane, int width, int height, int wide, int high,
                          int scale, Axis x_axis, Axis y_axis) {
  std::vector<double> result;
  for (int y = 0; y < high; ++y) {
    for (int x = 0; x < wide; ++x) {
      const double at_x = x_axis.place(x, scale);
      const double at_y = y_axis.place(y, scale);
      double sum = 0;
      for (int i = static_cast<int>(std::floor(at_y)) - 2; i <= at_y + 2; ++i) {
        for (int k = static_cast<int>(std::floor(at_x)) - 2; k <= at_x + 2; ++k) {
          sum +=
              keys(at_y - i) * keys(at_x - k) *
              plane[static_cast<std::size_t>(reflected(i, height)) * width + reflected(k, width)];
        }
      }
      result.push_back(sum);
    }
  }
  return result;
}

struct Case {
  Chroma chroma;
  ChromaSiting siting;
  Axis x, y;
};

const std::vector<Case>& cases() {
  static const std::vector<Case> kCases = {
      {Chroma::s420, ChromaSiting::centre, {true, true}, {true, true}},
      {Chroma::s420, ChromaSiting::left, {true, false}, {true, true}},
      {Chroma::s420, ChromaSiting::top_left, {true, false}, {true, false}},
      {Chroma::s422, ChromaSiting::left, {true, false}, {false, false}},
      {Chroma::s422, ChromaSiting::centre, {true, true}, {false, false}},
      {Chroma::s444, ChromaSiting::left, {false, false}, {false, false}}};
  return kCases;
}

}  // namespace

TEST_CASE("chroma is enlarged like a naive resampler that knows where samples are", "[video]") {
  ThreadPool pool(2);
  Random random(3, RandomUse::test, 1);
  for (const Case& siting : cases()) {
    for (const int depth : {8, 10}) {
      for (const int scale : {2, 3, 4}) {
        for (const auto& [width, height] : {std::pair{1, 1}, {2, 3}, {7, 5}, {16, 9}, {5, 40}}) {
          const VideoFormat format{width, height, siting.chroma, depth, siting.siting, false};
          const VideoFormat large = enlarged(format, scale);
          CAPTURE(static_cast<int>(siting.chroma), static_cast<int>(siting.siting), depth, scale,
                  width, height);
          std::vector<std::byte> from(format.plane_bytes(1));
          std::vector<int> samples;
          for (std::size_t i = 0; i < from.size() / format.sample_bytes(); ++i) {
            samples.push_back(static_cast<int>(random.uniform(0, format.largest() + 1)));
            store_sample(from.data(), i, format.sample_bytes(), samples.back(), format.largest());
          }
          const std::vector<double> wanted =
              naive(samples, format.plane_width(1), format.plane_height(1), large.plane_width(1),
                    large.plane_height(1), scale, siting.x, siting.y);
          std::vector<std::byte> to(large.plane_bytes(1));
          std::vector<std::byte> alone(large.plane_bytes(1));
          enlarge_chroma(&pool, format, scale, from, to);
          enlarge_chroma(nullptr, format, scale, from, alone);
          CHECK(to == alone);
          REQUIRE(wanted.size() * format.sample_bytes() == to.size());
          for (std::size_t i = 0; i < wanted.size(); ++i) {
            const double clamped = std::min<double>(format.largest(), std::max(0.0, wanted[i]));
            const int got = load_sample(to.data(), i, format.sample_bytes());
            REQUIRE(std::abs(got - clamped) <= 0.5 + 1e-6);
          }
        }
      }
    }
  }
}

TEST_CASE("a ramp of colour stays where it was", "[video]") {
  // Value = 4 times the place among luminance samples, so that the result tells its own place.
  for (const Case& siting : cases()) {
    for (const int scale : {2, 3, 4}) {
      CAPTURE(static_cast<int>(siting.chroma), static_cast<int>(siting.siting), scale);
      const VideoFormat format{48, 48, siting.chroma, 10, siting.siting, false};
      const VideoFormat large = enlarged(format, scale);
      const int width = format.plane_width(1);
      for (const bool across : {true, false}) {
        const Axis axis = across ? siting.x : siting.y;
        std::vector<std::byte> from(format.plane_bytes(1));
        for (int y = 0; y < format.plane_height(1); ++y) {
          for (int x = 0; x < width; ++x) {
            store_sample(from.data(), static_cast<std::size_t>(y) * width + x, 2,
                         4 * position(across ? x : y, axis.halved, axis.centred), 1023);
          }
        }
        std::vector<std::byte> to(large.plane_bytes(1));
        enlarge_chroma(nullptr, format, scale, from, to);
        const int wide = large.plane_width(1);
        const int last = (across ? wide : large.plane_height(1)) - 4 * scale;
        for (int n = 4 * scale; n < last; ++n) {
          const double in_luminance = (position(n, axis.halved, axis.centred) + 0.5) / scale - 0.5;
          const std::size_t at = across ? static_cast<std::size_t>(8) * wide + n
                                        : static_cast<std::size_t>(n) * wide + 8;
          REQUIRE(std::abs(load_sample(to.data(), at, 2) - 4 * in_luminance) <= 0.5 + 1e-6);
        }
      }
    }
  }
}

TEST_CASE("samples are stored once rounded, clamped, the lower byte first", "[video]") {
  std::byte plane[4] = {};
  store_sample(plane, 1, 2, 256.5, 1023);
  CHECK(plane[2] == std::byte{1});
  CHECK(plane[3] == std::byte{1});
  CHECK(load_sample(plane, 1, 2) == 257);
  store_sample(plane, 0, 2, 5000, 1023);
  CHECK(load_sample(plane, 0, 2) == 1023);
  store_sample(plane, 3, 1, -3, 255);
  CHECK(plane[3] == std::byte{0});
  store_sample(plane, 3, 1, 300, 255);
  CHECK(plane[3] == std::byte{255});
  store_sample(plane, 3, 1, 99.4999, 255);
  CHECK(plane[3] == std::byte{99});
}

}  // namespace pisr
