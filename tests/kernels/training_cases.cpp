#include <cmath>
#include <cstdint>
#include <string>
#include <tuple>
#include <type_traits>
#include <vector>

#include "tests/kernels/parity_cases.h"

namespace pisr::kernels {
namespace {

using std::abs;

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

}  // namespace

void add_training_cases(Cases& cases) {
  add_losses(cases);
  add_weighted_losses(cases);
  add_adam(cases);
  add_moving_average(cases);
}

}  // namespace pisr::kernels
