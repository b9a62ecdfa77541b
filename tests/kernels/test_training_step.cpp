// What steps of training on a device know of each other: finish_step, and Adam and the moving
// average where they depend on it. Batches are tested with the sampler (tests/pisr).

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "kernels/cuda/runtime/table.h"
#include "kernels/table.h"
#include "tests/catch.h"
#include "tests/kernels/test_launcher.h"

namespace pisr::kernels {
namespace {

template <class T>
struct BackEnd {
  std::string name;
  const KernelTable<T>* table;
};

template <class T>
std::vector<BackEnd<T>> back_ends() {
  return {{"naive", &naive_kernels<T>()},
          {"cpu", &cpu_kernels<T>()},
          {"emulated", &emulated_cuda::kernel_table<T>()}};
}

/// A run of steps from iteration 10 on, without networks.
template <class T>
struct Run {
  explicit Run(const KernelTable<T>& kernels, int steps) : table(kernels), rows(10), constants(10) {
    control.iteration = control.first_iteration = 10;
    control.end_iteration = 10 + steps;
    for (int i = 0; i < 10; ++i) {
      constants[i] = {1 + 0.5 * i, 0.1 * i + 0.1, 0.01 * i + 0.01};
      rows[i].loss = -1;
    }
  }
  void step(double loss, double squares) {
    const T total = static_cast<T>(loss), reconstruction = T(3), auxiliary = T(4);
    const T gradient = static_cast<T>(std::sqrt(squares));
    TestLauncher launcher;
    table.finish_step(
        launcher, {2, max_norm, &total, &reconstruction, has_auxiliary ? &auxiliary : nullptr, 1,
                   &gradient, constants.data(), rows.data(), &control});
  }

  const KernelTable<T>& table;
  double max_norm = 0;
  bool has_auxiliary = true;
  StepControl control{};
  std::vector<StepRow> rows;
  std::vector<StepConstants> constants;
};

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

template <class T>
void check_applied_steps(const KernelTable<T>& table) {
  Run<T> run(table, 3);
  run.step(2, 16);
  CHECK(run.control.applied == 1);
  CHECK(run.control.iteration == 11);
  CHECK(run.control.updates == 1);
  CHECK(run.control.rate == 1.0);
  CHECK(run.control.correction1 == 0.1);
  CHECK(run.control.correction2 == 0.01);
  CHECK(run.control.gradient_scale == 1.0);
  CHECK(run.rows[0].loss == 2);
  CHECK(run.rows[0].reconstruction == 3);
  CHECK(run.rows[0].auxiliary == 4);
  CHECK(run.rows[0].gradient_norm == 4);
  CHECK(run.rows[0].applied == 1);
  CHECK(run.rows[1].loss == -1);

  run.has_auxiliary = false;
  run.max_norm = 2;
  run.step(5, 16);
  CHECK(run.rows[1].auxiliary == 0);
  CHECK(run.control.rate == 1.5);
  CHECK(run.control.gradient_scale == 2 / (4 + 1e-6));
  run.max_norm = 5;
  run.step(5, 16);
  CHECK(run.control.gradient_scale == 1);

  // The run is over.
  run.step(6, 16);
  CHECK(run.control.applied == 0);
  CHECK(run.control.iteration == 13);
  CHECK(run.control.updates == 3);
  CHECK(run.rows[3].loss == -1);
}

template <class T>
void check_bad_steps(const KernelTable<T>& table) {
  Run<T> run(table, 10);
  run.step(1, 1);
  for (const auto& [loss, squares] : {std::pair(kNan, 1.0), std::pair(1.0, kInfinity),
                                      std::pair(-kInfinity, 1.0), std::pair(1.0, kNan)}) {
    const std::int64_t iteration = run.control.iteration;
    run.step(loss, squares);
    CHECK(run.control.applied == 0);
    CHECK(run.control.iteration == iteration + 1);
    CHECK(run.control.bad_steps == 1);
    CHECK(run.control.updates == iteration - 10 - (iteration - 11) / 2);
    CHECK(run.rows[iteration - 10].applied == 0);
    // A good one: its rate is that of its iteration, its powers of beta those of its update.
    run.step(7, 4);
    CHECK(run.control.applied == 1);
    CHECK(run.control.bad_steps == 0);
    CHECK(run.control.rate == run.constants[iteration - 9].rate);
    CHECK(run.control.correction1 == run.constants[run.control.updates - 1].correction1);
  }
  // The second in a row ends the run.
  Run<T> end(table, 10);
  end.step(kNan, 1);
  end.step(kNan, 1);
  CHECK(end.control.bad_steps == 2);
  end.step(1, 1);
  CHECK(end.control.applied == 0);
  CHECK(end.control.iteration == 12);
  CHECK(end.control.bad_steps == 2);
  CHECK(end.rows[2].loss == -1);
}

/// Parameters, moments and average of a step with or without control.
template <class T>
std::vector<std::vector<T>> updated(const KernelTable<T>& table, const StepControl* control) {
  const std::vector<T> gradient = {T(0.5), T(-2), T(1e-4)};
  std::vector<T> parameter = {1, 2, 3}, m = {T(0.1), T(-0.2), 0}, v = {T(0.4), T(0.3), T(0.1)};
  std::vector<T> average = {T(0.5), T(0.25), T(4)};
  AdamArgs<T> adam{
      3,        7,        0.01,   0.9, 0.999, 1e-8, 0.25, gradient.data(), parameter.data(),
      m.data(), v.data(), control};
  if (control != nullptr) {
    adam.step = 0;
    adam.rate = adam.gradient_scale = kNan;
  }
  TestLauncher launcher;
  table.adam(launcher, adam);
  table.moving_average(launcher, {3, 0.75, parameter.data(), average.data(), control});
  return {parameter, m, v, average};
}

template <class T>
void check_updates(const KernelTable<T>& table) {
  StepControl control{};
  control.rate = 0.01;
  control.gradient_scale = 0.25;
  control.correction1 = 1 - std::pow(0.9, 7.0);
  control.correction2 = 1 - std::pow(0.999, 7.0);
  control.applied = 1;
  CHECK(updated(table, &control) == updated<T>(table, nullptr));
  control.applied = 0;
  const auto kept = updated(table, &control);
  CHECK(kept[0] == std::vector<T>{1, 2, 3});
  CHECK(kept[1] == std::vector<T>{T(0.1), T(-0.2), 0});
  CHECK(kept[2] == std::vector<T>{T(0.4), T(0.3), T(0.1)});
  CHECK(kept[3] == std::vector<T>{T(0.5), T(0.25), T(4)});
}

template <class T>
void check_all() {
  for (const BackEnd<T>& back_end : back_ends<T>()) {
    INFO(back_end.name);
    check_applied_steps(*back_end.table);
    check_bad_steps(*back_end.table);
    check_updates(*back_end.table);
  }
}

}  // namespace

TEST_CASE("steps that follow each other without the host are applied as the host would") {
  check_all<float>();
  check_all<double>();
}

}  // namespace pisr::kernels
