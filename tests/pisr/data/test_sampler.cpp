#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include "core/parallel.h"
#include "pisr/data/sampler.h"
#include "pisr/image/luma.h"
#include "tests/catch.h"
#include "tests/thrown.h"

namespace pisr {
namespace {

/// An image whose colour tells the place: LR pixel (x, y) has the colour of HR pixel (scale x,
/// scale y). Red is the column, green the row, blue the image.
ImagePair position_pair(int low_width, int low_height, int scale, int number, int channels = 3) {
  const auto paint = [&](Image8& image, int step) {
    for (int y = 0; y < image.height; ++y) {
      for (int x = 0; x < image.width; ++x) {
        const std::array<int, 3> colour = {step * x, step * y, 40 * number};
        if (channels == 3) {
          for (int c = 0; c < 3; ++c) image.at(x, y, c) = static_cast<std::uint8_t>(colour[c]);
        } else {
          image.at(x, y) = static_cast<std::uint8_t>(step * x + 3 * step * y);
        }
      }
    }
  };
  ImagePair pair;
  pair.name = "image" + std::to_string(number);
  pair.file = "folder/" + pair.name + ".png";
  pair.high = Image8(scale * low_width, scale * low_height, channels);
  pair.low = Image8(low_width, low_height, channels);
  paint(pair.high, 1);
  paint(pair.low, scale);
  return pair;
}

Dataset position_data(int scale) {
  Dataset data;
  data.scale = scale;
  data.images.push_back(position_pair(11, 20, scale, 0));
  data.images.push_back(position_pair(30, 9, scale, 1));
  data.images.push_back(position_pair(9, 9, scale, 2));
  data.images.push_back(position_pair(12, 13, scale, 3, 1));
  return data;
}

struct Patches {
  std::vector<float> high;
  std::vector<float> low;
  bool operator==(const Patches&) const = default;
};

Patches patches(const BatchSampler& sampler, std::int64_t index) {
  Patches result;
  result.high.assign(static_cast<std::size_t>(sampler.gt_size()) * sampler.gt_size(), NAN);
  result.low.assign(static_cast<std::size_t>(sampler.low_size()) * sampler.low_size(), NAN);
  sampler.sample(index, result.high.data(), result.low.data());
  return result;
}

/// Mirrors and transposes a square, one step at a time.
std::vector<float> transformed(std::vector<float> square, int size,
                               const BatchSampler::Choice& choice) {
  const auto rearranged = [&](auto&& source) {
    std::vector<float> result(square.size());
    for (int y = 0; y < size; ++y) {
      for (int x = 0; x < size; ++x) result[y * size + x] = square[source(x, y)];
    }
    square = result;
  };
  if (choice.flip_horizontal) rearranged([=](int x, int y) { return y * size + size - 1 - x; });
  if (choice.flip_vertical) rearranged([=](int x, int y) { return (size - 1 - y) * size + x; });
  if (choice.transpose) rearranged([=](int x, int y) { return x * size + y; });
  return square;
}

std::vector<float> luma_patch(const Image8& image, int left, int top, int size) {
  const Plane plane = luma(image);
  std::vector<float> patch;
  for (int y = 0; y < size; ++y) {
    for (int x = 0; x < size; ++x) {
      patch.push_back(static_cast<float>(plane.at(left + x, top + y) / 255));
    }
  }
  return patch;
}

void check_close(const std::vector<float>& got, const std::vector<float>& wanted) {
  REQUIRE(got.size() == wanted.size());
  double worst = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double error = std::abs(static_cast<double>(got[i]) - wanted[i]);
    if (!(error <= worst)) worst = error;
  }
  CHECK(worst <= 6e-8);  // one unit in the last place of a float below 1
}

TEST_CASE("sampler: patches are the source's luminance, pixel by pixel, in all 8 symmetries",
          "[sampler]") {
  for (const int scale : {1, 2, 3, 4}) {
    const Dataset data = position_data(scale);
    const BatchSampler sampler(data, 7, 8 * scale);
    std::array<int, 8> seen{};
    for (std::int64_t index = 0; index < 120; ++index) {
      const BatchSampler::Choice choice = sampler.choice(index);
      const ImagePair& pair = data.images.at(choice.image);
      const Patches got = patches(sampler, index);
      check_close(got.high, transformed(luma_patch(pair.high, scale * choice.low_x,
                                                   scale * choice.low_y, 8 * scale),
                                        8 * scale, choice));
      check_close(got.low,
                  transformed(luma_patch(pair.low, choice.low_x, choice.low_y, 8), 8, choice));
      ++seen[choice.flip_horizontal + 2 * choice.flip_vertical + 4 * choice.transpose];
    }
    CHECK(*std::min_element(seen.begin(), seen.end()) > 0);
  }
}

TEST_CASE("sampler: patches of RGB are the source's channels, in all 8 symmetries", "[sampler]") {
  const int scale = 2;
  const Dataset data = position_data(scale);
  const BatchSampler sampler(data, 7, 8 * scale, 3);
  const BatchSampler luminance(data, 7, 8 * scale);
  const auto channel_patch = [](const Image8& image, int c, int left, int top, int size) {
    std::vector<float> patch;
    for (int y = 0; y < size; ++y) {
      for (int x = 0; x < size; ++x) {
        const double sample = image.at(left + x, top + y, image.channels == 1 ? 0 : c);
        patch.push_back(static_cast<float>(sample / 255));
      }
    }
    return patch;
  };
  const auto equals = [](const std::vector<float>& got, int c, const std::vector<float>& wanted) {
    const auto plane = static_cast<std::ptrdiff_t>(wanted.size());
    return std::equal(wanted.begin(), wanted.end(), got.begin() + c * plane);
  };
  std::vector<float> high(static_cast<std::size_t>(3) * 64 * scale * scale);
  std::vector<float> low(static_cast<std::size_t>(3) * 64);
  bool grey = false;
  for (std::int64_t index = 0; index < 120; ++index) {
    const BatchSampler::Choice choice = sampler.choice(index);
    CHECK(choice.image == luminance.choice(index).image);
    const ImagePair& pair = data.images.at(choice.image);
    grey = grey || pair.high.channels == 1;
    high.assign(high.size(), NAN);
    low.assign(low.size(), NAN);
    sampler.sample(index, high.data(), low.data());
    for (int c = 0; c < 3; ++c) {
      CAPTURE(index, c);
      CHECK(equals(high, c,
                   transformed(channel_patch(pair.high, c, scale * choice.low_x,
                                             scale * choice.low_y, 8 * scale),
                               8 * scale, choice)));
      CHECK(equals(
          low, c,
          transformed(channel_patch(pair.low, c, choice.low_x, choice.low_y, 8), 8, choice)));
    }
  }
  CHECK(grey);
  CHECK_THROWS_WITH(BatchSampler(data, 7, 16, 2),
                    "patches must have 1 channel or 3 channels, got 2");
}

TEST_CASE("sampler: the HR patch lies where the LR patch does", "[sampler]") {
  const int scale = 3;
  const Dataset data = position_data(scale);
  const BatchSampler sampler(data, 3, 8 * scale);
  for (std::int64_t index = 0; index < 200; ++index) {
    const Patches got = patches(sampler, index);
    const BatchSampler::Choice choice = sampler.choice(index);
    // An LR pixel has the colour of the top left HR pixel of its block; flips move that corner.
    const bool right = choice.transpose ? choice.flip_vertical : choice.flip_horizontal;
    const bool bottom = choice.transpose ? choice.flip_horizontal : choice.flip_vertical;
    for (int y = 0; y < 8; ++y) {
      for (int x = 0; x < 8; ++x) {
        const int high_x = scale * x + (right ? scale - 1 : 0);
        const int high_y = scale * y + (bottom ? scale - 1 : 0);
        REQUIRE(got.low[8 * y + x] == got.high[8 * scale * high_y + high_x]);
      }
    }
  }
}

TEST_CASE("sampler: a sample does not depend on order or threads", "[sampler][threads]") {
  const Dataset data = position_data(2);
  const BatchSampler sampler(data, 11, 16);
  const std::int64_t count = 256;
  std::vector<Patches> forward;
  for (std::int64_t index = 0; index < count; ++index) {
    forward.push_back(patches(sampler, index));
  }
  std::vector<Patches> backward(forward.size());
  for (std::int64_t index = count - 1; index >= 0; --index) {
    backward[static_cast<std::size_t>(index)] = patches(sampler, index);
  }
  CHECK(forward == backward);
  std::vector<Patches> parallel(forward.size());
  ThreadPool pool(4);
  pool.parallel_for(count, [&](std::int64_t index, int) {
    parallel[static_cast<std::size_t>(index)] = patches(sampler, index);
  });
  CHECK(forward == parallel);
  const BatchSampler again(data, 11, 16);
  CHECK(patches(again, 100) == forward[100]);
  const BatchSampler other_seed(data, 12, 16);
  int equal = 0;
  for (std::int64_t index = 0; index < count; ++index) {
    equal += patches(other_seed, index) == forward[static_cast<std::size_t>(index)];
  }
  CHECK(equal < 10);
}

/// Pearson's statistic against a uniform distribution, less its mean and in its deviations.
double chi_square_excess(const std::vector<int>& counts) {
  double total = 0;
  for (const int count : counts) total += count;
  const double wanted = total / static_cast<double>(counts.size());
  double statistic = 0;
  for (const int count : counts) statistic += (count - wanted) * (count - wanted) / wanted;
  const double freedom = static_cast<double>(counts.size()) - 1;
  return (statistic - freedom) / std::sqrt(2 * freedom);
}

TEST_CASE("sampler: images, places and symmetries are uniform", "[sampler]") {
  Dataset data;
  data.scale = 2;
  for (int number = 0; number < 5; ++number) {
    data.images.push_back(position_pair(17, 13, 2, number));
  }
  const BatchSampler sampler(data, 5, 16);
  std::vector<int> images(5);
  std::vector<int> places(std::size_t{10} * 6);
  std::vector<int> symmetries(8);
  std::vector<int> together(std::size_t{5} * 8);
  // Beyond 2^32 as well: the index is 64 bits wide.
  for (const std::int64_t start : {std::int64_t{0}, std::int64_t{1} << 40}) {
    for (std::int64_t index = start; index < start + 20'000; ++index) {
      const BatchSampler::Choice choice = sampler.choice(index);
      const std::size_t symmetry =
          choice.flip_horizontal + 2 * choice.flip_vertical + 4 * choice.transpose;
      ++images.at(choice.image);
      ++places.at(std::size_t{10} * choice.low_y + choice.low_x);
      ++symmetries.at(symmetry);
      ++together.at(choice.image * 8 + symmetry);
    }
  }
  for (const std::vector<int>& counts : {images, places, symmetries, together}) {
    const double excess = chi_square_excess(counts);
    CHECK(excess < 4);
    CHECK(excess > -4);
  }
}

TEST_CASE("sampler: the samples of a seed stay what they are", "[sampler]") {
  Dataset data;
  data.scale = 2;
  for (int number = 0; number < 5; ++number) {
    data.images.push_back(position_pair(60, 50, 2, number));
  }
  const BatchSampler sampler(data, 1, 32);
  std::string choices;
  for (const std::int64_t index : {0, 1, 1'000'000}) {
    const BatchSampler::Choice choice = sampler.choice(index);
    choices += message(choice.image, ' ', choice.low_x, ' ', choice.low_y, ' ',
                       choice.flip_horizontal, choice.flip_vertical, choice.transpose, "; ");
  }
  CHECK(choices == "2 17 13 101; 3 35 12 001; 3 12 5 110; ");
}

TEST_CASE("sampler: a patch of exactly the image, and what does not fit", "[sampler]") {
  const Dataset data = position_data(2);
  CHECK(BatchSampler(data, 0, 18).low_size() == 9);
  const Error small = thrown([&] { const BatchSampler sampler(data, 0, 20); });
  CHECK(small.kind() == ErrorKind::input);
  CHECK(std::string(small.what()) ==
        "image 'folder/image1.png' is 60 x 18, smaller than the HR patch of 20 x 20 (2 of 4 "
        "images are)");
  CHECK(contains(small.hint(), "lower gt_size"));
  for (const int gt_size : {-2, 0, 17}) {
    const Error odd = thrown([&] { const BatchSampler sampler(data, 0, gt_size); });
    CHECK(odd.kind() == ErrorKind::usage);
    CHECK(contains(odd.what(), message("multiple of the scale 2, got ", gt_size)));
  }
  const Error empty = thrown([&] {
    Dataset none;
    none.scale = 2;
    const BatchSampler sampler(none, 0, 16);
  });
  CHECK(empty.kind() == ErrorKind::input);
}

}  // namespace
}  // namespace pisr
