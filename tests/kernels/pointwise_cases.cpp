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

}  // namespace

void add_pointwise_cases(Cases& cases) {
  add_unary(cases);
  add_affine(cases);
  add_binary(cases);
  add_prelu(cases);
}

}  // namespace pisr::kernels
