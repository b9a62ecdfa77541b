#include "pisr/report/report_run.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <numeric>
#include <optional>
#include <system_error>
#include <utility>

#include "core/atomic_file.h"
#include "core/error.h"
#include "pisr/model/architectures.h"
#include "pisr/model/weights.h"
#include "pisr/report/report_comparison.h"
#include "pisr/report/report_text.h"
#include "pisr/train/config.h"
#include "pisr/train/run_metrics.h"

namespace pisr {
namespace {

constexpr std::size_t kComparisons = 4;

/// A network trained in one phase of a run.
struct TrainedModel {
  std::string name;  ///< of its results, unique
  std::string label;
  std::string run;
  Phase phase = Phase::baseline;
  std::int64_t own_updates = 0;
  std::int64_t updates = 0;  ///< with those of its teacher
  double seconds = 0;
  int colour = 0;
  bool equal_updates = false;  ///< a baseline with as many updates as a student in all
  std::unique_ptr<SrNetwork> network;
  std::unique_ptr<Teacher> teacher;  ///< of its phase, where network is null
  std::vector<MetricsRow> rows;      ///< of its phase

  const ImageModel& model() const {
    return network != nullptr ? *network : static_cast<const ImageModel&>(*teacher);
  }
};

struct Run {
  std::string name;
  TrainConfig config;
  std::vector<MetricsRow> rows;
};

std::string folder_name(const std::filesystem::path& path) {
  std::filesystem::path named = path.lexically_normal();
  if (!named.has_filename()) {
    named = named.parent_path();
  }
  if (named.empty() || named == "." || named == "..") {
    named = std::filesystem::weakly_canonical(path);
  }
  return named.filename().string();
}

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

std::string capitalised(std::string text) {
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') {
    text[0] = static_cast<char>(text[0] - 'a' + 'A');
  }
  return text;
}

std::vector<MetricsRow> rows_of_phase(const std::vector<MetricsRow>& rows, Phase phase) {
  std::vector<MetricsRow> result;
  std::copy_if(rows.begin(), rows.end(), std::back_inserter(result),
               [&](const MetricsRow& row) { return row.phase == name(phase); });
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

Run read_run(const std::filesystem::path& path) {
  return {folder_name(path), read_run_config(path), read_metrics(path / "metrics.csv")};
}

std::optional<std::filesystem::path> weights_of(const std::filesystem::path& run, Phase phase) {
  for (const char* ending : {"_last.safetensors", ".safetensors"}) {
    const std::filesystem::path path = run / (std::string(name(phase)) + ending);
    std::error_code unreadable;
    if (std::filesystem::is_regular_file(path, unreadable)) {
      return path;
    }
  }
  return std::nullopt;
}

void add_models(const std::filesystem::path& path, const Run& run,
                std::vector<TrainedModel>& models) {
  const std::int64_t teacher_updates = updates_of(rows_of_phase(run.rows, Phase::teacher));
  bool any = false;
  for (const Phase phase : kPhases) {
    const auto file = weights_of(path, phase);
    if (!file) {
      continue;
    }
    any = true;
    TrainedModel model;
    model.name = name(phase);
    model.run = run.name;
    model.phase = phase;
    model.rows = rows_of_phase(run.rows, phase);
    model.own_updates = updates_of(model.rows);
    model.updates = model.own_updates + (phase == Phase::student ? teacher_updates : 0);
    model.seconds = seconds_of(model.rows);
    if (phase == Phase::teacher) {
      model.teacher = load_teacher(*file, run.config.network.scale);
    } else {
      model.network = load_network(*file, run.config.network.scale);
    }
    models.push_back(std::move(model));
  }
  if (!any) {
    throw Error(ErrorKind::input, message("'", path.string(), "' holds no trained weights yet"));
  }
}

/// Order, names, labels and colours: baselines, teachers, students, each by updates.
void name_models(std::vector<TrainedModel>& models) {
  std::stable_sort(models.begin(), models.end(), [](const TrainedModel& a, const TrainedModel& b) {
    return std::pair(a.phase, a.updates) < std::pair(b.phase, b.updates);
  });
  for (TrainedModel& model : models) {
    model.equal_updates = model.phase == Phase::baseline && model.updates > 0 &&
                          std::any_of(models.begin(), models.end(), [&](const TrainedModel& other) {
                            return other.phase == Phase::student && other.updates == model.updates;
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
    model.colour = model.phase == Phase::student   ? 0
                   : model.phase == Phase::teacher ? 1
                   : model.equal_updates           ? 3
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

std::string distillation_text(const TrainConfig& config) {
  const std::string weight = axis_number(config.train.distillation_weight);
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
    text += (text.empty() ? "" : ", ") + folder_name(folder);
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

const TrainedModel* find_model(const std::vector<TrainedModel>& models, Phase phase,
                               bool equal_updates = false) {
  const auto at = std::find_if(models.rbegin(), models.rend(), [&](const TrainedModel& model) {
    return model.phase == phase && model.equal_updates >= equal_updates;
  });
  return at == models.rend() ? nullptr : &*at;
}

std::string summary_text(const std::vector<Run>& runs, const std::vector<TrainedModel>& models) {
  const TrainConfig& config = runs.front().config;
  std::string parts;
  double seconds = 0;
  for (const TrainedModel& model : models) {
    parts += message(parts.empty() ? "" : ", ", model.label, " ", grouped(model.own_updates));
    seconds += model.seconds;
  }
  return message(title(config.network), " for x", config.network.scale, ", trained on ",
                 training_data_text(config), " (updates: ", parts, ") in ", duration(seconds), ".");
}

std::vector<ReportFact> facts_of(const std::vector<Run>& runs,
                                 const std::vector<TrainedModel>& models) {
  const TrainConfig& config = runs.front().config;
  std::vector<ReportFact> facts;
  facts.push_back({"Network", title(config.network)});
  facts.push_back({"Training images", training_data_text(config)});
  facts.push_back({"Batch", message(config.train.batch_size, " patches of ", config.train.gt_size,
                                    "x", config.train.gt_size)});
  facts.push_back(
      {"Learning rate", message(axis_number(config.train.learning_rate), " to ",
                                axis_number(config.train.final_learning_rate), ", cosine")});
  if (find_model(models, Phase::teacher) != nullptr) {
    facts.push_back({"Imitation weight", axis_number(config.train.imitation_weight)});
  }
  if (find_model(models, Phase::student) != nullptr) {
    facts.push_back({"Distillation", distillation_text(config)});
    facts.push_back({"Weight transfer", config.train.weight_transfer ? "yes" : "no"});
  }
  facts.push_back({"Seed", std::to_string(config.manual_seed)});
  for (const TrainedModel& model : models) {
    if (model.seconds > 0) {
      facts.push_back({model.label, message(grouped(model.own_updates), " updates in ",
                                            duration(model.seconds))});
    }
  }
  return facts;
}

Curve curve_of(const TrainedModel& model, double MetricsRow::*value) {
  Curve curve{model.label, {}, model.colour};
  for (const MetricsRow& row : model.rows) {
    if (!std::isnan(row.*value)) {
      curve.points.push_back({static_cast<double>(row.iteration), row.*value});
    }
  }
  return curve;
}

/// A plot of one column; models without values in it are left out.
Plot plot_of(const std::vector<const TrainedModel*>& models, double MetricsRow::*value,
             std::string title, std::string y_label, Plot::Axes axes) {
  Plot plot;
  plot.title = std::move(title);
  plot.x_label = "iteration";
  plot.y_label = std::move(y_label);
  plot.axes = axes;
  for (const TrainedModel* model : models) {
    Curve curve = curve_of(*model, value);
    if (!curve.points.empty()) {
      plot.curves.push_back(std::move(curve));
    }
  }
  return plot;
}

std::vector<Plot> plots_of(const std::vector<Run>& runs, const std::vector<TrainedModel>& models) {
  const auto of_phase = [&](std::optional<Phase> phase) {
    std::vector<const TrainedModel*> chosen;
    for (const TrainedModel& model : models) {
      if (!phase || model.phase == *phase) {
        chosen.push_back(&model);
      }
    }
    return chosen;
  };
  std::vector<Plot> plots;
  const auto add = [&](Plot plot) {
    if (!plot.curves.empty()) {
      plots.push_back(std::move(plot));
    }
  };
  Plot psnr =
      plot_of(of_phase({}), &MetricsRow::psnr, "PSNR in validation",
              message("dB, protocol ", name(runs.front().config.val.protocol)), Plot::Axes::linear);
  for (const MetricsRow& row : runs.front().rows) {
    if (row.phase == kBicubicModel && std::isfinite(row.psnr)) {
      std::array<char, 32> text{};
      std::snprintf(text.data(), text.size(), "bicubic %.2f", row.psnr);
      psnr.references = {{text.data(), row.psnr}};
      break;
    }
  }
  add(std::move(psnr));
  add(plot_of(of_phase({}), &MetricsRow::reconstruction, "Reconstruction loss",
              "mean absolute error of 0..1", Plot::Axes::log_then_linear));
  add(plot_of(of_phase(Phase::teacher), &MetricsRow::auxiliary, "Imitation loss",
              "teacher's compact features against LR, not weighted", Plot::Axes::log_then_linear));
  if (runs.front().config.train.distillation != Distillation::none) {
    add(plot_of(of_phase(Phase::student), &MetricsRow::auxiliary, "Distillation loss",
                "student's features against the teacher's, not weighted",
                Plot::Axes::linear_then_log));
  }
  add(plot_of(of_phase({}), &MetricsRow::learning_rate, "Learning rate", "",
              Plot::Axes::linear_then_log));
  return plots;
}

std::vector<ReportModel> rows_of(const std::vector<TrainedModel>& models) {
  std::vector<ReportModel> rows(1);
  rows[0].name = kBicubicModel;
  rows[0].label = "Bicubic";
  rows[0].colour = 6;
  for (const TrainedModel& model : models) {
    ReportModel row;
    row.name = model.name;
    row.label = model.label;
    row.updates = model.updates;
    row.colour = model.colour;
    row.parameters = model.model().parameter_count();
    row.sees_truth = model.model().sees_truth();
    if (row.sees_truth) {
      row.note = "sees the truth: no super-resolution";
    }
    if (model.equal_updates) {
      row.note = "as many updates as student and teacher together";
    } else if (model.phase == Phase::student && model.updates > model.own_updates) {
      row.note = message(grouped(model.own_updates), " after its teacher's ",
                         grouped(model.updates - model.own_updates));
    }
    rows.push_back(row);
  }
  return rows;
}

/// Images of the first set that bicubic interpolation does worst on.
std::vector<std::size_t> hardest_images(const EvaluationResult& bicubic) {
  std::vector<std::size_t> order(bicubic.images.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return bicubic.images[a].score.psnr < bicubic.images[b].score.psnr;
  });
  order.resize(std::min(order.size(), kComparisons));
  return order;
}

std::vector<ComparedNetwork> compared_networks(const std::vector<TrainedModel>& models) {
  const TrainedModel* baseline = find_model(models, Phase::baseline, true);
  if (baseline == nullptr) {
    baseline = find_model(models, Phase::baseline);
  }
  std::vector<ComparedNetwork> networks;
  for (const TrainedModel* model : {baseline, find_model(models, Phase::student)}) {
    if (model != nullptr) {
      networks.push_back({model->label, model->network.get()});
    }
  }
  return networks;
}

std::vector<std::string> notes_of(const std::vector<TrainedModel>& models) {
  std::vector<std::string> notes;
  const TrainedModel* student = find_model(models, Phase::student);
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
  notes.emplace_back("All figures are of the weights at the end of the run.");
  return notes;
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

ReportData gather_report(Context& context, ThreadPool& pool, const ReportRequest& request) {
  if (request.runs.empty()) {
    throw Error(ErrorKind::usage, "report: wants at least one run directory, got none");
  }
  std::vector<Run> runs;
  std::vector<TrainedModel> models;
  for (const std::filesystem::path& path : request.runs) {
    runs.push_back(read_run(path));
    add_models(path, runs.back(), models);
  }
  name_models(models);

  ReportData data;
  data.title = request.title;
  if (data.title.empty()) {
    for (const Run& run : runs) {
      data.title += (data.title.empty() ? "" : ", ") + run.name;
    }
  }
  data.summary =
      request.subtitle + (request.subtitle.empty() ? "" : " ") + summary_text(runs, models);
  data.facts = facts_of(runs, models);
  data.models = rows_of(models);
  data.plots = plots_of(runs, models);
  data.notes = notes_of(models);
  const TrainedModel* student = find_model(models, Phase::student);
  const TrainedModel* baseline = find_model(models, Phase::baseline);
  const TrainedModel* equal = find_model(models, Phase::baseline, true);
  data.highlighted = student != nullptr ? student->name : models.back().name;
  if (const TrainedModel* other = equal != nullptr ? equal : baseline; other != nullptr) {
    data.compared = other->name;
  }

  data.table.protocol = request.protocol;
  data.table.scale = runs.front().config.network.scale;
  for (const EvaluationSet& set : request.sets) {
    data.table.results.push_back(evaluate_bicubic(pool, set, request.protocol));
    const EvaluationResult bicubic = data.table.results.back();
    if (std::string difference = compare_with_known(bicubic, data.table.scale, request.protocol);
        !difference.empty()) {
      data.notes.push_back(std::move(difference));
    }
    for (const TrainedModel& model : models) {
      data.table.results.push_back(
          evaluate(context, pool, set, request.protocol, model.name, model.model()));
    }
    if (&set == request.sets.data()) {
      for (const std::size_t image : hardest_images(bicubic)) {
        data.comparisons.push_back(compare_pictures(context, set.data.images[image],
                                                    request.protocol, compared_networks(models)));
      }
    }
  }
  return data;
}

void write_report(const std::filesystem::path& path, const ReportData& data) {
  write_file_atomically(path, std::string_view(render_report(data)));
}

}  // namespace pisr
