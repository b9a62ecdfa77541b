#include <cmath>
#include <cstdint>
#include <string>
#include <tuple>
#include <type_traits>
#include <vector>

#include "kernels/bicubic.h"
#include "tests/kernels/parity_cases.h"

namespace pisr::kernels {
namespace {

using std::abs;

struct Resize {
  std::int64_t batch, channels, height, width;
  int factor;
};
const std::vector<Resize> kResizes = {{1, 1, 1, 1, 1},  {1, 2, 1, 7, 2},  {2, 3, 7, 13, 2},
                                      {1, 2, 3, 33, 2}, {2, 1, 5, 48, 3}, {1, 3, 7, 17, 4},
                                      {1, 1, 2, 13, 5}, {2, 2, 64, 80, 2}};

void add_resizes(Cases& cases) {
  for (const Resize& r : kResizes) {
    const auto small = static_cast<std::size_t>(r.batch * r.channels * r.height * r.width);
    const std::size_t large = small * static_cast<std::size_t>(r.factor * r.factor);
    const std::int64_t planes = r.batch * r.channels;
    const std::string name =
        text("[", r.batch, ", ", r.channels, ", ", r.height, ", ", r.width, "] by ", r.factor);
    cases.push_back(kernel_case("pixel_shuffle " + name, {input(large), output(large)},
                                [=](const auto& table, Launcher& launcher, const auto& p, Store) {
                                  table.pixel_shuffle(launcher, {r.batch, r.channels, r.height,
                                                                 r.width, r.factor, p[0], p[1]});
                                }));
    cases.push_back(kernel_case(
        "pixel_shuffle_backward " + name, {input(large), output(large)},
        [=](const auto& table, Launcher& launcher, const auto& p, Store how) {
          table.pixel_shuffle_backward(
              launcher, {r.batch, r.channels, r.height, r.width, r.factor, p[0], p[1], how});
        }));
    cases.back().adds = true;
    cases.push_back(
        kernel_case("block_mean " + name, {input(large), output(small)},
                    [=](const auto& table, Launcher& launcher, const auto& p, Store) {
                      table.block_mean(launcher, {planes, r.height, r.width, r.factor, p[0], p[1]});
                    }));
    cases.back().magnitudes = [=](std::size_t, const Values& v, const Values&) {
      const auto factor = static_cast<std::size_t>(r.factor);
      const std::size_t width = static_cast<std::size_t>(r.width);
      std::vector<double> result(small);
      for (std::size_t i = 0; i < large; ++i) {
        const std::size_t row = i / (width * factor), column = i % (width * factor);
        result[row / factor * width + column / factor] +=
            abs(v[0][i]) / static_cast<double>(factor * factor);
      }
      return result;
    };
    cases.push_back(
        kernel_case("block_mean_backward " + name, {input(small), output(large)},
                    [=](const auto& table, Launcher& launcher, const auto& p, Store how) {
                      table.block_mean_backward(
                          launcher, {planes, r.height, r.width, r.factor, p[0], p[1], how});
                    }));
    cases.back().adds = true;
  }
}

struct Bicubic {
  std::int64_t planes, height, width;  // of the small image
  int scale;
  double gain = 1;
};
// With and without whole vectors in a row, sides of less than the reach of the kernel, every phase.
const std::vector<Bicubic> kBicubics = {
    {1, 1, 1, 1},     {1, 1, 1, 2},      {2, 1, 7, 2},           {1, 7, 1, 3},
    {1, 2, 3, 4},     {3, 2, 3, 3},      {2, 3, 2, 8},           {1, 5, 37, 2},
    {2, 4, 33, 3},    {1, 3, 35, 4},     {1, 4, 18, 5},          {1, 6, 5, 2, 0.25},
    {1, 3, 17, 4, 2}, {5, 33, 67, 2, 3}, {1, 19, 130, 3, 1 / 9.}};

// What each pixel of the large image (by_small: the small one) is made of, term by term.
std::vector<double> bicubic_magnitudes(const Bicubic& b, const std::vector<double>& x,
                                       bool by_small) {
  const BicubicWeights<double> weights(b.scale);
  const std::int64_t large_height = b.height * b.scale, large_width = b.width * b.scale;
  std::vector<double> result(static_cast<std::size_t>(
      b.planes * (by_small ? b.height * b.width : large_height * large_width)));
  for (std::int64_t i = 0; i < b.planes * large_height * large_width; ++i) {
    const std::int64_t column = i % large_width, row = i / large_width % large_height;
    const std::int64_t plane = i / large_width / large_height;
    for (int term = 0; term < kBicubicTaps * kBicubicTaps; ++term) {
      const auto side = [&](std::int64_t place, std::int64_t count, int tap, double& weight) {
        const int phase = static_cast<int>(place % b.scale);
        weight *= weights.of_phase[phase][tap];
        return mirrored(place / b.scale + weights.first(phase) + tap, count);
      };
      double weight = b.gain;
      const std::int64_t y = side(row, b.height, term / kBicubicTaps, weight);
      const std::int64_t x_small = side(column, b.width, term % kBicubicTaps, weight);
      const auto small = static_cast<std::size_t>((plane * b.height + y) * b.width + x_small);
      const auto large = static_cast<std::size_t>(i);
      result[by_small ? small : large] += abs(weight * x[by_small ? large : small]);
    }
  }
  return result;
}

void add_bicubic(Cases& cases) {
  for (const Bicubic& b : kBicubics) {
    const auto small = static_cast<std::size_t>(b.planes * b.height * b.width);
    const std::size_t large = small * static_cast<std::size_t>(b.scale * b.scale);
    const std::string name =
        text("[", b.planes, ", ", b.height, ", ", b.width, "] by ", b.scale, ", gain ", b.gain);
    cases.push_back(
        kernel_case("upscale_bicubic " + name, {input(small), output(large)},
                    [=](const auto& table, Launcher& launcher, const auto& p, Store how) {
                      using T = std::decay_t<decltype(*p[0])>;
                      table.upscale_bicubic(launcher, {b.planes, b.height, b.width, b.scale,
                                                       static_cast<T>(b.gain), p[0], p[1], how});
                    }));
    cases.back().adds = true;
    cases.back().magnitudes = [b](std::size_t, const Values& v, const Values&) {
      return bicubic_magnitudes(b, v[0], false);
    };
    cases.push_back(
        kernel_case("downscale_bicubic " + name, {input(large), output(small)},
                    [=](const auto& table, Launcher& launcher, const auto& p, Store how) {
                      using T = std::decay_t<decltype(*p[0])>;
                      table.downscale_bicubic(launcher, {b.planes, b.height, b.width, b.scale,
                                                         static_cast<T>(b.gain), p[0], p[1], how});
                    }));
    cases.back().adds = true;
    cases.back().magnitudes = [b](std::size_t, const Values& v, const Values&) {
      return bicubic_magnitudes(b, v[0], true);
    };
  }
}

void add_copy_blocks(Cases& cases) {
  struct Blocks {
    std::int64_t blocks, length, source_gap, target_gap;
  };
  for (const Blocks& b : {Blocks{1, 1, 0, 0}, Blocks{3, 7, 2, 0}, Blocks{2, 13, 0, 5},
                          Blocks{13, 100, 0, 0}, Blocks{2, 20000, 1, 3}}) {
    const std::int64_t source_stride = b.length + b.source_gap;
    const std::int64_t target_stride = b.length + b.target_gap;
    // The target is a state: what lies between its blocks has to stay as it is.
    cases.push_back(kernel_case(
        text("copy_blocks ", b.blocks, " of ", b.length),
        {input(static_cast<std::size_t>(b.blocks * source_stride)),
         state(static_cast<std::size_t>(b.blocks * target_stride), -1, 1)},
        [=](const auto& table, Launcher& launcher, const auto& p, Store how) {
          table.copy_blocks(launcher,
                            {b.blocks, b.length, source_stride, target_stride, p[0], p[1], how});
        }));
    cases.back().adds = true;
    cases.back().magnitudes = [](std::size_t, const Values& before, const Values& after) {
      return each(before[1].size(),
                  [&](std::size_t i) { return abs(after[1][i]) + abs(before[1][i]); });
    };
  }
}

}  // namespace

void add_layout_cases(Cases& cases) {
  add_resizes(cases);
  add_bicubic(cases);
  add_copy_blocks(cases);
}

}  // namespace pisr::kernels
