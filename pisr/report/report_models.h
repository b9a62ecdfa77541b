#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pisr/model/network.h"
#include "pisr/model/teacher.h"
#include "pisr/model/weights.h"
#include "pisr/train/config.h"
#include "pisr/train/run_metrics.h"

namespace pisr {

/// A network trained in one phase of a run.
struct TrainedModel {
  std::string name;  ///< of its results, unique
  std::string label;
  std::string run;
  TrainingPhase phase = TrainingPhase::baseline;
  std::int64_t own_updates = 0;
  std::int64_t updates = 0;  ///< with those of its teacher
  double seconds = 0;
  int colour = 0;
  bool equal_updates = false;  ///< a baseline with as many updates as a student in all
  bool ended = true;           ///< false: the run has not ended, the weights are the best so far
  /// The file of a teacher that the run of its student has not trained; otherwise empty.
  std::filesystem::path elsewhere;
  std::optional<double> imitation_weight;  ///< of a teacher's run, where that is known
  std::unique_ptr<SrNetwork> network;
  std::unique_ptr<Teacher> teacher;  ///< of its phase, where network is null
  std::vector<MetricsRow> rows;      ///< of its phase

  const ImageModel& model() const {
    return network != nullptr ? *network : static_cast<const ImageModel&>(*teacher);
  }
};

/// What a run directory says of itself.
struct ReportRun {
  std::string name;  ///< of its folder
  TrainConfig config;
  std::vector<MetricsRow> rows;  ///< of metrics.csv
};

/// The configuration of a run directory. Throws Error(input) where `run` is none.
TrainConfig read_run_config(const std::filesystem::path& run);

/// Reads config.json and metrics.csv of a run directory. Throws Error(input) where it is none.
ReportRun read_run(const std::filesystem::path& path);

/// Adds the networks of `run`, whose directory is `path`, with the weights of the last iterations,
/// or the best where those are missing. What the weights do not tell of themselves, the run's
/// configuration does; `wanted` as for load_model. Throws Error(input) where there are no weights
/// yet.
void add_models(const std::filesystem::path& path, const ReportRun& run, WeightsOptions wanted,
                std::vector<TrainedModel>& models);

/// Puts the models in the order of the report (baselines, teachers, students, each by updates) and
/// gives each its name, label and colour.
void name_models(std::vector<TrainedModel>& models);

/// The last model of that phase, the one with most updates; with `equal_updates`, the last of those
/// that have as many as a student in all. Null where there is none.
const TrainedModel* find_model(const std::vector<TrainedModel>& models, TrainingPhase phase,
                               bool equal_updates = false);

}  // namespace pisr
