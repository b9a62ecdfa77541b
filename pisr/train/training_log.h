#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "kernels/training_args.h"
#include "pisr/eval/evaluate.h"
#include "pisr/train/run_directory.h"
#include "pisr/train/tensorboard.h"

namespace pisr {

/// Where a phase stands.
struct StepReport {
  TrainingPhase phase = TrainingPhase::baseline;
  std::int64_t iteration = 0;  ///< updates done
  std::int64_t total_iter = 0;
  kernels::StepValues values;
  const char* auxiliary_name = "";  ///< "imitation", "distillation", or "" where there is none
  double learning_rate = 0;
  double iterations_per_second = 0;
  double eta_seconds = 0;  ///< to the end of the phase
  double data_share = 0;   ///< part of the time spent on making patches, 0..1
};

/// The outcome of one validation on one set.
struct ValidationReport {
  TrainingPhase phase = TrainingPhase::baseline;
  std::int64_t iteration = 0;
  std::string set;
  Score score;
  Score bicubic;
  bool best = false;  ///< the highest PSNR of the phase so far
};

/// One line for people.
std::string to_text(const StepReport& report);
std::string to_text(const ValidationReport& report);

/// train.log, metrics.csv and the TensorBoard curves of a run directory.
///
/// metrics.csv has one kind of row for training and one for validation, the columns of the other
/// being empty:
/// phase,iteration,loss,reconstruction,auxiliary,gradient_norm,learning_rate,
/// iterations_per_second,data_share,psnr,ssim
/// Its first row is that of bicubic interpolation: phase "bicubic", iteration 0.
class TrainingLog {
 public:
  /// Goes on where files exist; `first_step` as for EventWriter. Throws Error(output), as all
  /// functions here.
  explicit TrainingLog(const RunDirectory& run, std::int64_t first_step = 0);

  void line(const std::string& text);
  void bicubic(const Score& score);  ///< once a file
  void step(const StepReport& report);
  void validation(const ValidationReport& report);

 private:
  AppendFile log_;
  AppendFile metrics_;
  EventWriter events_;
  bool has_bicubic_;
};

/// Drops the rows of metrics.csv for which `keep` is false, and a last line that is cut short: what
/// a resumed run will write again. Nothing where there is no such file.
void filter_metrics(
    const std::filesystem::path& path,
    const std::function<bool(const std::string& phase, std::int64_t iteration)>& keep);

}  // namespace pisr
