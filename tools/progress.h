#pragma once

#include <string>

#include "pisr/train/trainer.h"

namespace pisr {

/// How a training program tells where it stands.
enum class ProgressStyle {
  automatic,  ///< line on a terminal, log elsewhere
  line,       ///< one line on stderr that is written over
  log,        ///< a line on stderr every train.print_freq iterations
  json,       ///< one JSON object a line on stdout, every train.print_freq iterations
  none,
};

/// "auto", "line", "log", "json", "none"; Error(usage) for any other.
ProgressStyle progress_style_from_name(const std::string& name);

/// Prints what a run reports. Must outlive the callbacks it gives.
class TrainingProgress {
 public:
  explicit TrainingProgress(ProgressStyle style);
  /// Ends the line that is written over, if there is one.
  ~TrainingProgress();
  TrainingProgress(const TrainingProgress&) = delete;
  TrainingProgress& operator=(const TrainingProgress&) = delete;

  /// Everything but `cancelled`.
  TrainCallbacks callbacks();

 private:
  void line(const std::string& text);
  void step(const StepReport& report);
  void report(const StepReport& report);
  void validation(const ValidationReport& report);
  void clear();

  ProgressStyle style_;
  double last_drawn_ = 0;  ///< seconds
  bool drawn_ = false;
};

}  // namespace pisr
