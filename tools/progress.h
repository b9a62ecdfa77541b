#pragma once

#include <string>

#include "pisr/train/trainer.h"

namespace pisr {

/// How a training program reports its progress.
enum class ProgressStyle {
  automatic,  ///< line on a terminal, log elsewhere
  line,       ///< one line on stderr that is overwritten
  log,        ///< a line on stderr every train.print_freq iterations
  json,       ///< a JSON object a line on stdout, every train.print_freq iterations
  none,
};

/// "auto", "line", "log", "json", "none"; Error(usage) for any other.
ProgressStyle progress_style_from_name(const std::string& name);

/// Prints what a run reports. Must outlive the callbacks that it returns.
class TrainingProgress {
 public:
  explicit TrainingProgress(ProgressStyle style);
  /// Ends the line being overwritten, if there is one.
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
