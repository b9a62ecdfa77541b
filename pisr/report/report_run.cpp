#include "pisr/report/report_run.h"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <utility>

#include "core/atomic_file.h"
#include "core/error.h"
#include "pisr/model/published_results.h"
#include "pisr/report/report_compact.h"
#include "pisr/report/report_comparison.h"
#include "pisr/report/report_models.h"
#include "pisr/report/report_plots.h"
#include "pisr/report/report_summary.h"
#include "pisr/report/report_text.h"
#include "pisr/report/report_timing.h"

namespace pisr {
namespace {

constexpr std::size_t kComparisons = 4;

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
    if (model.network != nullptr) {
      row.multiply_adds = model.network->multiply_adds(kCostWidth, kCostHeight);
    }
    if (row.sees_truth) {
      row.note = "sees the truth: no super-resolution";
    }
    if (model.equal_updates) {
      row.note = "as many updates as student and teacher together";
    } else if (model.phase == TrainingPhase::student && model.updates > model.own_updates) {
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

/// What the student is compared with: the baseline with as many updates as the student, as in the
/// paper, and the one with as many as student and teacher together; where there is neither, the
/// baseline with most updates.
std::vector<const TrainedModel*> compared_baselines(const std::vector<TrainedModel>& models) {
  const TrainedModel* student = find_model(models, TrainingPhase::student);
  std::vector<const TrainedModel*> baselines;
  if (student != nullptr) {
    const auto same = std::find_if(models.begin(), models.end(), [&](const TrainedModel& model) {
      return model.phase == TrainingPhase::baseline && !model.equal_updates &&
             model.updates == student->own_updates;
    });
    if (same != models.end()) {
      baselines.push_back(&*same);
    }
  }
  for (const bool equal : {true, false}) {
    const TrainedModel* other = find_model(models, TrainingPhase::baseline, equal);
    if (other != nullptr && (equal || baselines.empty())) {
      baselines.push_back(other);
    }
  }
  return baselines;
}

std::vector<ComparedNetwork> compared_networks(const std::vector<TrainedModel>& models) {
  std::vector<ComparedNetwork> networks;
  for (const TrainedModel* baseline : compared_baselines(models)) {
    networks.push_back({baseline->label, baseline->network.get()});
  }
  if (const TrainedModel* student = find_model(models, TrainingPhase::student)) {
    networks.push_back({student->label, student->network.get()});
  }
  return networks;
}

/// The encoders of all teachers that have one, those without the imitation loss last.
std::vector<ShownEncoder> shown_encoders(const std::vector<TrainedModel>& models) {
  std::vector<ShownEncoder> encoders;
  for (const bool imitates : {true, false}) {
    for (const TrainedModel& model : models) {
      if (model.teacher != nullptr && model.teacher->hourglass() &&
          (model.imitation_weight != 0.0) == imitates) {
        const std::string weight =
            !model.imitation_weight ? ""
            : imitates              ? ", imitation weight " + short_number(*model.imitation_weight)
                                    : ", without imitation loss";
        encoders.push_back({model.label + weight, model.colour, model.teacher->encoder()});
      }
    }
  }
  return encoders;
}

/// What others reached on the same images; nothing where the images are not those of Set5.
std::vector<PublishedResult> comparable_results(const EvaluationTable& table) {
  if (cost_set(table) != "Set5") {
    return {};
  }
  for (const EvaluationResult& result : table.results) {
    if (result.set == "Set5" && result.model == kBicubicModel &&
        known_bicubic(result.set, result.images.size(), table.scale, table.protocol) &&
        compare_with_known(result, table.scale, table.protocol).empty()) {
      return published_results(table.scale);
    }
  }
  return {};
}

/// Measures the networks, whose rows are those of `rows` behind bicubic interpolation. Returns what
/// the page says of it.
std::string measure_times(Context& context, const ThreadPool& pool, const StopCheck& stop,
                          const std::vector<TrainedModel>& models, std::vector<ReportModel>& rows) {
  for (std::size_t i = 0; i < models.size(); ++i) {
    if (stop && stop()) {
      throw EvaluationStopped();
    }
    if (models[i].network != nullptr) {
      rows[i + 1].milliseconds =
          median_milliseconds(context, *models[i].network, kCostWidth, kCostHeight);
    }
  }
  return message("Times are medians of several runs on the CPU that made this page, with ",
                 pool.threads(), pool.threads() == 1 ? " thread" : " threads",
                 ", from a plane of values to another.");
}

/// What the models are measured under.
Protocol protocol_of(const std::vector<TrainedModel>& models, Protocol wanted) {
  const auto channels = [](const TrainedModel& model) { return model.model().spec().channels; };
  for (const TrainedModel& model : models) {
    if (channels(model) != channels(models.front())) {
      throw Error(ErrorKind::usage,
                  message("report: all runs must be on luminance or all on RGB, '",
                          models.front().run, "' and '", model.run, "' differ"));
    }
  }
  return protocol_for(wanted, channels(models.front()));
}

}  // namespace

ReportData gather_report(Context& context, ThreadPool& pool, const ReportRequest& request) {
  if (request.runs.empty()) {
    throw Error(ErrorKind::usage, "report: at least one run directory must be given, got none");
  }
  std::vector<ReportRun> runs;
  std::vector<TrainedModel> models;
  for (const std::filesystem::path& path : request.runs) {
    runs.push_back(read_run(path));
    add_models(path, runs.back(), request.weights, models);
  }
  name_models(models);

  ReportData data;
  data.title = request.title;
  if (data.title.empty()) {
    for (const ReportRun& run : runs) {
      data.title += (data.title.empty() ? "" : ", ") + run.name;
    }
  }
  data.summary =
      request.subtitle + (request.subtitle.empty() ? "" : " ") + summary_text(runs, models);
  data.facts = facts_of(runs, models);
  data.models = rows_of(models);
  data.plots = plots_of(runs, models);
  data.notes = notes_of(models);
  const TrainedModel* student = find_model(models, TrainingPhase::student);
  data.highlighted = student != nullptr ? student->name : models.back().name;
  for (const TrainedModel* baseline : compared_baselines(models)) {
    if (baseline->name != data.highlighted) {
      data.compared.push_back(baseline->name);
    }
  }

  const Protocol protocol = protocol_of(models, request.protocol);
  data.table.protocol = protocol;
  data.table.scale = runs.front().config.network.scale;
  for (const EvaluationSet& set : request.sets) {
    data.table.results.push_back(evaluate_bicubic(pool, set, protocol, request.stop));
    const EvaluationResult bicubic = data.table.results.back();
    if (std::string difference = compare_with_known(bicubic, data.table.scale, protocol);
        !difference.empty()) {
      data.notes.push_back(std::move(difference));
    }
    for (const TrainedModel& model : models) {
      data.table.results.push_back(
          evaluate(context, pool, set, protocol, model.name, model.model(), request.stop));
    }
    if (&set == request.sets.data()) {
      for (const std::size_t image : hardest_images(bicubic)) {
        data.comparisons.push_back(
            compare_pictures(context, set.data.images[image], protocol, compared_networks(models)));
      }
      const std::vector<ShownEncoder> encoders = shown_encoders(models);
      if (!encoders.empty() && !data.comparisons.empty()) {
        const ImagePair& image = set.data.images[hardest_images(bicubic).front()];
        data.compact.push_back(
            show_compact(context, image, protocol, data.comparisons.front(), encoders));
      }
    }
  }
  data.published = comparable_results(data.table);
  if (request.time) {
    data.timing = measure_times(context, pool, request.stop, models, data.models);
  }
  return data;
}

void write_report(const std::filesystem::path& path, const ReportData& data) {
  write_file_atomically(path, std::string_view(render_report(data)));
}

}  // namespace pisr
