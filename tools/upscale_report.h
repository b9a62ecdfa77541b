#pragma once

#include <string>

#include "tools/upscale_jobs.h"

namespace pisr {

/// What the jobs have in common.
struct UpscaleRun {
  std::string model;  ///< the name of the weights
  int scale = 2;
  double seconds = 0;
  bool is_video = false;
  bool planned = false;  ///< nothing is done: --dry-run
};

/// {"program", "model", "scale", "inputs": [{"input", "output", "status": "done", "skipped",
/// "failed", "stopped" or "planned", "error": null or {"kind", "text", "hint"}, "input_width",
/// "input_height", "width", "height", "frames" of a video, "seconds"}], "totals": {"inputs",
/// "done", "skipped", "failed", "stopped" or "planned", "pixels", "seconds"}}. Sizes that are not
/// known are null, kinds are those of docs/exit-codes.md.
std::string report_of(const UpscaleRun& run, const UpscaleJobs& jobs);

/// Writes it where --report says, if it does. Throws Error output.
void write_report(const UpscaleCommand& command, const UpscaleRun& run, const UpscaleJobs& jobs);

}  // namespace pisr
