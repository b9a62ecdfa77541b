#include <cmath>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <type_traits>
#include <vector>

#include <nlohmann/json.hpp>

#ifdef PISR_BENCH_FOLDER
#include "benchmarks/comparison.h"
#include "benchmarks/device_rows.h"
#include "benchmarks/kernel_case.h"
#include "benchmarks/reporter.h"
#include "benchmarks/workloads.h"
#include "core/error.h"
#include "core/parallel.h"
#include "kernels/emulator/emulated_device.h"
#endif
#include "kernels/instruction_set.h"
#include "pisr/model/architectures.h"
#include "tests/catch.h"
#include "tests/temporary_folder.h"
#include "tests/tools/run_program.h"

#ifdef PISR_BENCH_FOLDER

using namespace pisr;

namespace {

const std::string kProgram = PISR_BENCH_FOLDER "/pisr_bench";

ProgramRun run_bench(const TemporaryFolder& folder, const std::vector<std::string>& arguments,
                     const std::string& environment = "") {
  return run_command(folder.path(), environment, kProgram, arguments);
}

/// The run with every time multiplied, as on a program that became slower.
nlohmann::json scaled(nlohmann::json run, double factor) {
  for (nlohmann::json& row : run["benchmarks"]) {
    for (const char* key : {"lower_ms", "median_ms", "upper_ms"}) {
      row[key] = row[key].get<double>() * factor;
    }
    for (const char* key : {"gflops", "percent_of_peak", "gbs", "percent_of_bandwidth"}) {
      if (row.contains(key)) {
        row[key] = row[key].get<double>() / factor;
      }
    }
  }
  return run;
}

}  // namespace

TEST_CASE("Workloads count the multiply-adds of the networks", "[tools]") {
  CHECK(bench::multiply_adds("W1@1x1") == 12464);
  CHECK(bench::multiply_adds("W1") == 2'871'705'600);
  CHECK(bench::multiply_adds("W2") == 5'307'236'352);
  CHECK(bench::multiply_adds("W3") == 44'570'050'560);
  CHECK(bench::multiply_adds("W4") == 25'319'374'848);
  const NetworkSpec vdsr = default_spec("vdsr");
  CHECK(bench::multiply_adds("W5/vdsr") == make_network(vdsr)->multiply_adds(1280, 720).exact);
  CHECK(bench::multiply_adds("W5/vdsr:layers=3,feature_channels=5,bias=false@7x6") ==
        14 * 12 * 9 * (5 + 25 + 5));
}

TEST_CASE("Names of workloads that say nothing are refused", "[tools]") {
  ThreadPool pool(1);
  for (const auto& [name, text] : std::map<std::string, std::string>{
           {"W6", "workload: must be W1, W2, W3, W4 or W5/NETWORK, got 'W6'"},
           {"W5/vdsr@320",
            "workload: the size must be written as in W1@640x360, got 'W5/vdsr@320'"},
           {"W5/vdsr@0x3", "workload: expected a number in 1..32768, got '0' in 'W5/vdsr@0x3'"},
           {"W5/vdsr:layers=many",
            "workload: expected a number in 0..1048576, got 'many' in 'W5/vdsr:layers=many'"},
           {"W5/vdsr:depth=3",
            "vdsr: unknown option 'depth', the options are: feature_channels, "
            "layers, bias"}}) {
    CHECK_THROWS_WITH(bench::make_workload(name, pool), text);
  }
}

TEST_CASE("Every kernel has a case", "[tools]") {
  std::set<std::string> names;
  for (const bench::KernelCase& c : bench::kernel_cases(bench::CaseSize::full)) {
    names.insert(c.kernel);
  }
  std::set<std::string> wanted;
#define PISR_KERNEL(name, Args) wanted.insert(#name);
#include "kernels/ops.def"
#undef PISR_KERNEL
  wanted.erase("finish_step");  // a few numbers: nothing to time
  CHECK(names == wanted);
}

TEST_CASE("A kernel that is wrong is found before it is timed", "[tools]") {
  // It writes what the naive table would, but one rounding too far.
  const auto wrong = [](double error) {
    return bench::kernel_case(
        "affine", "wrong", {bench::input(100, 1, 2), bench::output(100)},
        [error](Context&, const auto& table, const auto& p) {
          const bool naive =
              std::is_same_v<std::decay_t<decltype(table)>, kernels::KernelTable<double>>;
          for (int i = 0; i < 100; ++i) {
            p[1][i] = p[0][i] + (!naive && i == 70 ? static_cast<float>(error) : 0.0F);
          }
        });
  };
  CHECK(bench::disagreement(wrong(0)).empty());
  CHECK(bench::disagreement(wrong(1e-5)).find("operand 1, element 70") == 0);
  CHECK(bench::disagreement(wrong(std::nan(""))).find("operand 1, element 70") == 0);
}

TEST_CASE("A device's kernels are compared before they are timed", "[tools]") {
  kernels::emulator::EmulatedDevice device;
  const auto scaled_by = [](float factor) {
    return bench::kernel_case(
        "affine", "scaled", {bench::input(100, 1, 2), bench::output(100)},
        [factor](Context& context, const auto& table, const auto& p) {
          const bool naive =
              std::is_same_v<std::decay_t<decltype(table)>, kernels::KernelTable<double>>;
          using T = std::remove_pointer_t<typename std::decay_t<decltype(p)>::value_type>;
          context.launch(table.affine, {100, static_cast<T>(naive ? 1 : factor), 0, p[0], p[1],
                                        kernels::Store::write});
        });
  };
  CHECK(bench::disagreement(scaled_by(1), device).empty());
  CHECK(bench::disagreement(scaled_by(1.00001F), device).find("operand 1, element 0") == 0);
  CHECK(bench::disagreement(scaled_by(1.00001F), device, 1e-4).empty());
}

TEST_CASE("The start of a replay hardly counts in a device's rows", "[tools]") {
  constexpr double kStart = 10e-6;
  for (const double seconds : {2e-6, 40e-6, 200e-6, 1e-3, 50e-3}) {
    const int calls = bench::calls_of_replay(seconds + kStart);
    CAPTURE(seconds, calls);
    CHECK(calls >= 1);
    const double timed = (kStart + calls * seconds) / calls;
    CHECK(timed < seconds * (seconds < 40e-6 ? 1.05 : 1.01));
    CHECK(calls * seconds < 0.1);  // a sample
  }
}

TEST_CASE("A device's rows are timed by captured calls", "[tools]") {
  kernels::emulator::EmulatedDevice device;
  bench::register_device_rows(device, "emulated", kernels::Precision::fp32);
  bench::Reporter reporter(std::make_unique<benchmark::JSONReporter>());
  std::ostringstream unseen;
  std::streambuf* const before = std::cout.rdbuf(unseen.rdbuf());
  const std::size_t rows =
      benchmark::RunSpecifiedBenchmarks(&reporter, "moving_average/teacher/emulated");
  std::cout.rdbuf(before);
  CHECK(rows == 1);
  CHECK(reporter.failures().empty());
  const auto run = nlohmann::json::parse(reporter.json());
  CHECK(run["benchmarks"][0]["name"] == "moving_average/teacher/emulated");
  CHECK(run["benchmarks"][0]["median_ms"] > 0);
  CHECK(run["benchmarks"][0]["gbs"] > 0);
}

TEST_CASE("A regression is a longer median and quartiles apart", "[tools]") {
  const auto run = [](double lower, double median, double upper, double percent) {
    return nlohmann::json{{"benchmarks",
                           {{{"name", "W1/threads:1"},
                             {"run_type", "iteration"},
                             {"lower_ms", lower},
                             {"median_ms", median},
                             {"upper_ms", upper},
                             {"percent_of_peak", percent}}}}}
        .dump();
  };
  const std::string before = run(9, 10, 11, 50);
  const auto regression = [&](const std::string& now) {
    return bench::compare_runs(before, "old", now, "new", 0.1).at(0).regression;
  };
  CHECK_FALSE(regression(before));
  CHECK(regression(run(11.5, 12, 12.5, 50 * 10 / 12.0)));
  CHECK_FALSE(regression(run(10.5, 12, 13, 50 * 10 / 12.0)));    // quartiles overlap
  CHECK_FALSE(regression(run(10.8, 10.9, 11, 50 * 10 / 10.9)));  // not a tenth
  CHECK_FALSE(regression(run(19, 20, 21, 50)));                  // a machine that is half as fast
  CHECK(regression(run(9, 10, 11, 40)));  // one that is faster, and no use made of it
  CHECK_THROWS_AS(bench::compare_runs("{}", "old", before, "new", 0.1), Error);
  CHECK_THROWS_AS(bench::compare_runs("no json", "old", before, "new", 0.1), Error);
}

TEST_CASE("pisr_bench refuses an output that it cannot write before it measures", "[tools]") {
  const TemporaryFolder folder;
  const ProgramRun run =
      run_bench(folder, {"--benchmark_out=none/rows.json", "--benchmark_filter=^W1/threads:1$"});
  CHECK(run.code == 4);
  CHECK(run.out.empty());
  CHECK(run.err.find("pisr_bench: error: cannot write 'none/rows.json'") == 0);
}

TEST_CASE("pisr_bench writes its rows and compares them with an earlier run", "[tools]") {
  const TemporaryFolder folder;
  const std::string filter = "--benchmark_filter=^W1/threads:1$|^conv2d/mapping/warm|^adam/";
  const ProgramRun first = run_bench(
      folder, {filter, "--benchmark_format=json", "--benchmark_out=run.json", "--threads", "1"});
  INFO(first.err);
  REQUIRE(first.code == 0);
  const auto run = nlohmann::json::parse(read_whole(folder.path() / "run.json"));
  CHECK(nlohmann::json::parse(first.out)["benchmarks"].size() == run["benchmarks"].size());
  CHECK(std::stod(run["context"]["fma_gflops/threads:1"].get<std::string>()) > 0);
  CHECK(std::stod(run["context"]["bandwidth_gbs/threads:1"].get<std::string>()) > 0);
  const auto rows = run["benchmarks"];
  std::vector<std::string> names;
  for (const auto& row : rows) {
    names.push_back(row["name"]);
    CHECK(row["lower_ms"] <= row["median_ms"]);
    CHECK(row["median_ms"] <= row["upper_ms"]);
    // The median is the row's time.
    CHECK(std::abs(row["real_time"].get<double>() / row["median_ms"].get<double>() - 1) <= 1e-6);
  }
  CHECK(names == std::vector<std::string>{"W1/threads:1", "conv2d/mapping/warm/threads:1",
                                          "adam/teacher/warm/threads:1",
                                          "adam/teacher/cold/threads:1"});
  // 2.872 GMAC twice over.
  CHECK(std::abs(rows[0]["gflops"].get<double>() * rows[0]["median_ms"].get<double>() -
                 2 * 2871.7) <= 1);
  CHECK(rows[0]["percent_of_peak"] > 0);
  CHECK(rows[1]["percent_of_peak"] > 0);
  CHECK(rows[1]["percent_of_bandwidth"] > 0);
  CHECK_FALSE(rows[2].contains("gflops"));

  // Against runs that took ten times, and a tenth, of the time.
  std::ofstream(folder.path() / "slow.json") << scaled(run, 10);
  std::ofstream(folder.path() / "fast.json") << scaled(run, 0.1);
  const std::vector<std::string> again = {filter, "--threads", "1", "--compare"};
  const auto against = [&](const std::string& name) {
    std::vector<std::string> arguments = again;
    arguments.push_back(name);
    return run_bench(folder, arguments);
  };
  CHECK(against("slow.json").code == 0);
  const ProgramRun slower = against("fast.json");
  CHECK(slower.code == 8);
  CHECK(slower.err.find("pisr_bench: error: slower than in 'fast.json': ") != std::string::npos);
}

TEST_CASE("pisr_bench has rows of Eigen and of the naive kernels beside our own", "[tools]") {
  const TemporaryFolder folder;
  const auto names = [&](const std::vector<std::string>& more, const std::string& environment) {
    std::vector<std::string> arguments = {"--threads", "1", "--benchmark_list_tests",
                                          "--benchmark_filter=^W1|^prelu/feature/|^adam/"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    std::istringstream lines(run_bench(folder, arguments, environment).out);
    std::set<std::string> result;
    for (std::string line; std::getline(lines, line);) {
      result.insert(line);
    }
    return result;
  };
  const std::set<std::string> own = {"W1/threads:1", "adam/teacher/warm/threads:1",
                                     "adam/teacher/cold/threads:1", "prelu/feature/warm/threads:1",
                                     "prelu/feature/cold/threads:1"};
  const std::set<std::string> eigen = {"W1/eigen/threads:1", "prelu/feature/eigen/warm/threads:1",
                                       "prelu/feature/eigen/cold/threads:1"};
  std::set<std::string> both = own;
  both.insert(eigen.begin(), eigen.end());
  CHECK(names({}, "") == both);
  CHECK(names({"--backend", "own"}, "") == own);
  CHECK(names({}, "PISR_BACKEND=eigen") == eigen);
  CHECK(names({"--backend", "naive"}, "") ==
        std::set<std::string>{"adam/teacher/naive/warm/threads:1",
                              "prelu/feature/naive/warm/threads:1"});
  const ProgramRun timed =
      run_bench(folder, {"--threads", "1", "--benchmark_filter=^prelu/feature/.*warm",
                         "--benchmark_format=json", "--backend", "eigen,naive"});
  INFO(timed.err);
  REQUIRE(timed.code == 0);
  CHECK(nlohmann::json::parse(timed.out)["benchmarks"].size() == 2);
}

TEST_CASE("pisr_bench: bad use gives one line and its exit code", "[tools]") {
  const TemporaryFolder folder;
  std::ofstream(folder.path() / "other.json") << R"({"benchmarks": [{"name": "x"}]})";
  struct BadUse {
    std::vector<std::string> arguments;
    int code;
  };
  for (const BadUse& use :
       std::vector<BadUse>{{{"--frobnicate"}, 2},
                           {{"--benchmark_frobnicate=1"}, 2},
                           {{"--benchmark_format=xml"}, 2},
                           {{"--threads", "0"}, 2},
                           {{"--threads", "1", "--benchmark_filter=none"}, 2},
                           {{"--backend", "mkl"}, 2},
                           {{"--backend", "cudnn"}, 2},
                           {{"--device", "cuda", "--backend", "eigen"}, 2},
                           {{"--serve", "W9"}, 2},
                           {{"--serve", "W1@10"}, 2},
                           {{"--exchange", "W1"}, 2},
                           {{"--compare", "absent.json"}, 3},
                           {{"--compare", "other.json"}, 3},
                           {{"--exchange", "W1", "--exchange-file", "no/x"}, 4}}) {
    INFO(use.arguments.front());
    const ProgramRun run = run_bench(folder, use.arguments);
    CHECK(run.code == use.code);
    CHECK(run.err.find("pisr_bench: error: ") == 0);
  }
}

TEST_CASE("PISR_ISA chooses the instruction set of a program", "[tools]") {
  const TemporaryFolder folder;
  for (const std::string& name : kernels::instruction_sets()) {
    const ProgramRun run = run_bench(
        folder,
        {"--threads", "1", "--benchmark_filter=^adam/teacher/warm", "--benchmark_format=json"},
        "PISR_ISA=" + name);
    INFO(name << ": " << run.err);
    REQUIRE(run.code == 0);
    CHECK(nlohmann::json::parse(run.out)["context"]["instruction_set"] == name);
  }
  const ProgramRun unknown = run_bench(folder, {}, "PISR_ISA=avx3");
  CHECK(unknown.code == 2);
  CHECK(unknown.err.find("pisr_bench: error: PISR_ISA: must be one of ") == 0);
  CHECK(unknown.err.find("portable here, got 'avx3'") != std::string::npos);
#if defined(__x86_64__)
  const ProgramRun absent = run_bench(folder, {}, "PISR_ISA=neon");
  CHECK(absent.code == 6);
  CHECK(absent.err.find("this machine has no 'neon'; it has ") != std::string::npos);
#endif
}

#endif  // PISR_BENCH_FOLDER
