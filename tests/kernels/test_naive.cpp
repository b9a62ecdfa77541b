// What makes the naive kernels the truth: values computed by hand, and every backward kernel
// against differences of its forward kernel.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <random>
#include <vector>

#include "kernels/table.h"
#include "tests/catch.h"
#include "tests/kernels/test_launcher.h"

namespace pisr::kernels {
namespace {

using Doubles = std::vector<double>;

const KernelTable<double>& table() {
  return naive_kernels<double>();
}

/// The outputs of a kernel that fills `count` values.
Doubles filled(std::size_t count, const std::function<void(Launcher&, double*)>& run) {
  TestLauncher launcher;
  Doubles result(count, std::numeric_limits<double>::quiet_NaN());
  run(launcher, result.data());
  return result;
}

void check_close(const Doubles& got, const Doubles& wanted) {
  REQUIRE(got.size() == wanted.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    INFO("element " << i << ": " << got[i] << ", wanted " << wanted[i]);
    CHECK(std::abs(got[i] - wanted[i]) <= 1e-14 * std::max(1.0, std::abs(wanted[i])));
  }
}

Doubles unary_values(UnaryOp op, double parameter, const Doubles& x) {
  return filled(x.size(), [&](Launcher& launcher, double* y) {
    table().unary(launcher, {op, static_cast<std::int64_t>(x.size()), parameter, x.data(), y});
  });
}

ConvSizes conv_sizes(int in_channels, int in_size, int out_channels, int out_size, int kernel) {
  ConvSizes s;
  s.in_channels = in_channels;
  s.in_height = s.in_width = in_size;
  s.out_channels = out_channels;
  s.out_height = s.out_width = out_size;
  s.kernel_height = s.kernel_width = kernel;
  return s;
}

}  // namespace

TEST_CASE("naive unary functions have the values of the textbook") {
  const double log2 = std::log(2.0);
  check_close(unary_values(UnaryOp::relu, 0, {-2, 0, 3}), {0, 0, 3});
  check_close(unary_values(UnaryOp::leaky_relu, 0.25, {-2, 0, 3}), {-0.5, 0, 3});
  check_close(unary_values(UnaryOp::sigmoid, 0, {0, std::log(3.0), -std::log(3.0), 800, -800}),
              {0.5, 0.75, 0.25, 1, 0});
  check_close(unary_values(UnaryOp::softplus, 1, {0, std::log(3.0), 800, -800}),
              {log2, 2 * log2, 800, 0});
  const Doubles zero = {0};
  check_close(filled(1,
                     [&](Launcher& launcher, double* y) {
                       table().unary(launcher, {UnaryOp::softplus, 1, -3, zero.data(), y, 0.5});
                     }),
              {0.5 - 3 * log2});
  check_close(unary_values(UnaryOp::exp, 0, {0, log2, -log2}), {1, 2, 0.5});
  check_close(unary_values(UnaryOp::log, 0, {1, 2, 0.5}), {0, log2, -log2});
  check_close(unary_values(UnaryOp::abs, 0, {-2, 0, 3}), {2, 0, 3});
  check_close(unary_values(UnaryOp::reciprocal, 3, {-2, 4}), {-1.5, 0.75});
  const double tiny = unary_values(UnaryOp::softplus, 1, {-40})[0];
  CHECK(std::abs(tiny - std::exp(-40.0)) <= 1e-15 * std::exp(-40.0));
}

TEST_CASE("naive clamp keeps what is within its bounds, and NaN") {
  const Doubles x = {-3, -1, 0.5, 2, 2.5, std::nan("")}, dy(6, 5);
  const Doubles y = filled(6, [&](Launcher& launcher, double* result) {
    table().unary(launcher, {UnaryOp::clamp, 6, -1, x.data(), result, 0, 2});
  });
  check_close({y.begin(), y.end() - 1}, {-1, -1, 0.5, 2, 2});
  CHECK(std::isnan(y[5]));
  // The derivative is PyTorch's: 1 at both bounds, 0 for NaN.
  check_close(filled(6,
                     [&](Launcher& launcher, double* dx) {
                       table().unary_backward(launcher, {UnaryOp::clamp, 6, -1, x.data(), nullptr,
                                                         dy.data(), dx, Store::write, 2});
                     }),
              {0, 5, 5, 5, 0, 0});
}

TEST_CASE("naive bicubic interpolation by 2 has the weights of the textbook") {
  // Keys' kernel at the distances 0.25, 0.75, 1.25 and 1.75.
  const double near = 111 / 128., next = 29 / 128., far = -9 / 128., last = -3 / 128.;
  const Doubles x = {0, 0, 0, 1, 0, 0, 0};
  const Doubles y = filled(14, [&](Launcher& launcher, double* result) {
    // The image is one column, so both columns of the result are the same.
    Doubles both(28);
    table().upscale_bicubic(launcher, {1, 7, 1, 2, 1, x.data(), both.data(), Store::write});
    for (std::size_t i = 0; i < 14; ++i) {
      CHECK(both[2 * i] == Approx(both[2 * i + 1]).margin(1e-15));
      result[i] = both[2 * i];
    }
  });
  check_close(y, {0, 0, 0, last, far, next, near, near, next, far, last, 0, 0, 0});
  // The border: the sample beyond it is the edge sample again.
  const Doubles edge = {1, 0, 0, 0, 0, 0, 0};
  const Doubles of_edge = filled(28, [&](Launcher& launcher, double* result) {
    table().upscale_bicubic(launcher, {1, 7, 1, 2, 1, edge.data(), result, Store::write});
  });
  check_close({of_edge[0], of_edge[2], of_edge[4]}, {near + next, near + far, next + last});
}

TEST_CASE("naive unary derivatives at their kinks are PyTorch's") {
  const Doubles x = {0}, dy = {5};
  const auto at_zero = [&](UnaryOp op) {
    return filled(1, [&](Launcher& launcher, double* dx) {
      table().unary_backward(launcher,
                             {op, 1, 0.25, x.data(), x.data(), dy.data(), dx, Store::write});
    });
  };
  check_close(at_zero(UnaryOp::relu), {0});
  check_close(at_zero(UnaryOp::leaky_relu), {1.25});
  check_close(at_zero(UnaryOp::abs), {0});
}

TEST_CASE("naive affine, sum and spread") {
  const Doubles x = {1, -2, 4};
  check_close(filled(3,
                     [&](Launcher& q, double* y) {
                       table().affine(q, {3, 2, 0.5, x.data(), y, Store::write});
                     }),
              {2.5, -3.5, 8.5});
  check_close(filled(1,
                     [&](Launcher& q, double* y) {
                       table().sum(q, {3, 0.5, x.data(), y});
                     }),
              {1.5});
  check_close(filled(2,
                     [&](Launcher& q, double* y) {
                       table().broadcast_scalar(q, {2, 3, &x[1], y, Store::write});
                     }),
              {-6, -6});
  check_close(filled(1,
                     [&](Launcher& q, double* y) {
                       table().sum_squares(q, {3, x.data(), y});
                     }),
              {21});
}

TEST_CASE("naive binary operations meet the second operand where it is broadcast") {
  // [batch 2, channels 2, inner 2]
  const Doubles a = {1, 2, 3, 4, 5, 6, 7, 8}, b = {10, 20, 30, 40, 50, 60, 70, 80};
  const auto values = [&](BinaryOp op, Broadcast broadcast) {
    return filled(8, [&](Launcher& launcher, double* y) {
      table().binary(launcher, {op, broadcast, 2, 2, 2, a.data(), b.data(), y});
    });
  };
  check_close(values(BinaryOp::add, Broadcast::same), {11, 22, 33, 44, 55, 66, 77, 88});
  check_close(values(BinaryOp::add, Broadcast::channel), {11, 12, 23, 24, 15, 16, 27, 28});
  check_close(values(BinaryOp::subtract, Broadcast::plane), {-9, -8, -17, -16, -25, -24, -33, -32});
  check_close(values(BinaryOp::multiply, Broadcast::scalar), {10, 20, 30, 40, 50, 60, 70, 80});
  check_close(values(BinaryOp::divide, Broadcast::channel), {.1, .2, .15, .2, .5, .6, .35, .4});
}

TEST_CASE("naive prelu has one slope for all or one per channel") {
  const Doubles x = {-1, 2, -3, -4}, slopes = {0.5, 0.25};
  const auto values = [&](std::int64_t count) {
    return filled(4, [&](Launcher& launcher, double* y) {
      table().prelu(launcher, {1, 2, 2, count, x.data(), slopes.data(), y});
    });
  };
  check_close(values(1), {-0.5, 2, -1.5, -2});
  check_close(values(2), {-0.5, 2, -0.75, -1});
}

TEST_CASE("naive plane statistics") {
  const Doubles x = {1, 3, 5, 7, 0.1, 0.1, 0.1, 0.1};
  const auto values = [&](PlaneStatistic statistic) {
    return filled(2, [&](Launcher& launcher, double* y) {
      table().plane_statistic(launcher, {statistic, 2, 4, x.data(), y});
    });
  };
  check_close(values(PlaneStatistic::mean), {4, 0.1});
  check_close(values(PlaneStatistic::standard_deviation), {std::sqrt(5.0), 0});
  CHECK(values(PlaneStatistic::standard_deviation)[1] == 0);
  const Doubles y = values(PlaneStatistic::standard_deviation), dy = {1, 1};
  const Doubles dx = filled(8, [&](Launcher& launcher, double* result) {
    table().plane_statistic_backward(launcher, {PlaneStatistic::standard_deviation, 2, 4, x.data(),
                                                y.data(), dy.data(), result, Store::write});
  });
  check_close({dx.begin() + 4, dx.end()}, {0, 0, 0, 0});
}

TEST_CASE("naive layout kernels move elements where they belong") {
  // 4 channels of 1 x 2 to 1 channel of 2 x 4.
  const Doubles x = {0, 1, 10, 11, 20, 21, 30, 31};
  check_close(filled(8,
                     [&](Launcher& launcher, double* y) {
                       table().pixel_shuffle(launcher, {1, 1, 1, 2, 2, x.data(), y});
                     }),
              {0, 10, 1, 11, 20, 30, 21, 31});
  // Two 2 x 2 blocks of a 2 x 4 image.
  check_close(filled(2,
                     [&](Launcher& launcher, double* y) {
                       table().block_mean(launcher, {1, 1, 2, 2, x.data(), y});
                     }),
              {(0 + 1 + 20 + 21) / 4.0, (10 + 11 + 30 + 31) / 4.0});
  Doubles target = {9, 9, 9, 9, 9, 9};
  TestLauncher launcher;
  table().copy_blocks(launcher, {2, 2, 4, 3, x.data() + 1, target.data(), Store::write});
  check_close(target, {1, 10, 9, 21, 30, 9});
  table().copy_blocks(launcher, {2, 2, 4, 3, x.data() + 1, target.data(), Store::add});
  check_close(target, {2, 20, 9, 42, 60, 9});
}

TEST_CASE("naive losses") {
  const Doubles target = {1, 2}, location = {1.5, -1}, spread = {0.5, 2};
  const auto value = [&](LossOp op) {
    return filled(1, [&](Launcher& launcher, double* y) {
      table().loss(launcher, {op, 2, target.data(), location.data(),
                              op == LossOp::l1 ? nullptr : spread.data(), y});
    });
  };
  check_close(value(LossOp::l1), {1.75});
  check_close(value(LossOp::laplace_nll), {(std::log(1.0) + 1 + std::log(4.0) + 1.5) / 2});
  check_close(value(LossOp::gaussian_nll),
              {(std::log(0.5) / 2 + 0.25 + std::log(2.0) / 2 + 9.0 / 4) / 2});
}

TEST_CASE("naive weighted losses") {
  const Doubles target = {1, 2}, location = {1.5, -1}, spread = {0.5, 2};
  Doubles l1 = {0}, laplace = {0}, total = {0};
  Doubles by_target(2), by_location(2), by_spread(2);
  WeightedLossArgs<double> args{
      2,
      {{{LossOp::l1, 2, target.data(), location.data(), nullptr, l1.data()},
        3,
        nullptr,
        by_location.data(),
        nullptr},
       {{LossOp::laplace_nll, 2, target.data(), location.data(), spread.data(), laplace.data()},
        0.5,
        by_target.data(),
        nullptr,
        by_spread.data()}},
      total.data()};
  TestLauncher launcher;
  table().weighted_loss(launcher, args);
  check_close(l1, {1.75});
  check_close(laplace, {(std::log(1.0) + 1 + std::log(4.0) + 1.5) / 2});
  check_close(total, {3 * l1[0] + 0.5 * laplace[0]});
  check_close(by_location, {1.5, -1.5});
  check_close(by_target, {-0.5, 0.125});
  check_close(by_spread, {0.25 * (2 - 2), 0.25 * (0.5 - 0.75)});
  // A term of weight 0 adds nothing, though it is infinite, and one need not be there.
  args.terms[1].weight = 0;
  args.terms[1].dtarget = args.terms[1].dspread = nullptr;
  const Doubles zero = {0, 0};
  args.terms[1].loss.spread = zero.data();
  table().weighted_loss(launcher, args);
  CHECK(!std::isfinite(laplace[0]));
  check_close(total, {3 * 1.75});
  args.count = 1;
  args.terms[0].weight = 1;
  table().weighted_loss(launcher, args);
  check_close(total, {1.75});
}

TEST_CASE("naive Adam takes the first step of the paper") {
  Doubles parameter = {1}, m = {0}, v = {0};
  const Doubles gradient = {-4};
  TestLauncher launcher;
  const AdamArgs<double> args = {
      1, 1, 0.1, 0.9, 0.999, 1e-8, 0.5, gradient.data(), parameter.data(), m.data(), v.data()};
  table().adam(launcher, args);
  check_close(m, {-0.2});
  check_close(v, {0.004});
  // After correction m is -2 and sqrt(v) 2: a step of the whole rate.
  check_close(parameter, {1 + 0.1 * 2 / (2 + 1e-8)});
}

TEST_CASE("naive conv2d: values by hand") {
  TestLauncher launcher;
  const Doubles x = {1, 2, 3, 4, 5, 6, 7, 8, 9};
  const Doubles weight = {1, 10, 100, 1000}, bias = {0.5};
  Doubles y(4);
  table().conv2d(launcher,
                 {conv_sizes(1, 3, 1, 2, 2), x.data(), weight.data(), bias.data(), y.data()});
  check_close(y, {5421.5, 6532.5, 8754.5, 9865.5});

  ConvSizes s = conv_sizes(1, 3, 1, 2, 2);
  s.stride = 3;
  s.padding = 1;
  table().conv2d(launcher, {s, x.data(), weight.data(), nullptr, y.data()});
  check_close(y, {1000, 300, 70, 9});
  s.padding_mode = PaddingMode::replicate;
  table().conv2d(launcher, {s, x.data(), weight.data(), nullptr, y.data()});
  check_close(y, {1111, 3333, 7777, 9999});
}

TEST_CASE("naive conv2d: channels and groups") {
  TestLauncher launcher;
  const Doubles x = {1, 2, 3, 4};
  Doubles y(2);
  const Doubles dense = {1, 10, 100, 1000, 2, 20, 200, 2000};
  table().conv2d(launcher, {conv_sizes(4, 1, 2, 1, 1), x.data(), dense.data(), nullptr, y.data()});
  check_close(y, {4321, 8642});
  ConvSizes grouped = conv_sizes(4, 1, 2, 1, 1);
  grouped.groups = 2;
  const Doubles weight = {1, 10, 100, 1000};
  table().conv2d(launcher, {grouped, x.data(), weight.data(), nullptr, y.data()});
  check_close(y, {21, 4300});
}

TEST_CASE("naive conv_transpose2d: values by hand") {
  TestLauncher launcher;
  const Doubles x = {1, 2, 3, 4}, bias = {0.5};
  const Doubles weight = {1, 10, 100, 1000};
  // Stride 2, kernel 2: each element becomes a block. Output padding 1 adds an empty border.
  ConvSizes s = conv_sizes(1, 2, 1, 5, 2);
  s.stride = 2;
  Doubles y(25);
  table().conv_transpose2d(launcher, {s, x.data(), weight.data(), bias.data(), y.data()});
  check_close(y, {1.5,   10.5,   2.5,   20.5,   0.5,  //
                  100.5, 1000.5, 200.5, 2000.5, 0.5,  //
                  3.5,   30.5,   4.5,   40.5,   0.5,  //
                  300.5, 3000.5, 400.5, 4000.5, 0.5,  //
                  0.5,   0.5,    0.5,   0.5,    0.5});
  // Stride 1, padding 1: only the middle of the 3 x 3 result is left.
  s = conv_sizes(1, 2, 1, 1, 2);
  s.padding = 1;
  Doubles middle(1);
  table().conv_transpose2d(launcher, {s, x.data(), weight.data(), nullptr, middle.data()});
  check_close(middle, {1000 + 200 + 30 + 4});
  // weight [in_channels 2, out_channels / groups 2]
  s = conv_sizes(2, 1, 2, 1, 1);
  Doubles channels(2);
  table().conv_transpose2d(launcher, {s, x.data(), weight.data(), nullptr, channels.data()});
  check_close(channels, {1 + 200, 10 + 2000});
}

namespace {

/// A forward kernel as a function of some of its inputs, and the gradients of dy y by each.
struct Differentiable {
  std::vector<Doubles> inputs;
  std::function<Doubles(const std::vector<Doubles>& inputs)> forward;
  std::function<std::vector<Doubles>(const std::vector<Doubles>& inputs, const Doubles& y,
                                     const Doubles& dy)>
      backward;
};

Doubles random_values(std::size_t count, unsigned seed, double low = -2, double high = 2) {
  std::mt19937 generator(seed);
  Doubles values(count);
  for (double& value : values) {
    do {
      value = std::uniform_real_distribution<double>(low, high)(generator);
    } while (std::abs(value) < 0.01);  // away from kinks
  }
  return values;
}

void check_gradients(const Differentiable& f) {
  const Doubles y = f.forward(f.inputs);
  const Doubles dy = random_values(y.size(), 77);
  const std::vector<Doubles> gradients = f.backward(f.inputs, y, dy);
  REQUIRE(gradients.size() == f.inputs.size());
  const auto objective = [&](const std::vector<Doubles>& inputs) {
    const Doubles values = f.forward(inputs);
    double total = 0;
    for (std::size_t i = 0; i < dy.size(); ++i) {
      total += dy[i] * values[i];
    }
    return total;
  };
  for (std::size_t k = 0; k < f.inputs.size(); ++k) {
    REQUIRE(gradients[k].size() == f.inputs[k].size());
    for (std::size_t i = 0; i < f.inputs[k].size(); ++i) {
      const double h = 1e-6 * std::max(1.0, std::abs(f.inputs[k][i]));
      std::vector<Doubles> above = f.inputs, below = f.inputs;
      above[k][i] += h;
      below[k][i] -= h;
      const double difference = (objective(above) - objective(below)) / (2 * h);
      const double gradient = gradients[k][i];
      INFO("input " << k << ", element " << i << ": " << gradient << ", differences give "
                    << difference);
      CHECK(std::abs(gradient - difference) <= 1e-6 * std::max(1e-2, std::abs(gradient)));
    }
  }
}

Doubles not_written(std::size_t count) {
  return Doubles(count, std::numeric_limits<double>::quiet_NaN());
}

}  // namespace

TEST_CASE("naive gradients of unary functions") {
  for (const UnaryOp op : {UnaryOp::relu, UnaryOp::leaky_relu, UnaryOp::sigmoid, UnaryOp::softplus,
                           UnaryOp::exp, UnaryOp::log, UnaryOp::abs, UnaryOp::reciprocal}) {
    INFO("op " << static_cast<int>(op));
    const double low = op == UnaryOp::log || op == UnaryOp::reciprocal ? 0.3 : -3;
    check_gradients({{random_values(13, 1, low, 3)},
                     [op](const auto& x) { return unary_values(op, 0.3, x[0]); },
                     [op](const auto& x, const Doubles& y, const Doubles& dy) {
                       return std::vector<Doubles>{filled(13, [&](Launcher& q, double* dx) {
                         table().unary_backward(
                             q, {op, 13, 0.3, x[0].data(), y.data(), dy.data(), dx, Store::write});
                       })};
                     }});
  }
}

TEST_CASE("naive gradients of bicubic interpolation") {
  struct Size {
    std::int64_t height, width;
    int scale;
  };
  for (const auto [height, width, scale] : {Size{1, 1, 2}, Size{2, 3, 3}, Size{3, 2, 4}}) {
    const BicubicArgs<double> args{2, height, width, scale, 0.5, nullptr, nullptr, Store::write};
    const auto small = static_cast<std::size_t>(2 * height * width);
    const std::size_t large = small * static_cast<std::size_t>(scale * scale);
    const auto run = [=](auto kernel, const Doubles& x, std::size_t count) {
      return filled(count, [&](Launcher& launcher, double* y) {
        BicubicArgs<double> own = args;
        own.x = x.data();
        own.y = y;
        (table().*kernel)(launcher, own);
      });
    };
    const auto up = &KernelTable<double>::upscale_bicubic;
    const auto down = &KernelTable<double>::downscale_bicubic;
    check_gradients({{random_values(small, 1)},
                     [=](const auto& x) { return run(up, x[0], large); },
                     [=](const auto&, const Doubles&, const Doubles& dy) {
                       return std::vector<Doubles>{run(down, dy, small)};
                     }});
  }
}

TEST_CASE("naive gradients of binary operations") {
  struct Choice {
    Broadcast broadcast;
    std::size_t count;
  };
  for (const BinaryOp op :
       {BinaryOp::add, BinaryOp::subtract, BinaryOp::multiply, BinaryOp::divide}) {
    for (const auto [broadcast, count] :
         {Choice{Broadcast::same, 30}, Choice{Broadcast::channel, 3}, Choice{Broadcast::plane, 6},
          Choice{Broadcast::scalar, 1}}) {
      INFO("op " << static_cast<int>(op) << ", broadcast " << static_cast<int>(broadcast));
      check_gradients(
          {{random_values(30, 1), random_values(count, 2, 0.5, 2)},
           [op, broadcast = broadcast](const auto& x) {
             return filled(30, [&](Launcher& q, double* y) {
               table().binary(q, {op, broadcast, 2, 3, 5, x[0].data(), x[1].data(), y});
             });
           },
           [op, broadcast = broadcast](const auto& x, const Doubles&, const Doubles& dy) {
             Doubles da = not_written(x[0].size()), db = not_written(x[1].size());
             TestLauncher launcher;
             table().binary_backward(
                 launcher, {op, broadcast, 2, 3, 5, x[0].data(), x[1].data(), dy.data(), da.data(),
                            db.data(), Store::write, Store::write});
             return std::vector<Doubles>{da, db};
           }});
    }
  }
}

TEST_CASE("naive gradients of prelu") {
  for (const std::size_t slopes : {1, 3}) {
    const auto count = static_cast<std::int64_t>(slopes);
    check_gradients({{random_values(30, 1), random_values(slopes, 2)},
                     [count](const auto& x) {
                       return filled(30, [&](Launcher& q, double* y) {
                         table().prelu(q, {2, 3, 5, count, x[0].data(), x[1].data(), y});
                       });
                     },
                     [count](const auto& x, const Doubles&, const Doubles& dy) {
                       Doubles dx = not_written(30), dslope = not_written(x[1].size());
                       TestLauncher launcher;
                       table().prelu_backward(
                           launcher, {2, 3, 5, count, x[0].data(), x[1].data(), dy.data(),
                                      dx.data(), dslope.data(), Store::write, Store::write});
                       return std::vector<Doubles>{dx, dslope};
                     }});
  }
}

TEST_CASE("naive gradients of sum and plane statistics") {
  check_gradients({{random_values(7, 1)},
                   [](const auto& x) {
                     return filled(1, [&](Launcher& q, double* y) {
                       table().sum(q, {7, 0.25, x[0].data(), y});
                     });
                   },
                   [](const auto&, const Doubles&, const Doubles& dy) {
                     return std::vector<Doubles>{filled(7, [&](Launcher& q, double* dx) {
                       table().broadcast_scalar(q, {7, 0.25, dy.data(), dx, Store::write});
                     })};
                   }});
  for (const PlaneStatistic statistic :
       {PlaneStatistic::mean, PlaneStatistic::standard_deviation}) {
    check_gradients({{random_values(21, 1)},
                     [statistic](const auto& x) {
                       return filled(3, [&](Launcher& q, double* y) {
                         table().plane_statistic(q, {statistic, 3, 7, x[0].data(), y});
                       });
                     },
                     [statistic](const auto& x, const Doubles& y, const Doubles& dy) {
                       return std::vector<Doubles>{filled(21, [&](Launcher& q, double* dx) {
                         table().plane_statistic_backward(
                             q,
                             {statistic, 3, 7, x[0].data(), y.data(), dy.data(), dx, Store::write});
                       })};
                     }});
  }
}

TEST_CASE("naive gradients of pixel_shuffle and block_mean") {
  check_gradients(
      {{random_values(108, 1)},
       [](const auto& x) {
         return filled(x[0].size(), [&](Launcher& q, double* y) {
           table().pixel_shuffle(q, {1, 2, 2, 3, 3, x[0].data(), y});
         });
       },
       [](const auto& x, const Doubles&, const Doubles& dy) {
         return std::vector<Doubles>{filled(x[0].size(), [&](Launcher& q, double* dx) {
           table().pixel_shuffle_backward(q, {1, 2, 2, 3, 3, dy.data(), dx, Store::write});
         })};
       }});
  check_gradients({{random_values(108, 1)},
                   [](const auto& x) {
                     return filled(12, [&](Launcher& q, double* y) {
                       table().block_mean(q, {2, 2, 3, 3, x[0].data(), y});
                     });
                   },
                   [](const auto& x, const Doubles&, const Doubles& dy) {
                     return std::vector<Doubles>{filled(x[0].size(), [&](Launcher& q, double* dx) {
                       table().block_mean_backward(q, {2, 2, 3, 3, dy.data(), dx, Store::write});
                     })};
                   }});
}

TEST_CASE("naive gradients of losses") {
  for (const LossOp op : {LossOp::l1, LossOp::laplace_nll, LossOp::gaussian_nll}) {
    check_gradients({{random_values(13, 1), random_values(13, 2), random_values(13, 3, 0.2, 2)},
                     [op](const auto& x) {
                       return filled(1, [&](Launcher& q, double* y) {
                         table().loss(q, {op, 13, x[0].data(), x[1].data(), x[2].data(), y});
                       });
                     },
                     [op](const auto& x, const Doubles&, const Doubles& dy) {
                       std::vector<Doubles> g(3, not_written(13));
                       TestLauncher launcher;
                       table().loss_backward(
                           launcher,
                           {op, 13, x[0].data(), x[1].data(), x[2].data(), dy.data(), g[0].data(),
                            g[1].data(), g[2].data(), Store::write, Store::write, Store::write});
                       return g;
                     }});
  }
}

TEST_CASE("naive gradients of convolutions") {
  struct Choice {
    bool transposed;
    int kernel_height, kernel_width, stride, padding, output_padding, groups;
    PaddingMode mode;
  };
  for (const Choice& c : {Choice{false, 3, 3, 1, 1, 0, 1, PaddingMode::zero},
                          Choice{false, 3, 3, 1, 1, 0, 1, PaddingMode::replicate},
                          Choice{false, 3, 2, 2, 2, 0, 2, PaddingMode::replicate},
                          Choice{false, 2, 3, 3, 1, 0, 2, PaddingMode::zero},
                          Choice{true, 3, 3, 1, 1, 0, 1, PaddingMode::zero},
                          Choice{true, 3, 2, 2, 1, 1, 2, PaddingMode::zero}}) {
    ConvSizes s;
    s.batch = 2;
    s.in_channels = 4;
    s.out_channels = 2;
    s.in_height = 5;
    s.in_width = 4;
    s.kernel_height = c.kernel_height;
    s.kernel_width = c.kernel_width;
    s.stride = c.stride;
    s.padding = c.padding;
    s.groups = c.groups;
    s.padding_mode = c.mode;
    const auto out_size = [&](int in, int kernel) {
      return c.transposed ? (in - 1) * c.stride - 2 * c.padding + kernel + c.output_padding
                          : (in + 2 * c.padding - kernel) / c.stride + 1;
    };
    s.out_height = out_size(s.in_height, s.kernel_height);
    s.out_width = out_size(s.in_width, s.kernel_width);
    const std::size_t in_count = 160;
    const auto size = [](int value) { return static_cast<std::size_t>(value); };
    const std::size_t out_count = 4 * size(s.out_height) * size(s.out_width);
    const std::size_t weight_count =
        size(8 / c.groups) * size(s.kernel_height) * size(s.kernel_width);
    const auto& t = table();
    check_gradients(
        {{random_values(in_count, 1), random_values(weight_count, 2), random_values(2, 3)},
         [&](const auto& x) {
           return filled(out_count, [&](Launcher& q, double* y) {
             (c.transposed ? t.conv_transpose2d : t.conv2d)(
                 q, {s, x[0].data(), x[1].data(), x[2].data(), y});
           });
         },
         [&](const auto& x, const Doubles&, const Doubles& dy) {
           std::vector<Doubles> g = {not_written(in_count), not_written(weight_count),
                                     not_written(2)};
           TestLauncher launcher;
           (c.transposed ? t.conv_transpose2d_backward_data : t.conv2d_backward_data)(
               launcher, {s, dy.data(), x[1].data(), g[0].data(), Store::write});
           (c.transposed ? t.conv_transpose2d_backward_weight : t.conv2d_backward_weight)(
               launcher,
               {s, x[0].data(), dy.data(), g[1].data(), g[2].data(), Store::write, Store::write});
           return g;
         }});
  }
}

}  // namespace pisr::kernels
