#include "tools/upscale_report.h"

#include <algorithm>
#include <cstdint>
#include <iostream>

#include <nlohmann/json.hpp>

#include "core/atomic_file.h"
#include "core/printable.h"
#include "tools/program.h"
#include "tools/upscale_progress.h"

namespace pisr {
namespace {

using Json = nlohmann::ordered_json;

const char* name(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::usage:
      return "usage";
    case ErrorKind::input:
      return "input";
    case ErrorKind::output:
      return "output";
    case ErrorKind::weights:
      return "weights";
    case ErrorKind::device:
      return "device";
    case ErrorKind::memory:
      return "memory";
    case ErrorKind::numeric:
      break;
  }
  return "numeric";
}

/// That of a job that waits depends on why.
std::string name(JobStatus status, bool planned) {
  return status == JobStatus::waiting && planned ? "planned" : pisr::name(status);
}

Json entry(const UpscaleJob& job, bool is_video, bool planned) {
  const auto size = [](int side) { return side > 0 ? Json(side) : Json(nullptr); };
  Json error = nullptr;
  if (job.failure) {
    error = {{"kind", name(job.failure->kind())},
             {"text", printable(std::string(job.failure->what()))},
             {"hint",
              job.failure->hint().empty() ? Json(nullptr) : Json(printable(job.failure->hint()))}};
  }
  Json result = {{"input", printable(job.input)},
                 {"output", job.output.empty() ? Json(nullptr) : Json(printable(job.output))},
                 {"status", name(job.status, planned)},
                 {"error", error},
                 {"input_width", size(job.sizes.input_width)},
                 {"input_height", size(job.sizes.input_height)},
                 {"width", size(job.sizes.width)},
                 {"height", size(job.sizes.height)}};
  if (is_video) {
    result["frames"] = job.frames;
  }
  result["seconds"] = job.seconds;
  return result;
}

}  // namespace

std::string report_of(const UpscaleRun& run, const UpscaleJobs& jobs) {
  Json inputs = Json::array();
  std::int64_t pixels = 0;
  for (const UpscaleJob& job : jobs.jobs) {
    inputs.push_back(entry(job, run.is_video, run.planned));
    if (job.status == JobStatus::done) {
      pixels += std::int64_t{job.sizes.width} * job.sizes.height;
    }
  }
  const auto count = [&](JobStatus status) {
    return std::ranges::count(jobs.jobs, status, &UpscaleJob::status);
  };
  Json totals = {{"inputs", jobs.jobs.size()}};
  for (const JobStatus status :
       {JobStatus::done, JobStatus::skipped, JobStatus::failed, JobStatus::waiting}) {
    totals[name(status, run.planned)] = count(status);
  }
  totals["pixels"] = pixels;
  totals["seconds"] = run.seconds;
  const Json report = {{"program", version_text(kUpscaleProgram)},
                       {"model", printable(run.model)},
                       {"scale", run.scale},
                       {"inputs", inputs},
                       {"totals", totals}};
  return report.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

void write_report(const UpscaleCommand& command, const UpscaleRun& run, const UpscaleJobs& jobs) {
  if (command.report == kStdout) {
    std::cout << report_of(run, jobs);
  } else if (!command.report.empty()) {
    write_file_atomically(command.report, report_of(run, jobs));
  }
}

}  // namespace pisr
