#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "nn/init.h"
#include "pisr/model/teacher.h"
#include "pisr/train/phase_model.h"
#include "pisr/train/trainer.h"
#include "tests/pisr/train/training_images.h"
#include "tests/tensors.h"
#include "tests/worse.h"

namespace pisr {

/// A configuration whose updates take less than a millisecond. `settings` as for --set.
inline TrainConfig smallest_config(const std::vector<std::string>& settings = {}) {
  return parse_config(R"({
    "network": {"d": 4, "s": 3, "m": 1},
    "data": {"built_in": {"count": 3, "validation_count": 2, "size": 32}},
    "train": {"phase": "baseline", "total_iter": 6, "batch_size": 2, "gt_size": 8,
              "save_checkpoint_freq": 6, "print_freq": 3, "keep_checkpoints": 100},
    "val": {"val_freq": 6}, "manual_seed": 5, "threads": 1})",
                      "test", settings);
}

/// What a run told its callbacks.
struct Told {
  std::vector<std::string> lines;
  std::vector<StepReport> steps;
  std::vector<StepReport> reports;
  std::vector<ValidationReport> validations;
};

inline Told told_by_training(const TrainConfig& config, const std::filesystem::path& out,
                             kernels::Device* device = nullptr) {
  const RunDirectory run(out, RunMode::resume);
  const TrainingData& data = training_images(config);
  Told told;
  TrainCallbacks callbacks;
  callbacks.line = [&](const std::string& line) { told.lines.push_back(line); };
  callbacks.step = [&](const StepReport& report) { told.steps.push_back(report); };
  callbacks.report = [&](const StepReport& report) { told.reports.push_back(report); };
  callbacks.validation = [&](const ValidationReport& report) {
    told.validations.push_back(report);
  };
  train(config, run, data, {}, callbacks, device);
  return told;
}

/// A teacher for students of this configuration, with weights drawn from `seed`.
inline std::unique_ptr<Teacher> drawn_teacher(const TrainConfig& config, std::uint64_t seed = 3) {
  auto teacher = make_teacher(config);
  initialise(*teacher, seed);
  return teacher;
}

/// The largest difference of any parameter of two modules of one kind.
inline double furthest(const Module& a, const Module& b) {
  const std::vector<NamedParameter> these = a.parameters();
  const std::vector<NamedParameter> those = b.parameters();
  if (these.size() != those.size()) {
    return INFINITY;
  }
  double worst = 0;
  for (std::size_t i = 0; i < these.size(); ++i) {
    worst = worse(worst, furthest(these[i].parameter->value, those[i].parameter->value));
  }
  return worst;
}

}  // namespace pisr
