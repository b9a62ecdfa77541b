#include <cmath>
#include <cstdint>
#include <string>
#include <tuple>
#include <type_traits>
#include <vector>

#include "tests/catch.h"
#include "tests/kernels/parity_cases.h"

namespace pisr::kernels {
namespace {

using std::abs;

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

void add_deferred_sums(Cases& cases) {
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

}  // namespace

void add_reduction_cases(Cases& cases) {
  add_sums(cases);
  add_deferred_sums(cases);
  add_plane_statistics(cases);
}

}  // namespace pisr::kernels
