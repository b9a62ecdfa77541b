#include "benchmarks/serve.h"

#include <chrono>
#include <fstream>
#include <istream>
#include <ostream>

#include <nlohmann/json.hpp>

#include "benchmarks/workload_name.h"
#include "benchmarks/workloads.h"
#include "core/error.h"

namespace pisr::bench {
namespace {

/// Peak memory of the process so far, in KiB. That of getrusage would start with the size of the
/// parent process.
long peak_memory() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) {
      return std::stol(line.substr(6));
    }
  }
  throw Error(ErrorKind::input, "cannot read the peak memory in /proc/self/status");
}

}  // namespace

void serve(const std::string& name, int threads, std::istream& in, std::ostream& out) {
  ThreadPool pool(threads);
  const std::unique_ptr<Workload> workload = make_workload(name, pool);
  out << nlohmann::json{{"start_kb", peak_memory()}, {"multiply_adds", multiply_adds(name)}}.dump()
      << std::endl;
  for (std::string line; std::getline(in, line) && line != "quit";) {
    if (!line.starts_with("run ")) {
      throw Error(ErrorKind::usage, "expected 'run N' or 'quit', got '" + line + "'");
    }
    constexpr int kMostRuns = 1'000'000;
    std::vector<double> times(static_cast<std::size_t>(
        whole_number(std::string_view(line).substr(4), 1, kMostRuns, line)));
    for (double& time : times) {
      const auto start = std::chrono::steady_clock::now();
      workload->run();
      time = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
                 .count();
    }
    out << nlohmann::json{{"ms", times}, {"peak_kb", peak_memory()}}.dump() << std::endl;
  }
}

void write_exchange(const std::string& name, int steps, const std::filesystem::path& path) {
  ThreadPool pool(1);
  const std::unique_ptr<Workload> workload = make_workload(name, pool);
  SafeTensors file;
  const auto is_example = [](const std::string& key) {
    return key == "input" || key == "output" || key == "high" || key == "low" || key == "loss";
  };
  for (const auto& [key, tensor] : workload->state().tensors) {
    if (!is_example(key)) {
      file.tensors["weights." + key] = tensor;
    }
  }
  for (int step = 0; step < steps; ++step) {
    workload->run();
    file.metadata = workload->state().metadata;
    for (const auto& [key, tensor] : workload->state().tensors) {
      if (is_example(key)) {
        file.tensors[std::to_string(step) + "." + key] = tensor.clone();
      }
    }
    if (file.tensors.contains("0.output")) {
      break;  // what enlarges does the same each time
    }
  }
  write_safetensors(path, file);
}

}  // namespace pisr::bench
