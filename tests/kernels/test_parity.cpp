// Every kernel but the convolutions, CPU against naive: one table of cases.

#include <cmath>
#include <cstdint>
#include <sstream>
#include <string>
#include <tuple>
#include <type_traits>
#include <vector>

#include "kernels/bicubic.h"
#include "tests/catch.h"
#include "tests/devices.h"
#include "tests/kernels/device_launcher.h"
#include "tests/kernels/emulated.h"
#include "tests/kernels/guarded_array.h"
#include "tests/kernels/instruction_sets.h"
#include "tests/kernels/kernel_case.h"
#include "tests/kernels/test_launcher.h"

namespace pisr::kernels {
namespace {

using std::abs;
using Cases = std::vector<KernelCase>;

// Below, at and beyond every vector length, and beyond one segment (16384 elements) and a half.
const std::vector<std::int64_t> kCounts = {1, 2, 7, 13, 16, 31, 64, 100, 1021, 24601};

// batch, channels, inner
struct Planes {
  std::int64_t batch, channels, inner;
  std::int64_t count() const { return batch * channels * inner; }
};
const std::vector<Planes> kPlanes = {{1, 1, 1},  {2, 3, 1},   {3, 1, 7},    {2, 13, 13},
                                     {1, 7, 64}, {2, 3, 144}, {2, 2, 16385}};

template <class... Parts>
std::string text(const Parts&... parts) {
  std::ostringstream stream;
  (stream << ... << parts);
  return stream.str();
}

std::string text(const Planes& p) {
  return text("[", p.batch, ", ", p.channels, ", ", p.inner, "]");
}

template <class Term>
std::vector<double> each(std::size_t count, Term term) {
  std::vector<double> result(count);
  for (std::size_t i = 0; i < count; ++i) {
    result[i] = abs(term(i));
  }
  return result;
}

template <class Term>
double sum(std::size_t count, Term term) {
  double total = 0;
  for (std::size_t i = 0; i < count; ++i) {
    total += abs(term(i));
  }
  return total;
}

struct UnaryDomain {
  UnaryOp op;
  const char* name;
  double parameter;
  double low, high;      // of x
  double y_low, y_high;  // of the y that the backward kernel is given
  double offset = 0, upper = 0;
};
const std::vector<UnaryDomain> kUnary = {
    {UnaryOp::relu, "relu", 0, -3, 3, 0, 3},
    {UnaryOp::leaky_relu, "leaky_relu", 0.1, -3, 3, -1, 3},
    {UnaryOp::sigmoid, "sigmoid", 0, -8, 8, 0, 1},
    {UnaryOp::sigmoid, "sigmoid, far", 0, -120, 120, 0, 1},
    {UnaryOp::softplus, "softplus", 1, -5, 5, 0, 5},
    {UnaryOp::softplus, "softplus, far", 1, -110, 110, 0, 110},
    {UnaryOp::softplus, "softplus, scaled", 0.3, -5, 5, 0, 5, 0.125},
    {UnaryOp::exp, "exp", 0, -3, 3, 0, 20},
    {UnaryOp::exp, "exp, far", 0, -110, 95, 0, 1e30},
    {UnaryOp::log, "log", 0, 1e-3, 3, -3, 3},
    {UnaryOp::log, "log near 1", 0, 0.999, 1.001, -3, 3},
    {UnaryOp::log, "log, far", 0, 1e-30, 1e30, -3, 3},
    {UnaryOp::abs, "abs", 0, -3, 3, 0, 3},
    {UnaryOp::reciprocal, "reciprocal", -2.5, 0.1, 3, -25, 25},
    {UnaryOp::clamp, "clamp", -0.5, -3, 3, -0.5, 1.25, 0, 1.25},
    {UnaryOp::clamp, "clamp to one value", 0.25, -3, 3, 0.25, 0.25, 0, 0.25},
};

void add_unary(Cases& cases) {
  for (const UnaryDomain& u : kUnary) {
    for (const std::int64_t count : kCounts) {
      const auto n = static_cast<std::size_t>(count);
      cases.push_back(
          kernel_case(text("unary ", u.name, " ", count), {input(n, u.low, u.high), output(n)},
                      [=](const auto& table, Launcher& launcher, const auto& p, Store) {
                        using T = std::decay_t<decltype(*p[1])>;
                        table.unary(launcher, {u.op, count, static_cast<T>(u.parameter), p[0], p[1],
                                               static_cast<T>(u.offset), static_cast<T>(u.upper)});
                      }));
      cases.push_back(kernel_case(
          text("unary_backward ", u.name, " ", count),
          {input(n, u.low, u.high), input(n, u.y_low, u.y_high), input(n), output(n)},
          [=](const auto& table, Launcher& launcher, const auto& p, Store how) {
            using T = std::decay_t<decltype(*p[0])>;
            table.unary_backward(launcher, {u.op, count, static_cast<T>(u.parameter), p[0], p[1],
                                            p[2], p[3], how, static_cast<T>(u.upper)});
          }));
      cases.back().adds = true;
    }
  }
}

void add_affine(Cases& cases) {
  for (const std::int64_t count : kCounts) {
    const auto n = static_cast<std::size_t>(count);
    cases.push_back(
        kernel_case(text("affine ", count), {input(n), output(n)},
                    [=](const auto& table, Launcher& launcher, const auto& p, Store how) {
                      table.affine(launcher, {count, 0.75, -1.5, p[0], p[1], how});
                    }));
    cases.back().adds = true;
    cases.back().magnitudes = [](std::size_t, const Values& v, const Values&) {
      return each(v[0].size(), [&](std::size_t i) { return abs(0.75 * v[0][i]) + 1.5; });
    };
    cases.push_back(
        kernel_case(text("affine in place ", count), {state(n, -2, 2)},
                    [=](const auto& table, Launcher& launcher, const auto& p, Store) {
                      table.affine(launcher, {count, 0.75, 0.5, p[0], p[0], Store::write});
                    }));
    cases.back().magnitudes = [](std::size_t, const Values& v, const Values&) {
      return each(v[0].size(), [&](std::size_t i) { return abs(0.75 * v[0][i]) + 0.5; });
    };
  }
}

std::size_t broadcast_index(Broadcast broadcast, const Planes& s, std::size_t i) {
  const auto inner = static_cast<std::size_t>(s.inner);
  const auto channels = static_cast<std::size_t>(s.channels);
  return broadcast == Broadcast::same      ? i
         : broadcast == Broadcast::channel ? i / inner % channels
         : broadcast == Broadcast::plane   ? i / inner
                                           : 0;
}

std::size_t broadcast_count(Broadcast broadcast, const Planes& s) {
  return static_cast<std::size_t>(broadcast == Broadcast::same      ? s.count()
                                  : broadcast == Broadcast::channel ? s.channels
                                  : broadcast == Broadcast::plane   ? s.batch * s.channels
                                                                    : 1);
}

void add_binary(Cases& cases) {
  for (const BinaryOp op :
       {BinaryOp::add, BinaryOp::subtract, BinaryOp::multiply, BinaryOp::divide}) {
    for (const Broadcast broadcast :
         {Broadcast::same, Broadcast::channel, Broadcast::plane, Broadcast::scalar}) {
      for (const Planes& s : kPlanes) {
        if (s.count() > 2000 && op != BinaryOp::divide) {
          continue;  // all operations share the loop over segments
        }
        const auto n = static_cast<std::size_t>(s.count());
        const std::size_t m = broadcast_count(broadcast, s);
        const std::string name = text("op ", static_cast<int>(op), " broadcast ",
                                      static_cast<int>(broadcast), " ", text(s));
        cases.push_back(kernel_case(
            "binary " + name, {input(n), input(m, 0.5, 2), output(n)},
            [=](const auto& table, Launcher& launcher, const auto& p, Store) {
              table.binary(launcher,
                           {op, broadcast, s.batch, s.channels, s.inner, p[0], p[1], p[2]});
            }));
        cases.push_back(kernel_case(
            "binary_backward " + name,
            {input(n), input(m, 0.5, 2), input(n), optional_output(n), optional_output(m)},
            [=](const auto& table, Launcher& launcher, const auto& p, Store how) {
              table.binary_backward(launcher, {op, broadcast, s.batch, s.channels, s.inner, p[0],
                                               p[1], p[2], p[3], p[4], how, how});
            }));
        cases.back().adds = true;
        cases.back().magnitudes = [=](std::size_t index, const Values& v, const Values&) {
          const auto& [a, b, dy] = std::tie(v[0], v[1], v[2]);
          std::vector<double> result(index == 3 ? n : m);
          for (std::size_t i = 0; i < n; ++i) {
            const std::size_t j = broadcast_index(broadcast, s, i);
            const double scale = op == BinaryOp::multiply ? b[j]
                                 : op == BinaryOp::divide ? 1 / b[j]
                                                          : 1;
            if (index == 3) {
              result[i] = abs(dy[i] * scale);
            } else {
              result[j] += abs(dy[i]) * (op == BinaryOp::multiply ? abs(a[i])
                                         : op == BinaryOp::divide ? abs(a[i]) / (b[j] * b[j])
                                                                  : 1);
            }
          }
          return result;
        };
      }
    }
  }
}

void add_prelu(Cases& cases) {
  for (const bool shared : {true, false}) {
    for (const Planes& s : kPlanes) {
      const auto n = static_cast<std::size_t>(s.count());
      const std::int64_t slopes = shared ? 1 : s.channels;
      const auto m = static_cast<std::size_t>(slopes);
      const std::string name = text(slopes, " slopes ", text(s));
      cases.push_back(kernel_case(
          "prelu " + name, {input(n), input(m), output(n)},
          [=](const auto& table, Launcher& launcher, const auto& p, Store) {
            table.prelu(launcher, {s.batch, s.channels, s.inner, slopes, p[0], p[1], p[2]});
          }));
      cases.push_back(kernel_case(
          "prelu_backward " + name,
          {input(n), input(m), input(n), optional_output(n), optional_output(m),
           optional_output(static_cast<std::size_t>(s.channels))},
          [=](const auto& table, Launcher& launcher, const auto& p, Store how) {
            table.prelu_backward(launcher, {s.batch, s.channels, s.inner, slopes, p[0], p[1], p[2],
                                            p[3], p[4], how, how, p[5], how});
          }));
      cases.back().adds = true;
      cases.back().magnitudes = [=](std::size_t index, const Values& v, const Values&) {
        const auto& [x, slope, dy] = std::tie(v[0], v[1], v[2]);
        std::vector<double> result(index == 3   ? n
                                   : index == 4 ? m
                                                : static_cast<std::size_t>(s.channels));
        for (std::size_t i = 0; i < n; ++i) {
          const std::size_t channel = broadcast_index(Broadcast::channel, s, i);
          const std::size_t j = shared ? 0 : channel;
          const double dx = x[i] > 0 ? dy[i] : slope[j] * dy[i];
          if (index == 3) {
            result[i] = abs(dx);
          } else if (index == 5) {
            result[channel] += abs(dx);
          } else {
            result[j] += x[i] > 0 ? 0 : abs(x[i] * dy[i]);
          }
        }
        return result;
      };
    }
  }
}

void add_sums(Cases& cases) {
  for (const std::int64_t count : kCounts) {
    const auto n = static_cast<std::size_t>(count);
    cases.push_back(kernel_case(text("sum ", count), {input(n), output(1)},
                                [=](const auto& table, Launcher& launcher, const auto& p, Store) {
                                  table.sum(launcher, {count, 0.25, p[0], p[1]});
                                }));
    cases.back().magnitudes = [n](std::size_t, const Values& v, const Values&) {
      return std::vector<double>{sum(n, [&](std::size_t i) { return 0.25 * v[0][i]; })};
    };
    cases.push_back(
        kernel_case(text("broadcast_scalar ", count), {input(1), output(n)},
                    [=](const auto& table, Launcher& launcher, const auto& p, Store how) {
                      table.broadcast_scalar(launcher, {count, 0.3F, p[0], p[1], how});
                    }));
    cases.back().adds = true;
    // The result is a double that the harness cannot hold in an array of floats: it is compared
    // here, and handed on rounded.
    cases.push_back(kernel_case(text("sum_squares ", count), {input(n), output(1)},
                                [=](const auto& table, Launcher& launcher, const auto& p, Store) {
                                  double y = std::nan("");
                                  table.sum_squares(launcher, {count, p[0], &y});
                                  double right = 0;
                                  for (std::int64_t i = 0; i < count; ++i) {
                                    right += static_cast<double>(p[0][i]) * p[0][i];
                                  }
                                  CHECK(abs(y - right) <= 1e-13 * right);
                                  using T = std::decay_t<decltype(*p[0])>;
                                  *p[1] = static_cast<T>(y);
                                }));
    cases.back().host_only = true;
  }
}

struct SumOfParts {
  std::int64_t runs, results, terms;
};
const std::vector<SumOfParts> kSumsOfParts = {{1, 1, 1},    {3, 7, 1},   {2, 3, 5},
                                              {16, 1, 300}, {4, 24, 1},  {1, 33, 2},
                                              {2, 600, 1},  {67, 65, 1}, {264, 1050, 1}};

void add_late_sums(Cases& cases) {
  for (const SumOfParts& s : kSumsOfParts) {
    const auto results = static_cast<std::size_t>(s.results);
    const std::size_t n = results * static_cast<std::size_t>(s.runs * s.terms);
    const std::string name = text(s.runs, " runs, ", s.results, " results, ", s.terms, " terms");
    const auto magnitudes = [=](std::size_t index, const Values& v, const Values&) {
      std::vector<double> sums(results);
      for (std::size_t i = 0; i < n; ++i) {
        const std::size_t result = i / static_cast<std::size_t>(s.terms) % results;
        // The first array takes two sums, one after the other.
        sums[result] += (index == 1 ? 2 : 1) * abs(v[0][i]);
      }
      return sums;
    };
    cases.push_back(kernel_case(
        "finish_sums " + name, {input(n), output(results), output(results)},
        [=](const auto& table, Launcher& launcher, const auto& p, Store how) {
          using T = std::decay_t<decltype(*p[0])>;
          const auto sum = [&](T* target, Store store) {
            return DeferredSum<T>{target, store, p[0], nullptr, s.runs, s.results, s.terms};
          };
          const DeferredSums<T> sums = {sum(p[1], how), sum(p[2], how), sum(p[1], Store::add)};
          table.finish_sums(launcher, {static_cast<std::int64_t>(sums.size()), sums.data()});
        }));
    cases.back().adds = true;
    cases.back().magnitudes = magnitudes;
  }
}

void add_plane_statistics(Cases& cases) {
  for (const PlaneStatistic statistic :
       {PlaneStatistic::mean, PlaneStatistic::standard_deviation}) {
    for (const Planes& s : kPlanes) {
      const std::int64_t planes = s.batch * s.channels;
      const auto n = static_cast<std::size_t>(s.count());
      const auto m = static_cast<std::size_t>(planes), inner = static_cast<std::size_t>(s.inner);
      const std::string name = text(static_cast<int>(statistic), " ", text(s));
      cases.push_back(
          kernel_case("plane_statistic " + name, {input(n, -1, 3), output(m)},
                      [=](const auto& table, Launcher& launcher, const auto& p, Store) {
                        table.plane_statistic(launcher, {statistic, planes, s.inner, p[0], p[1]});
                      }));
      cases.back().magnitudes = [=](std::size_t, const Values& v, const Values& after) {
        return each(m, [&](std::size_t plane) {
          return statistic == PlaneStatistic::standard_deviation
                     ? after[1][plane]
                     : sum(inner, [&](std::size_t i) { return v[0][plane * inner + i]; }) /
                           static_cast<double>(inner);
        });
      };
      cases.push_back(
          kernel_case("plane_statistic_backward " + name,
                      {input(n, -1, 3), input(m, 0.5, 2), input(m), output(n)},
                      [=](const auto& table, Launcher& launcher, const auto& p, Store how) {
                        table.plane_statistic_backward(
                            launcher, {statistic, planes, s.inner, p[0], p[1], p[2], p[3], how});
                      }));
      cases.back().adds = true;
      cases.back().magnitudes = [=](std::size_t, const Values& v, const Values&) {
        return each(n, [&](std::size_t i) {
          const std::size_t plane = i / inner;
          const double dy = v[2][plane] / static_cast<double>(inner);
          return statistic == PlaneStatistic::mean ? dy : dy * (abs(v[0][i]) + 1) / v[1][plane];
        });
      };
    }
  }
}

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

void add_losses(Cases& cases) {
  for (const LossOp op : {LossOp::l1, LossOp::laplace_nll, LossOp::gaussian_nll}) {
    for (const std::int64_t count : kCounts) {
      const auto n = static_cast<std::size_t>(count);
      const bool has_spread = op != LossOp::l1;
      const std::string name = text(static_cast<int>(op), " ", count);
      const double mean = 1 / static_cast<double>(count);
      cases.push_back(kernel_case(
          "loss " + name, {input(n), input(n), input(n, 0.1, 2), output(1)},
          [=](const auto& table, Launcher& launcher, const auto& p, Store) {
            table.loss(launcher, {op, count, p[0], p[1], has_spread ? p[2] : nullptr, p[3]});
          }));
      cases.back().magnitudes = [=](std::size_t, const Values& v, const Values&) {
        return std::vector<double>{mean * sum(n, [&](std::size_t i) {
                                     const double d = abs(v[0][i] - v[1][i]), s = v[2][i];
                                     return op == LossOp::l1 ? d
                                            : op == LossOp::laplace_nll
                                                ? abs(std::log(2 * s)) + d / s
                                                : abs(std::log(s)) / 2 + d * d / (2 * s);
                                   })};
      };
      std::vector<Array> arrays = {input(n), input(n),           input(n, 0.1, 2),
                                   input(1), optional_output(n), optional_output(n)};
      if (has_spread) {
        arrays.push_back(optional_output(n));
      }
      cases.push_back(kernel_case(
          "loss_backward " + name, std::move(arrays),
          [=](const auto& table, Launcher& launcher, const auto& p, Store how) {
            table.loss_backward(launcher, {op, count, p[0], p[1], has_spread ? p[2] : nullptr, p[3],
                                           p[4], p[5], has_spread ? p[6] : nullptr, how, how, how});
          }));
      cases.back().adds = true;
      cases.back().magnitudes = [=](std::size_t index, const Values& v, const Values&) {
        return each(n, [&](std::size_t i) {
          const double d = abs(v[0][i] - v[1][i]), s = v[2][i], dy = abs(v[3][0]) * mean;
          if (index < 6) {
            return op == LossOp::l1 ? dy : op == LossOp::laplace_nll ? dy / s : dy * d / s;
          }
          return op == LossOp::laplace_nll ? dy / s + dy * d / (s * s)
                                           : dy / (2 * s) + dy * d * d / (2 * s * s);
        });
      };
    }
  }
}

// An l1 loss of all elements, and another loss of as many as fit half of them.
void add_weighted_losses(Cases& cases) {
  for (const LossOp op : {LossOp::l1, LossOp::laplace_nll, LossOp::gaussian_nll}) {
    for (const std::int64_t count : kCounts) {
      const std::int64_t half = (count + 1) / 2;
      const auto n = static_cast<std::size_t>(count), m = static_cast<std::size_t>(half);
      const bool has_spread = op != LossOp::l1;
      constexpr double kWeight = 0.25;
      std::vector<Array> arrays = {input(n),  input(n),  input(m, 0.1, 2),
                                   output(1), output(1), output(1)};
      arrays.insert(arrays.end(), {optional_output(n), optional_output(m)});
      if (has_spread) {
        arrays.push_back(optional_output(m));
      }
      cases.push_back(kernel_case(
          text("weighted_loss ", static_cast<int>(op), " ", count), std::move(arrays),
          [=](const auto& table, Launcher& launcher, const auto& p, Store) {
            using T = std::decay_t<decltype(*p[0])>;
            const T* const spread = has_spread ? p[2] : nullptr;
            T* const dspread = has_spread ? p[8] : nullptr;
            table.weighted_loss(
                launcher,
                {2,
                 {{{LossOp::l1, count, p[0], p[1], nullptr, p[4]}, 1, nullptr, p[6], nullptr},
                  {{op, half, p[0], p[1], spread, p[5]}, kWeight, p[7], nullptr, dspread}},
                 p[3]});
          }));
      cases.back().magnitudes = [=](std::size_t index, const Values& v, const Values&) {
        const auto distance = [&](std::size_t i) { return abs(v[0][i] - v[1][i]); };
        const auto term = [&](std::size_t i) {
          const double d = distance(i), s = v[2][i];
          return op == LossOp::l1            ? d
                 : op == LossOp::laplace_nll ? abs(std::log(2 * s)) + d / s
                                             : abs(std::log(s)) / 2 + d * d / (2 * s);
        };
        const double first = sum(n, distance) / static_cast<double>(n);
        const double second = sum(m, term) / static_cast<double>(m);
        if (index < 6) {
          return std::vector<double>{index == 3   ? first + kWeight * second
                                     : index == 4 ? first
                                                  : second};
        }
        return each(index == 6 ? n : m, [&](std::size_t i) {
          const double d = distance(i), s = v[2][index == 6 ? 0 : i];
          const double dy =
              index == 6 ? 1 / static_cast<double>(n) : kWeight / static_cast<double>(m);
          if (index < 8) {
            return index == 6 || op == LossOp::l1 ? dy
                   : op == LossOp::laplace_nll    ? dy / s
                                                  : dy * d / s;
          }
          return op == LossOp::laplace_nll ? dy / s + dy * d / (s * s)
                                           : dy / (2 * s) + dy * d * d / (2 * s * s);
        });
      };
    }
  }
}

void add_adam(Cases& cases) {
  for (const std::int64_t step : {1, 2, 1000}) {
    for (const std::int64_t count : {1, 7, 13, 1021, 24601}) {
      const auto n = static_cast<std::size_t>(count);
      cases.push_back(kernel_case(text("adam step ", step, " of ", count),
                                  {input(n), state(n, -1, 1), state(n, -1, 1), state(n, 0, 1)},
                                  [=](const auto& table, Launcher& launcher, const auto& p, Store) {
                                    table.adam(launcher, {count, step, 0.01, 0.9, 0.999, 1e-8, 0.5,
                                                          p[0], p[1], p[2], p[3]});
                                  }));
      cases.back().magnitudes = [n](std::size_t index, const Values& v, const Values& after) {
        return each(n, [&](std::size_t i) {
          const double before = v[index][i], g = 0.5 * v[0][i];
          return index == 1   ? abs(before) + abs(after[1][i] - before)
                 : index == 2 ? abs(before) + abs(g)
                              : abs(before) + g * g;
        });
      };
    }
  }
}

void add_moving_average(Cases& cases) {
  for (const std::int64_t count : {1, 7, 13, 1021, 24601}) {
    const auto n = static_cast<std::size_t>(count);
    cases.push_back(kernel_case(text("moving_average of ", count), {input(n), state(n, -2, 2)},
                                [=](const auto& table, Launcher& launcher, const auto& p, Store) {
                                  table.moving_average(launcher, {count, 0.99, p[0], p[1]});
                                }));
    cases.back().magnitudes = [n](std::size_t, const Values& v, const Values&) {
      return each(n, [&](std::size_t i) { return abs(v[0][i]) + abs(v[1][i]); });
    };
  }
}

Cases all_cases() {
  Cases cases;
  add_unary(cases);
  add_affine(cases);
  add_binary(cases);
  add_prelu(cases);
  add_sums(cases);
  add_late_sums(cases);
  add_plane_statistics(cases);
  add_resizes(cases);
  add_bicubic(cases);
  add_copy_blocks(cases);
  add_losses(cases);
  add_weighted_losses(cases);
  add_adam(cases);
  add_moving_average(cases);
  return cases;
}

}  // namespace

TEST_CASE("CPU kernels agree with the naive ones, whatever the number of threads", "[threads]") {
  for (const KernelCase& c : all_cases()) {
    check(c, {2, 3, 8});
  }
}

TEST_CASE("CPU kernels agree with the naive ones on every instruction set") {
  const Cases cases = all_cases();
  for_each_instruction_set([&] {
    for (const KernelCase& c : cases) {
      if (c.arrays[0].count <= 400) {
        check(c, {});
      }
    }
  });
}

TEST_CASE("Eigen kernels agree with the naive ones, whatever the number of threads",
          "[eigen][threads]") {
  for (const KernelCase& c : all_cases()) {
    check_eigen(c, {2, 3, 8});
  }
}

TEST_CASE("Eigen kernels agree with the naive ones on every instruction set", "[eigen]") {
  const Cases cases = all_cases();
  for_each_instruction_set([&] {
    for (const KernelCase& c : cases) {
      if (c.arrays[0].count <= 400) {
        check_eigen(c, {});
      }
    }
  });
}

TEST_CASE("the kernels of a device agree with the naive ones, twice", "[device]") {
  for_each_device([](Device& device, CaseSize size) {
    for (const KernelCase& c : all_cases()) {
      if (!c.host_only && (size == CaseSize::all || c.arrays[0].count <= 100)) {
        check_on_device(c, device);
      }
    }
  });
}

TEST_CASE("the sum of squares of a device", "[device]") {
  for_each_device([](Device& device, CaseSize) {
    for (const std::int64_t count : kCounts) {
      CAPTURE(count);
      std::vector<float> values(static_cast<std::size_t>(count));
      double right = 0;
      for (std::size_t i = 0; i < values.size(); ++i) {
        values[i] = 0.25F * static_cast<float>(i % 31) - 3;
        right += static_cast<double>(values[i]) * values[i];
      }
      GuardedArray<float> x(values, &device);
      auto* const y = static_cast<double*>(device.allocate(sizeof(double)));
      device.set_bytes(y, 0xFF, sizeof(double));
      DeviceLauncher launcher(device);
      device.floats().sum_squares(launcher, {count, x.data(), y});
      double result = 0;
      device.download(&result, y, sizeof(double));
      device.release(y);
      CHECK(abs(result - right) <= 1e-13 * right);
      CHECK(launcher.guards_intact());
      CHECK(x.guards_intact());
    }
  });
}

TEST_CASE("emulated CUDA kernels agree with the naive ones, in any order") {
  for (const KernelCase& c : all_cases()) {
    // More than a part of a sum, but elementwise functions need no more than a few blocks.
    const bool elementwise = c.name.rfind("unary", 0) == 0 || c.name.rfind("adam", 0) == 0 ||
                             c.name.rfind("moving_average", 0) == 0;
    if (!elementwise || c.arrays[0].count < 10000) {
      check_emulated(c);
    }
  }
}

// So many that every warp of the block that adds them has some.
TEST_CASE("emulated CUDA kernels add the many parts of two losses") {
  constexpr std::int64_t kCount = 1'100'000;
  std::vector<float> target(kCount), location(kCount), zero(kCount);
  for (std::size_t i = 0; i < target.size(); ++i) {
    target[i] = static_cast<float>(i % 29) / 8;
    location[i] = 4 + static_cast<float>(i / 4096 % 7) / 8;
  }
  TestLauncher launcher;
  const auto l1 = [&](const std::vector<float>& from, float* mean) {
    return LossArgs<float>{LossOp::l1, kCount, target.data(), from.data(), nullptr, mean};
  };
  float wanted_first = 0, wanted_second = 0;
  cpu_kernels<float>().loss(launcher, l1(location, &wanted_first));
  cpu_kernels<float>().loss(launcher, l1(zero, &wanted_second));
  for_each_emulated_order([&] {
    float first = -1, second = -1, total = -1;
    emulated_cuda::kernel_table<float>().weighted_loss(
        launcher, {2,
                   {{l1(location, &first), 1, nullptr, nullptr, nullptr},
                    {l1(zero, &second), 2, nullptr, nullptr, nullptr}},
                   &total});
    CHECK(first == Approx(wanted_first).epsilon(1e-6));
    CHECK(second == Approx(wanted_second).epsilon(1e-6));
    CHECK(total == Approx(wanted_first + 2 * wanted_second).epsilon(1e-6));
  });
}

// What ThreadSanitizer watches, in little time.
TEST_CASE("emulated CUDA kernels have no races", "[threads]") {
  for (const KernelCase& c : all_cases()) {
    if (!c.host_only && c.arrays[0].count <= 16) {
      check_emulated(c);
    }
  }
}

}  // namespace pisr::kernels
