#include "pisr/report/report_models.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <iterator>
#include <optional>
#include <system_error>
#include <utility>

#include "core/error.h"
#include "core/printable.h"
#include "pisr/data/named_path.h"
#include "pisr/train/initial_weights.h"

namespace pisr {
namespace {

std::string capitalised(std::string text) {
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') {
    text[0] = static_cast<char>(text[0] - 'a' + 'A');
  }
  return text;
}

std::vector<MetricsRow> rows_of_phase(const std::vector<MetricsRow>& rows, TrainingPhase phase) {
  std::vector<MetricsRow> result;
  std::copy_if(rows.begin(), rows.end(), std::back_inserter(result),
               [&](const MetricsRow& row) { return row.phase == phase_name(phase); });
  return result;
}

/// Time spent on updates, from the speed that each row states for the updates before it.
double seconds_of(const std::vector<MetricsRow>& rows) {
  double seconds = 0;
  std::int64_t before = 0;
  for (const MetricsRow& row : rows) {
    if (row.iterations_per_second > 0) {
      seconds += static_cast<double>(row.iteration - before) / row.iterations_per_second;
      before = row.iteration;
    }
  }
  return seconds;
}

std::int64_t updates_of(const std::vector<MetricsRow>& rows) {
  return rows.empty() ? 0 : rows.back().iteration;
}

struct WeightsFile {
  std::filesystem::path path;
  bool last;  ///< of the end of the run; otherwise the best so far
};

std::optional<WeightsFile> weights_of(const std::filesystem::path& run, TrainingPhase phase) {
  for (const bool last : {true, false}) {
    const std::filesystem::path path =
        run / message(phase_name(phase), last ? "_last" : "", ".safetensors");
    std::error_code unreadable;
    if (std::filesystem::is_regular_file(path, unreadable)) {
      return WeightsFile{path, last};
    }
  }
  return std::nullopt;
}

/// Adds the teacher of a student whose run has trained none, that of its configuration, where it is
/// still there.
void add_teacher_from_elsewhere(const ReportRun& run, const WeightsOptions& wanted,
                                std::vector<TrainedModel>& models) {
  const std::filesystem::path path = path_from_text(run.config.train.teacher_weights);
  std::error_code unreadable;
  if (path.empty() || !std::filesystem::is_regular_file(path, unreadable) ||
      std::any_of(models.begin(), models.end(),
                  [&](const TrainedModel& model) { return model.elsewhere == path; })) {
    return;
  }
  TrainedModel model;
  model.name = phase_name(TrainingPhase::teacher);
  model.run = run.name;
  model.phase = TrainingPhase::teacher;
  model.elsewhere = path;
  const UpdateCount count = count_updates(path);
  model.own_updates = count.of_phase;
  model.updates = count.in_all();
  model.teacher = load_teacher(path, wanted);
  models.push_back(std::move(model));
}

}  // namespace

TrainConfig read_run_config(const std::filesystem::path& run) {
  std::error_code unreadable;
  if (!std::filesystem::is_regular_file(run / "config.json", unreadable)) {
    throw Error(ErrorKind::input,
                message("'", run.string(), "' is no run directory: it has no config.json"));
  }
  return read_config(run / "config.json");
}

ReportRun read_run(const std::filesystem::path& path) {
  return {printable(named_path(path).filename()), read_run_config(path),
          read_metrics(path / "metrics.csv")};
}

void add_models(const std::filesystem::path& path, const ReportRun& run, WeightsOptions wanted,
                std::vector<TrainedModel>& models) {
  wanted.scale = run.config.network.scale;
  wanted.assumed_architecture = run.config.network.architecture;
  const std::int64_t teacher_updates = updates_of(rows_of_phase(run.rows, TrainingPhase::teacher));
  bool any = false;
  for (const TrainingPhase phase : kTrainingPhases) {
    const auto file = weights_of(path, phase);
    if (!file) {
      continue;
    }
    if (phase == TrainingPhase::student && !weights_of(path, TrainingPhase::teacher)) {
      add_teacher_from_elsewhere(run, wanted, models);
    }
    any = true;
    TrainedModel model;
    model.name = phase_name(phase);
    model.run = run.name;
    model.phase = phase;
    model.rows = rows_of_phase(run.rows, phase);
    model.own_updates = updates_of(model.rows);
    // Weights of former versions do not tell of earlier updates: then those of the run's teacher.
    model.updates = model.own_updates +
                    count_updates(file->path)
                        .earlier.value_or(phase == TrainingPhase::student ? teacher_updates : 0);
    model.seconds = seconds_of(model.rows);
    model.ended = file->last;
    model.imitation_weight = run.config.train.imitation_weight;
    if (phase == TrainingPhase::teacher) {
      model.teacher = load_teacher(file->path, wanted);
    } else {
      model.network = load_network(file->path, wanted);
    }
    models.push_back(std::move(model));
  }
  if (!any) {
    throw Error(ErrorKind::input, message("'", path.string(), "' holds no trained weights yet"));
  }
}

void name_models(std::vector<TrainedModel>& models) {
  std::stable_sort(models.begin(), models.end(), [](const TrainedModel& a, const TrainedModel& b) {
    return std::pair(a.phase, a.updates) < std::pair(b.phase, b.updates);
  });
  for (TrainedModel& model : models) {
    model.equal_updates =
        model.phase == TrainingPhase::baseline && model.updates > 0 &&
        std::any_of(models.begin(), models.end(), [&](const TrainedModel& other) {
          return other.phase == TrainingPhase::student && other.updates == model.updates;
        });
    model.label = capitalised(model.name) + (model.equal_updates ? ", equal updates" : "");
  }
  const auto repeated = [&](std::string TrainedModel::*text, const std::string& value) {
    return std::count_if(models.begin(), models.end(),
                         [&](const TrainedModel& model) { return model.*text == value; }) > 1;
  };
  std::vector<std::string> labels;
  std::vector<std::string> names;
  for (const TrainedModel& model : models) {
    labels.push_back(repeated(&TrainedModel::label, model.label)
                         ? model.label + " (" + model.run + ")"
                         : model.label);
    names.push_back(repeated(&TrainedModel::name, model.name) ? model.run + "/" + model.name
                                                              : model.name);
  }
  std::array<bool, 8> used{};
  for (std::size_t i = 0; i < models.size(); ++i) {
    TrainedModel& model = models[i];
    model.label = labels[i];
    model.name = names[i];
    model.colour = model.phase == TrainingPhase::student   ? 0
                   : model.phase == TrainingPhase::teacher ? 1
                   : model.equal_updates                   ? 3
                                                           : 2;
    for (const int other : {4, 5, 7, 6}) {
      if (!used[static_cast<std::size_t>(model.colour)]) {
        break;
      }
      model.colour = other;
    }
    used[static_cast<std::size_t>(model.colour)] = true;
  }
}

const TrainedModel* find_model(const std::vector<TrainedModel>& models, TrainingPhase phase,
                               bool equal_updates) {
  const auto at = std::find_if(models.rbegin(), models.rend(), [&](const TrainedModel& model) {
    return model.phase == phase && model.equal_updates >= equal_updates;
  });
  return at == models.rend() ? nullptr : &*at;
}

}  // namespace pisr
