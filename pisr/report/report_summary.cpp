#include "pisr/report/report_summary.h"

#include <cmath>
#include <cstdint>

#include "core/error.h"
#include "pisr/data/named_path.h"
#include "pisr/model/architectures.h"
#include "pisr/report/report_text.h"

namespace pisr {
namespace {

std::string duration(double seconds) {
  const auto whole = static_cast<std::int64_t>(std::llround(seconds));
  if (whole < 60) {
    return message(whole, " s");
  }
  if (whole < 3600) {
    return message(whole / 60, " min ", whole % 60, " s");
  }
  return message(whole / 3600, " h ", whole / 60 % 60, " min");
}

std::string distillation_text(const TrainConfig& config) {
  const std::string weight = short_number(config.train.distillation_weight);
  switch (config.train.distillation) {
    case Distillation::laplace:
      return "VID (Laplace), weight " + weight;
    case Distillation::gaussian:
      return "VID (Gaussian), weight " + weight;
    case Distillation::mae:
      return "mean absolute error, weight " + weight;
    case Distillation::none:
      break;
  }
  return "none";
}

std::string folders_text(const std::vector<std::string>& folders) {
  std::string text;
  for (const std::string& folder : folders) {
    text += (text.empty() ? "" : ", ") + named_path(folder).filename().string();
  }
  return text;
}

std::string training_data_text(const TrainConfig& config) {
  if (!config.data.train.empty()) {
    return folders_text(config.data.train);
  }
  const BuiltInConfig& built_in = config.data.built_in;
  return message(built_in.count, " built-in images of ", built_in.size, "x", built_in.size);
}

}  // namespace

std::string summary_text(const std::vector<ReportRun>& runs,
                         const std::vector<TrainedModel>& models) {
  const TrainConfig& config = runs.front().config;
  std::string parts;
  double seconds = 0;
  for (const TrainedModel& model : models) {
    if (!model.elsewhere.empty()) {
      continue;
    }
    parts += message(parts.empty() ? "" : ", ", model.label, " ", grouped(model.own_updates));
    seconds += model.seconds;
  }
  return message(title(config.network), " for x", config.network.scale, ", trained on ",
                 training_data_text(config), " (updates: ", parts, ") in ", duration(seconds), ".");
}

std::vector<ReportFact> facts_of(const std::vector<ReportRun>& runs,
                                 const std::vector<TrainedModel>& models) {
  const TrainConfig& config = runs.front().config;
  std::vector<ReportFact> facts;
  facts.push_back({"Network", title(config.network)});
  facts.push_back({"Training images", training_data_text(config)});
  facts.push_back({"Batch", message(config.train.batch_size, " patches of ", config.train.gt_size,
                                    "x", config.train.gt_size)});
  facts.push_back(
      {"Learning rate", message(short_number(config.train.learning_rate), " to ",
                                short_number(config.train.final_learning_rate), ", cosine")});
  const TrainedModel* teacher = find_model(models, TrainingPhase::teacher);
  if (teacher != nullptr && teacher->elsewhere.empty()) {
    facts.push_back({"Imitation weight", short_number(config.train.imitation_weight)});
  }
  if (find_model(models, TrainingPhase::student) != nullptr) {
    facts.push_back({"Distillation", distillation_text(config)});
    facts.push_back({"Weight transfer", config.train.weight_transfer ? "yes" : "no"});
  }
  facts.push_back({"Seed", std::to_string(config.manual_seed)});
  if (teacher != nullptr && !teacher->elsewhere.empty()) {
    facts.push_back({teacher->label, message(grouped(teacher->own_updates), " updates before, '",
                                             teacher->elsewhere.filename().string(), "'")});
  }
  for (const TrainedModel& model : models) {
    if (model.seconds > 0) {
      facts.push_back({model.label, message(grouped(model.own_updates), " updates in ",
                                            duration(model.seconds))});
    }
  }
  return facts;
}

std::vector<std::string> notes_of(const std::vector<TrainedModel>& models) {
  std::vector<std::string> notes;
  const TrainedModel* student = find_model(models, TrainingPhase::student);
  if (student != nullptr && student->updates > student->own_updates) {
    notes.push_back(message("The student's ", grouped(student->updates), " updates include the ",
                            grouped(student->updates - student->own_updates),
                            " of its teacher, whose decoder it starts from: to see what "
                            "distillation adds, compare it with a baseline of equal updates."));
    if (student->updates < 100'000) {
      notes.emplace_back(
          "The paper's gain is that of a million iterations of each phase. In a run as short as "
          "this the student's lead over a baseline is its teacher's extra updates and nothing "
          "more.");
    }
  }
  std::string best;
  for (const TrainedModel& model : models) {
    if (!model.ended) {
      best += (best.empty() ? "" : ", ") + model.label;
    }
  }
  notes.push_back(best.empty() ? "All figures are of the weights at the end of the run."
                               : message("Figures are of the weights at the end of the run; those "
                                         "of a run that has not ended are of the best so far: ",
                                         best, "."));
  return notes;
}

}  // namespace pisr
