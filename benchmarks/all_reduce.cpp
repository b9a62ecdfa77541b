// all_reduce: how long several ranks take to add up a buffer, as they do once an update. Under
// mpirun; one JSON object a line, from rank 0.

#include <algorithm>
#include <chrono>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "benchmarks/statistics.h"
#include "core/error.h"
#include "core/job/open_communicator.h"
#include "tools/program.h"

namespace {

using namespace pisr;

using Clock = std::chrono::steady_clock;

/// In a row without a barrier: a single sum may find the numbers of the others there already.
constexpr int kInARow = 8;

/// Microseconds of a sum, each a mean of some in a row, after a few that are not counted.
std::vector<double> times_of(Communicator& ranks, std::int64_t floats, int rounds) {
  std::vector<float> values(static_cast<std::size_t>(floats));
  std::vector<double> times;
  for (int round = -rounds / 5 - 1; round < rounds; ++round) {
    std::ranges::fill(values, 1.0F);
    ranks.barrier();
    const Clock::time_point start = Clock::now();
    for (int i = 0; i < kInARow; ++i) {
      ranks.all_reduce_sum(std::span<float>(values));
    }
    const double time = std::chrono::duration<double, std::micro>(Clock::now() - start).count();
    if (round >= 0) {
      times.push_back(time / kInARow);
    }
  }
  return times;
}

int measure(Communicator* ranks, const std::vector<std::int64_t>& sizes, int rounds) {
  if (ranks == nullptr) {
    throw Error(ErrorKind::usage, "needs several ranks, this process is alone",
                "mpirun -n 2 all_reduce");
  }
  for (const std::int64_t floats : sizes) {
    const std::vector<double> times = times_of(*ranks, floats, rounds);
    std::cout << "{\"ranks\": " << ranks->size() << ", \"floats\": " << floats
              << ", \"median_us\": " << bench::quartiles(times).median << "}\n";
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  // The gradients of student and teacher at x2, and what shows latency and bandwidth alone.
  std::vector<std::int64_t> floats = {1, 12'644, 100'000, 4'000'000};
  int rounds = 50;
  CLI::App app("Measures the sum of a buffer over ranks", "all_reduce");
  app.add_option("--floats", floats, "Sizes of the buffer")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 30))
      ->capture_default_str();
  app.add_option("--rounds", rounds, "Times that each size is measured")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  std::unique_ptr<Communicator> ranks;
  try {
    ranks = open_communicator();
  } catch (...) {
    return report_failure("all_reduce", std::current_exception());
  }
  return run_program(app, argc, argv, ranks.get(),
                     [&] { return measure(ranks.get(), floats, rounds); });
}
