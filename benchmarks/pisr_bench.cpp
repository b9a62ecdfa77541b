// pisr_bench: speed of the kernels and of the work as a whole, against the limits of the machine.

#include <algorithm>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>
#include <unistd.h>

#include "benchmarks/comparison.h"
#include "benchmarks/device_rows.h"
#include "benchmarks/reporter.h"
#include "benchmarks/rows.h"
#include "benchmarks/serve.h"
#include "core/atomic_file.h"
#include "core/device_choice.h"
#include "core/error.h"
#include "kernels/instruction_set.h"
#include "tools/program.h"

namespace {

using namespace pisr;

/// The flags for Google Benchmark, and those that this program handles itself. Left to Google
/// Benchmark, an output file that cannot be written would end the process with another exit code.
struct BenchmarkFlags {
  std::vector<std::string> passed_on;
  std::string format = "console";
  std::string out;
  std::string out_format = "json";
};

bool take_flag(const std::string& argument, const std::string& name, std::string& value) {
  const std::string start = "--benchmark_" + name + "=";
  if (!argument.starts_with(start)) {
    return false;
  }
  value = argument.substr(start.size());
  return true;
}

BenchmarkFlags take_benchmark_flags(std::vector<char*>& arguments) {
  BenchmarkFlags flags;
  const auto is_flag = [](const std::string& text) {
    return text.starts_with("--benchmark_") || text.starts_with("--v=");
  };
  std::vector<char*> others;
  for (char* argument : arguments) {
    const std::string text = argument;
    if (!is_flag(text)) {
      others.push_back(argument);
    } else if (!take_flag(text, "format", flags.format) && !take_flag(text, "out", flags.out) &&
               !take_flag(text, "out_format", flags.out_format)) {
      flags.passed_on.push_back(text);
    }
  }
  arguments = others;
  return flags;
}

std::unique_ptr<benchmark::BenchmarkReporter> make_display(const std::string& format) {
  if (format == "json") {
    return std::make_unique<benchmark::JSONReporter>();
  }
  using Console = benchmark::ConsoleReporter;
  return std::make_unique<Console>(isatty(STDOUT_FILENO) != 0 ? Console::OO_ColorTabular
                                                              : Console::OO_Tabular);
}

void check_flags(const BenchmarkFlags& flags) {
  if (flags.format != "console" && flags.format != "json") {
    throw Error(ErrorKind::usage,
                "--benchmark_format: must be console or json, got '" + flags.format + "'");
  }
  if (flags.out_format != "json") {
    throw Error(ErrorKind::usage,
                "--benchmark_out_format: must be json, got '" + flags.out_format + "'");
  }
  if (!flags.out.empty()) {
    check_writable(flags.out);  // now, not after two minutes of measuring
  }
}

/// Hands the flags to Google Benchmark, a shorter least time before them. It keeps `program`.
void initialise_benchmark(char* program, const BenchmarkFlags& flags) {
  std::vector<std::string> texts = {"--benchmark_min_time=0.03"};
  texts.insert(texts.end(), flags.passed_on.begin(), flags.passed_on.end());
  std::vector<char*> arguments = {program};
  for (std::string& text : texts) {
    arguments.push_back(text.data());
  }
  int count = static_cast<int>(arguments.size());
  benchmark::Initialize(&count, arguments.data());
  if (count > 1) {
    throw Error(ErrorKind::usage, std::string("unknown option or wrong value: ") + arguments[1],
                "pisr_bench -h lists the options");
  }
}

void add_context(const bench::Machine& machine) {
  benchmark::AddCustomContext("instruction_set", kernels::instruction_set());
  for (const auto& [threads, limits] : machine.limits) {
    const std::string suffix = "/threads:" + std::to_string(threads);
    benchmark::AddCustomContext("fma_gflops" + suffix, message(limits.fma_gflops));
    benchmark::AddCustomContext("bandwidth_gbs" + suffix, message(limits.bandwidth_gbs));
  }
}

std::string read_run(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(stream), {}};
  if (!stream) {
    throw Error(ErrorKind::input, "cannot read '" + path + "'");
  }
  return text;
}

/// Prints what changed, on stderr as stdout is the benchmark's, and throws where a row is slower.
void compare(const std::string& old_json, const std::string& old_name, const std::string& new_json,
             double tolerance) {
  const auto rows = bench::compare_runs(old_json, old_name, new_json, "this run", tolerance);
  std::string slower;
  for (const bench::RowComparison& row : rows) {
    std::cerr << std::fixed << std::setprecision(3) << row.ratio << " x  " << row.name
              << (row.regression ? "  SLOWER" : "") << '\n';
    if (row.regression) {
      slower += (slower.empty() ? "" : ", ") + row.name;
    }
  }
  if (!slower.empty()) {
    throw Error(ErrorKind::numeric, "slower than in '" + old_name + "': " + slower);
  }
}

/// What is measured, and on what.
struct Measured {
  std::vector<int> threads;
  DeviceChoice device;
  std::vector<std::string> backends;  ///< own, eigen, naive or cudnn
};

bool has(const std::vector<std::string>& names, const char* name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// The back ends that --backend names; without it, the one of PISR_BACKEND, otherwise all fast
/// ones.
std::vector<std::string> choose_backends(std::vector<std::string> names, bool cpu) {
  if (const auto backend = backend_of_environment(); names.empty() && backend) {
    names = {name(*backend)};
  }
  if (names.empty()) {
    return cpu ? std::vector<std::string>{"own", "eigen"}
               : std::vector<std::string>{"own", "cudnn"};
  }
  for (const std::string& backend : names) {
    if (backend != "own" && backend != "eigen" && backend != "naive" && backend != "cudnn") {
      throw Error(ErrorKind::usage,
                  "--backend: must be own, eigen, naive or cudnn, got '" + backend + "'");
    }
    if (backend != "own" && cpu == (backend == "cudnn")) {
      throw Error(ErrorKind::usage, "--backend: " + backend + " does not run on " +
                                        (cpu ? "the CPU" : "a CUDA device"));
    }
  }
  return names;
}

bench::Backends host_backends(const std::vector<std::string>& names) {
  bench::Backends backends;
  for (const auto& [name, backend] :
       {std::pair{"own", Backend::cpu}, std::pair{"eigen", Backend::eigen},
        std::pair{"naive", Backend::naive}}) {
    if (has(names, name)) {
      backends.push_back(backend);
    }
  }
  return backends;
}

/// Registers the rows of a CUDA device: its kernels in each precision, and cuDNN's convolutions
/// where there is one. The devices have to live as long as the rows.
std::vector<std::unique_ptr<kernels::Device>> register_cuda(
    DeviceChoice choice, const std::vector<std::string>& backends) {
  std::vector<std::unique_ptr<kernels::Device>> devices;
  using kernels::Precision;
  constexpr auto kOwn = BackendChoice::own;
  constexpr auto kCudnn = BackendChoice::cudnn;
  for (const auto& [name, precision, backend] : {std::tuple{"cuda:fp32", Precision::fp32, kOwn},
                                                 {"cuda:tf32", Precision::tf32, kOwn},
                                                 {"cuda:fp16", Precision::fp16, kOwn},
                                                 {"cudnn:fp32", Precision::fp32, kCudnn},
                                                 {"cudnn:tf32", Precision::tf32, kCudnn}}) {
    if (!has(backends, pisr::name(backend))) {
      continue;
    }
    choice.cuda.precision = precision;
    choice.backend = backend;
    std::string why_not;
    try {
      devices.push_back(open_device(choice, why_not));
    } catch (const Error& error) {
      if (devices.empty()) {
        throw;
      }
      std::cerr << "without " << name << ": " << error.what() << '\n';
      continue;
    }
    bench::register_device_rows(*devices.back(), name, precision);
  }
  benchmark::AddCustomContext("device", devices.front()->name());
  return devices;
}

int run_benchmarks(char* program, const BenchmarkFlags& flags, const Measured& measured,
                   const std::string& old_run, double tolerance_percent) {
  check_flags(flags);
  const std::string old_json = old_run.empty() ? "" : read_run(old_run);
  if (!old_run.empty()) {
    // Fails now, not after two minutes of measuring.
    bench::compare_runs(old_json, old_run, old_json, old_run, 0);
  }
  initialise_benchmark(program, flags);
  std::optional<bench::Machine> machine;
  std::vector<std::unique_ptr<kernels::Device>> devices;
  if (measured.device.kind == DeviceChoice::Kind::cpu) {
    machine.emplace(measured.threads);
    const bench::Backends backends = host_backends(measured.backends);
    const bool networks = benchmark::GetBenchmarkFilter().find("W5") != std::string::npos;
    bench::register_workloads(*machine, backends, networks);
    bench::register_kernels(*machine, backends);
    add_context(*machine);
  } else {
    devices = register_cuda(measured.device, measured.backends);
  }
  bench::Reporter reporter(make_display(flags.format));
  if (benchmark::RunSpecifiedBenchmarks(&reporter) == 0) {
    throw Error(ErrorKind::usage,
                "no benchmark fits the filter '" + benchmark::GetBenchmarkFilter() + "'",
                "--benchmark_list_tests lists them");
  }
  if (!flags.out.empty()) {
    write_file_atomically(flags.out, reporter.json());
  }
  if (!reporter.failures().empty()) {
    throw Error(ErrorKind::numeric, reporter.failures().front());
  }
  if (!old_run.empty()) {
    compare(old_json, old_run, reporter.json(), tolerance_percent / 100);
  }
  return 0;
}

}  // namespace

// NOLINTNEXTLINE(bugprone-exception-escape): before run_program only memory can run out.
int main(int argc, char** argv) {
  std::vector<char*> arguments(argv, argv + argc);
  const BenchmarkFlags flags = take_benchmark_flags(arguments);
  std::vector<int> threads = {1, 2};
  std::string device = "cpu";
  std::vector<std::string> backends;
  std::string old_run;
  double tolerance = 10;
  std::string served;
  std::string exchanged;
  std::string exchange_file;

  CLI::App app(
      "Measures every kernel and the workloads W1 to W4 against the machine's limits, after a "
      "comparison with the naive kernels; W5, every network, where the filter names it",
      "pisr_bench");
  app.footer(
      "Google Benchmark's options work too: --benchmark_filter=REGEX, --benchmark_list_tests,\n"
      "--benchmark_format=json, --benchmark_out=FILE, --benchmark_min_time=SECONDS, ...");
  app.add_option("-j,--threads", threads, "Numbers of threads, e.g. 1,2")
      ->delimiter(',')
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  app.add_option("-g,--device", device,
                 "cpu, or cuda or cuda:N: the rows of that device in place of the CPU's")
      ->capture_default_str();
  app.add_option("--backend", backends,
                 "Whose kernels: own, eigen and naive on the CPU, own and cudnn on a CUDA device; "
                 "all but naive by default, or that of the environment variable PISR_BACKEND")
      ->delimiter(',');
  app.add_option("--compare", old_run,
                 "An earlier --benchmark_out: exit code 8 where a row is slower than there")
      ->type_name("FILE");
  app.add_option("--tolerance", tolerance, "How much longer a row may take, in percent")
      ->check(CLI::Range(0.0, 1000.0))
      ->capture_default_str();
  CLI::Option* serve = app.add_option(
      "--serve", served,
      "Run one workload (W1 .. W4, W1@WIDTHxHEIGHT, W5/NETWORK) as often as standard input says, "
      "for compare_torch.py");
  CLI::Option* exchange =
      app.add_option("--exchange", exchanged,
                     "Write weights, inputs and results of a workload to --exchange-file");
  app.add_option("--exchange-file", exchange_file, "A safetensors file")
      ->type_name("FILE")
      ->needs(exchange);
  exchange->needs("--exchange-file")->excludes(serve);
  return run_program(app, static_cast<int>(arguments.size()), arguments.data(), [&] {
    if (!exchanged.empty()) {
      constexpr int kSteps = 3;
      bench::write_exchange(exchanged, kSteps, exchange_file);
      return 0;
    }
    if (!served.empty()) {
      bench::serve(served, threads.front(), std::cin, std::cout);
      return 0;
    }
    DeviceChoice choice = parse_device(device);
    if (choice.kind == DeviceChoice::Kind::automatic) {
      throw Error(ErrorKind::usage, "--device: must be cpu, cuda or cuda:N, got 'auto'");
    }
    const bool cpu = choice.kind == DeviceChoice::Kind::cpu;
    return run_benchmarks(argv[0], flags, {threads, choice, choose_backends(backends, cpu)},
                          old_run, tolerance);
  });
}
