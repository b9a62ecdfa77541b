#pragma once

#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

namespace pisr::bench {

/// Passes all rows on to the display and to a JSON text, and keeps their counters. The real time of
/// a row becomes its median; Google Benchmark's own is a mean that includes pauses.
class Reporter final : public benchmark::BenchmarkReporter {
 public:
  explicit Reporter(std::unique_ptr<benchmark::BenchmarkReporter> display);

  bool ReportContext(const Context& context) override;
  void ReportRuns(const std::vector<Run>& runs) override;
  void Finalize() override;

  /// "NAME: what went wrong" for each row that failed.
  const std::vector<std::string>& failures() const noexcept { return failures_; }
  /// The whole run as Google Benchmark's JSON, after Finalize().
  std::string json() const { return json_text_.str(); }

 private:
  std::unique_ptr<benchmark::BenchmarkReporter> display_;
  benchmark::JSONReporter json_;
  std::ostringstream json_text_;
  std::ostringstream remarks_;  ///< of Google Benchmark; pisr_bench prints them in its one line
  std::vector<std::string> failures_;
};

}  // namespace pisr::bench
