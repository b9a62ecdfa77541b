#include "pisr/data/dead_leaves.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <utility>
#include <vector>

#include "core/error.h"
#include "core/philox.h"
#include "pisr/data/power_law_noise.h"

namespace pisr {
namespace {

constexpr double kPi = 3.141592653589793238463;
constexpr int kOversampling = 2;
constexpr int kLargestSide = 8192;
// Lengths on the oversampled canvas.
constexpr double kSmallestRadius = 2.0 * kOversampling;
constexpr double kLargestRadius = 150.0 * kOversampling;
constexpr double kShortestWave = 2.5 * kOversampling;
constexpr double kLongestWave = 30.0 * kOversampling;
constexpr double kStrongestBlur = 0.6 * kOversampling;
constexpr double kLeastBlur = 0.05 * kOversampling;
constexpr int kFieldSize = 64;

using Colour = std::array<double, 3>;

/// A stream of random numbers for each part of an image. How many one part draws may depend on the
/// last bit of a coordinate; with a stream of its own it does not shift the others.
Random stream(std::uint64_t seed, std::uint64_t image, std::uint32_t part) {
  return {seed, RandomUse::dead_leaves, (image << 32) | part};
}
constexpr std::uint32_t kScenePart = 0;
constexpr std::uint32_t kFirstShapePart = 1;
constexpr std::uint32_t kNoisePart = 0xFFFFFFFF;

Colour normal_colour(Random& random, double deviation) {
  Colour colour{};
  for (double& value : colour) value = deviation * random.normal();
  return colour;
}

/// Weights of a Gaussian at -radius..radius, cut at 4 sigma, of sum 1.
std::vector<double> gaussian_weights(double sigma) {
  const int radius = static_cast<int>(std::lround(4 * sigma));
  std::vector<double> weights;
  double sum = 0;
  for (int i = -radius; i <= radius; ++i) {
    weights.push_back(std::exp(-0.5 * i * i / (sigma * sigma)));
    sum += weights.back();
  }
  for (double& weight : weights) weight /= sum;
  return weights;
}

/// Smooth periodic noise of standard deviation 1, [kFieldSize, kFieldSize].
std::vector<double> smooth_field(Random& random) {
  const std::vector<double> weights = gaussian_weights(10);
  const int taps = static_cast<int>(weights.size());
  std::vector<double> field(static_cast<std::size_t>(kFieldSize) * kFieldSize);
  for (double& value : field) value = random.normal();
  // Filtering the columns into the transpose twice filters both directions.
  for (int pass = 0; pass < 2; ++pass) {
    std::vector<double> filtered(field.size());
    for (int y = 0; y < kFieldSize; ++y) {
      for (int x = 0; x < kFieldSize; ++x) {
        double sum = 0;
        for (int tap = 0; tap < taps; ++tap) {
          const int source = (y + tap - taps / 2 + kFieldSize) % kFieldSize;
          sum += weights[tap] * field[static_cast<std::size_t>(source) * kFieldSize + x];
        }
        filtered[static_cast<std::size_t>(x) * kFieldSize + y] = sum;
      }
    }
    field = std::move(filtered);
  }
  double mean = 0;
  for (const double value : field) mean += value / static_cast<double>(field.size());
  double variance = 0;
  for (const double value : field) {
    variance += (value - mean) * (value - mean) / static_cast<double>(field.size());
  }
  for (double& value : field) value /= std::sqrt(variance);
  return field;
}

/// What the shapes of one image have in common.
struct Scene {
  std::vector<Colour> palette;
  std::array<std::vector<double>, 3> colour_field;
  std::vector<NoiseField> noise;
  double blur = 0;  // standard deviation
};

Scene make_scene(std::uint64_t seed, std::uint64_t index) {
  Random random = stream(seed, index, kScenePart);
  Scene scene;
  scene.palette.resize(4 + random.below(5));
  const double exponent = random.uniform(0.7, 1.4);
  for (Colour& colour : scene.palette) {
    const double luminance = std::pow(random.uniform(), exponent);
    colour = normal_colour(random, 0.09);
    for (double& value : colour) value += luminance;
  }
  for (std::vector<double>& field : scene.colour_field) field = smooth_field(random);
  scene.blur = random.uniform(0, kStrongestBlur);
  return scene;
}

/// The 1/f textures take longest to make, so they are made for the first shape that has one.
const NoiseField& noise_field(Scene& scene, std::uint64_t seed, std::uint64_t index,
                              std::uint32_t which) {
  if (scene.noise.empty()) {
    Random random = stream(seed, index, kNoisePart);
    for (int pair = 0; pair < 2; ++pair) {
      std::array<double, 2> exponents{};
      for (double& exponent : exponents) exponent = random.uniform(0.4, 1.6);
      for (NoiseField& field : power_law_noise(random, exponents)) {
        scene.noise.push_back(std::move(field));
      }
    }
  }
  return scene.noise[which];
}

struct Canvas {
  int width;
  int height;
  std::vector<float> rgb;              // [height, width, 3]
  std::vector<unsigned char> covered;  // [height, width], 1 where a shape has been drawn
  std::int64_t uncovered;

  Canvas(int w, int h)
      : width(w),
        height(h),
        rgb(static_cast<std::size_t>(w) * h * 3),
        covered(static_cast<std::size_t>(w) * h),
        uncovered(static_cast<std::int64_t>(w) * h) {}
};

struct Box {
  int left, right, top, bottom;  // right and bottom exclusive
};

/// The first x >= from of the row that nothing covers yet; the box's right end if there is none.
int next_uncovered(const Canvas& canvas, const Box& box, int y, int from) {
  const unsigned char* row = &canvas.covered[static_cast<std::size_t>(y) * canvas.width];
  const void* found = std::memchr(row + from, 0, static_cast<std::size_t>(box.right - from));
  return found == nullptr ? box.right
                          : static_cast<int>(static_cast<const unsigned char*>(found) - row);
}

bool is_hidden(const Canvas& canvas, const Box& box) {
  for (int y = box.top; y < box.bottom; ++y) {
    if (next_uncovered(canvas, box, y, box.left) < box.right) return false;
  }
  return true;
}

/// An ellipse, or the common part of half planes, in coordinates (p, q) along its own axes.
struct Outline {
  double radius;
  double aspect = 1;
  int sides = 0;  // 0: an ellipse
  struct HalfPlane {
    double p, q, offset;
  };
  std::array<HalfPlane, 7> half_planes{};

  bool contains(double p, double q) const {
    if (sides == 0) return p * p + (q / aspect) * (q / aspect) < radius * radius;
    return std::all_of(
        half_planes.begin(), half_planes.begin() + sides,
        [=](const HalfPlane& plane) { return plane.p * p + plane.q * q < plane.offset; });
  }
};

Outline draw_outline(Random& random, double radius) {
  Outline outline{radius};
  const double kind = random.uniform();
  if (kind < 0.4) return outline;
  if (kind < 0.65) {
    outline.aspect = random.uniform(0.3, 1);
    return outline;
  }
  outline.sides = 3 + static_cast<int>(random.below(5));
  const double first = random.uniform(0, 2 * kPi);
  for (int side = 0; side < outline.sides; ++side) {
    const double angle = first + 2 * kPi * (side + random.uniform(-0.3, 0.3)) / outline.sides;
    outline.half_planes[side] = {std::cos(angle), std::sin(angle),
                                 radius * random.uniform(0.4, 0.9)};
  }
  return outline;
}

/// What is added to a shape's colour at a place.
struct Texture {
  double gradient_p = 0;
  double gradient_q = 0;
  double wave_amplitude = 0;
  double wave_number = 0;
  double wave_phase = 0;
  bool stripes = false;
  double noise_amplitude = 0;
  const NoiseField* noise = nullptr;
  int noise_x = 0;
  int noise_y = 0;

  double at(double p, double q, int x, int y) const {
    double value = gradient_p * p + gradient_q * q;
    if (wave_amplitude > 0) {
      const double wave = std::sin(wave_number * p + wave_phase);
      value += wave_amplitude * (stripes ? std::tanh(3 * wave) : wave);
    }
    if (noise != nullptr) {
      const int row = (noise_y + y) % kNoiseSize;
      const int column = (noise_x + x) % kNoiseSize;
      value += noise_amplitude * (*noise)[static_cast<std::size_t>(row) * kNoiseSize + column];
    }
    return value;
  }
};

template <class NoiseFieldOf>
Texture draw_texture(Random& random, double radius, double theta, NoiseFieldOf&& noise_field_of) {
  Texture texture;
  if (random.uniform() < 0.5) {
    const double slope = 0.15 * random.normal() / radius;
    texture.gradient_p = slope * std::cos(3 * theta);
    texture.gradient_q = slope * std::sin(3 * theta);
  }
  const double kind = random.uniform();
  if (kind < 0.14) {
    const double length = std::exp(random.uniform(std::log(kShortestWave), std::log(kLongestWave)));
    texture.wave_number = 2 * kPi / length;
    texture.wave_phase = random.uniform(0, 2 * kPi);
    texture.stripes = random.uniform() < 0.4;
    texture.wave_amplitude = random.uniform(0.02, 0.2);
  } else if (kind < 0.35) {
    texture.noise = &noise_field_of(random.below(4));
    texture.noise_x = static_cast<int>(random.below(kNoiseSize));
    texture.noise_y = static_cast<int>(random.below(kNoiseSize));
    texture.noise_amplitude = random.uniform(0.01, 0.12);
  }
  return texture;
}

/// The colour field's index for a position on one axis of the canvas.
std::size_t field_place(double centre, int extent) {
  return static_cast<std::size_t>(std::clamp(centre / extent * kFieldSize, 0.0, kFieldSize - 1.0));
}

/// Draws one shape behind all those drawn before.
template <class NoiseFieldOf>
void draw_shape(Canvas& canvas, const Scene& scene, Random random, NoiseFieldOf&& noise_field_of) {
  // Density r^-3 between the two radii, by inversion.
  const double nearest = 1 / (kSmallestRadius * kSmallestRadius);
  const double farthest = 1 / (kLargestRadius * kLargestRadius);
  const double radius = 1 / std::sqrt(nearest - random.uniform() * (nearest - farthest));
  const double centre_x = random.uniform(-radius / 2, canvas.width + radius / 2);
  const double centre_y = random.uniform(-radius / 2, canvas.height + radius / 2);
  const Box box{std::max(0, static_cast<int>(std::floor(centre_x - radius))),
                std::min(canvas.width, static_cast<int>(std::ceil(centre_x + radius)) + 1),
                std::max(0, static_cast<int>(std::floor(centre_y - radius))),
                std::min(canvas.height, static_cast<int>(std::ceil(centre_y + radius)) + 1)};
  if (box.right <= box.left || box.bottom <= box.top || is_hidden(canvas, box)) return;

  const double theta = random.uniform(0, kPi);
  const double cosine = std::cos(theta);
  const double sine = std::sin(theta);
  const Outline outline = draw_outline(random, radius);
  Colour colour = scene.palette[random.below(static_cast<std::uint32_t>(scene.palette.size()))];
  const double shade = 0.06 * random.normal();
  const Colour tint = normal_colour(random, 0.02);
  const std::size_t field_x = field_place(centre_x, canvas.width);
  const std::size_t field_y = field_place(centre_y, canvas.height);
  for (int c = 0; c < 3; ++c) {
    colour[c] += shade + tint[c] + 0.05 * scene.colour_field[c][field_y * kFieldSize + field_x];
  }
  const Texture texture = draw_texture(random, radius, theta, noise_field_of);

  for (int y = box.top; y < box.bottom; ++y) {
    for (int x = next_uncovered(canvas, box, y, box.left); x < box.right;
         x = next_uncovered(canvas, box, y, x + 1)) {
      const double p = cosine * (x - centre_x) + sine * (y - centre_y);
      const double q = -sine * (x - centre_x) + cosine * (y - centre_y);
      if (!outline.contains(p, q)) continue;
      const std::size_t pixel = static_cast<std::size_t>(y) * canvas.width + x;
      const double value = texture.at(p, q, x, y);
      for (int c = 0; c < 3; ++c) canvas.rgb[3 * pixel + c] = static_cast<float>(colour[c] + value);
      canvas.covered[pixel] = 1;
      --canvas.uncovered;
    }
  }
}

void fill_uncovered(Canvas& canvas, const Colour& colour) {
  for (std::size_t pixel = 0; pixel < canvas.covered.size(); ++pixel) {
    if (canvas.covered[pixel] != 0) continue;
    for (int c = 0; c < 3; ++c) canvas.rgb[3 * pixel + c] = static_cast<float>(colour[c]);
  }
}

/// Weights of blurring by `sigma` and then averaging two neighbours, for the samples
/// 2 i - size / 2 + 1 .. 2 i + size / 2 of result i.
std::vector<float> halving_weights(double sigma) {
  const std::vector<double> blur = sigma > kLeastBlur ? gaussian_weights(sigma) : std::vector{1.0};
  std::vector<float> weights(blur.size() + 1);
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const double before = i > 0 ? blur[i - 1] : 0;
    const double here = i < blur.size() ? blur[i] : 0;
    weights[i] = static_cast<float>(0.5 * (before + here));
  }
  return weights;
}

/// An index beyond an end is mirrored back, the end sample repeated.
int mirrored(int index, int size) {
  while (index < 0 || index >= size) index = index < 0 ? -1 - index : 2 * size - 1 - index;
  return index;
}

/// The canvas blurred and averaged down to half its size, rounded to bytes.
Image8 halve(const Canvas& canvas, double blur) {
  const std::vector<float> weights = halving_weights(blur);
  const int taps = static_cast<int>(weights.size());
  const int first = 1 - taps / 2;
  Image8 image(canvas.width / 2, canvas.height / 2, 3);
  std::vector<float> row(static_cast<std::size_t>(canvas.width) * 3);
  for (int y = 0; y < image.height; ++y) {
    std::fill(row.begin(), row.end(), 0.0F);
    for (int tap = 0; tap < taps; ++tap) {
      const int source_y = mirrored(2 * y + first + tap, canvas.height);
      const float* source = &canvas.rgb[source_y * row.size()];
      const float weight = weights[tap];
      for (std::size_t i = 0; i < row.size(); ++i) row[i] += weight * source[i];
    }
    for (int x = 0; x < image.width; ++x) {
      std::array<float, 3> sum{};
      for (int tap = 0; tap < taps; ++tap) {
        const int source_x = mirrored(2 * x + first + tap, canvas.width);
        const float* source = &row[std::size_t{3} * source_x];
        for (int c = 0; c < 3; ++c) sum[c] += weights[tap] * source[c];
      }
      for (int c = 0; c < 3; ++c) {
        const float value = std::clamp(sum[c], 0.0F, 1.0F) * 255.0F + 0.5F;
        image.at(x, y, c) = static_cast<std::uint8_t>(value);
      }
    }
  }
  return image;
}

}  // namespace

Image8 dead_leaves(std::uint64_t seed, std::uint64_t index, int width, int height) {
  if (width < 1 || height < 1 || width > kLargestSide || height > kLargestSide) {
    throw Error(ErrorKind::usage, message("dead_leaves: sides must be 1 to ", kLargestSide,
                                          " pixels, got ", width, " x ", height));
  }
  if ((index >> 32) != 0) {
    throw Error(ErrorKind::usage,
                message("dead_leaves: the index must be below 2^32, got ", index));
  }
  Scene scene = make_scene(seed, index);
  Canvas canvas(width * kOversampling, height * kOversampling);
  const auto noise_field_of = [&](std::uint32_t which) -> const NoiseField& {
    return noise_field(scene, seed, index, which);
  };
  // 15,000 to 25,000 shapes cover an image of 384 x 384. The limit is for a few pixels in a corner
  // that would otherwise take many more.
  const auto most_shapes =
      static_cast<std::uint32_t>(std::max<std::int64_t>(40'000, canvas.uncovered / 15));
  for (std::uint32_t shape = 0; shape < most_shapes && canvas.uncovered > 0; ++shape) {
    draw_shape(canvas, scene, stream(seed, index, kFirstShapePart + shape), noise_field_of);
  }
  fill_uncovered(canvas, scene.palette.front());
  return halve(canvas, scene.blur);
}

}  // namespace pisr
