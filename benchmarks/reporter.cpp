#include "benchmarks/reporter.h"

#include <utility>

namespace pisr::bench {

Reporter::Reporter(std::unique_ptr<benchmark::BenchmarkReporter> display)
    : display_(std::move(display)) {
  json_.SetOutputStream(&json_text_);
  SetErrorStream(&remarks_);
}

bool Reporter::ReportContext(const Context& context) {
  return json_.ReportContext(context) && display_->ReportContext(context);
}

void Reporter::ReportRuns(const std::vector<Run>& runs) {
  std::vector<Run> changed = runs;
  for (Run& run : changed) {
    const auto median = run.counters.find("median_ms");
    if (run.error_occurred) {
      failures_.push_back(run.run_name.str() + ": " + run.error_message);
    } else if (run.run_type == Run::RT_Iteration && median != run.counters.end()) {
      run.real_accumulated_time = median->second.value * 1e-3 * static_cast<double>(run.iterations);
    }
  }
  json_.ReportRuns(changed);
  display_->ReportRuns(changed);
}

void Reporter::Finalize() {
  json_.Finalize();
  display_->Finalize();
}

}  // namespace pisr::bench
