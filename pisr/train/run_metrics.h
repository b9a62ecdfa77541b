#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace pisr {

/// A row of a run's metrics.csv; NaN where it has no value.
struct MetricsRow {
  std::string phase;           ///< "baseline", "teacher", "student" or "bicubic"
  std::int64_t iteration = 0;  ///< updates done
  double loss;
  double reconstruction;
  double auxiliary;  ///< the teacher's imitation or the student's distillation, not weighted
  double learning_rate;
  double iterations_per_second;
  double psnr;  ///< of a validation
  double ssim;
};

/// Reads metrics.csv. Columns are found by the names in its first line, others are ignored, and so
/// is a last line that is cut short. Empty where there is no file; Error(input) for a file without
/// the columns phase and iteration.
std::vector<MetricsRow> read_metrics(const std::filesystem::path& path);

}  // namespace pisr
