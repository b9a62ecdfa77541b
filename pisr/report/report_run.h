#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "core/context.h"
#include "core/parallel.h"
#include "pisr/eval/evaluate.h"
#include "pisr/report/report.h"
#include "pisr/report/report_models.h"

namespace pisr {

/// What a report is about: one run directory, or several to compare.
struct ReportRequest {
  std::vector<std::filesystem::path> runs;
  /// The images to measure on, all of the runs' scale.
  std::span<const EvaluationSet> sets;
  Protocol protocol = Protocol::pisr;  ///< of networks on luminance; those on RGB have rgb
  std::string title;                   ///< the names of the runs where empty
  std::string subtitle;                ///< stands before the summary of the configurations
  WeightsOptions weights;              ///< its scale is that of each run
  /// Whether to measure how long networks take. Nothing else should run on the machine.
  bool time = false;
  StopCheck stop;  ///< abandons the report with EvaluationStopped
};

/// Reads every run, measures its networks and bicubic interpolation on every set, and picks
/// pictures to look at from the first set, whose hardest image the encoders of teachers are shown
/// on. A baseline with as many updates as a student and its
/// teacher together is labelled so.
///
/// Throws Error: usage where some networks are on luminance and others on RGB, input for a folder
/// that is no run or has no weights yet, weights for weights of another scale than that of the
/// sets.
ReportData gather_report(Context& context, ThreadPool& pool, const ReportRequest& request);

/// Writes render_report(data), whole or not at all. Error(output) where it cannot.
void write_report(const std::filesystem::path& path, const ReportData& data);

}  // namespace pisr
