#include "pisr/report/report_plots.h"

#include <array>
#include <cmath>
#include <cstdio>
#include <optional>
#include <string>
#include <utility>

#include "core/error.h"
#include "pisr/eval/evaluate.h"

namespace pisr {
namespace {

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

}  // namespace

std::vector<Plot> plots_of(const std::vector<ReportRun>& runs,
                           const std::vector<TrainedModel>& models) {
  const auto of_phase = [&](std::optional<TrainingPhase> phase) {
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
  Plot psnr = plot_of(of_phase({}), &MetricsRow::psnr, "PSNR in validation",
                      message("dB, protocol ", name(validation_protocol(runs.front().config))),
                      Plot::Axes::linear);
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
  add(plot_of(of_phase(TrainingPhase::teacher), &MetricsRow::auxiliary, "Imitation loss",
              "teacher's compact features against LR, not weighted", Plot::Axes::log_then_linear));
  if (runs.front().config.train.distillation != Distillation::none) {
    add(plot_of(of_phase(TrainingPhase::student), &MetricsRow::auxiliary, "Distillation loss",
                "student's features against the teacher's, not weighted",
                Plot::Axes::linear_then_log));
  }
  add(plot_of(of_phase({}), &MetricsRow::learning_rate, "Learning rate", "",
              Plot::Axes::linear_then_log));
  return plots;
}

}  // namespace pisr
