#pragma once

#include <vector>

#include "pisr/report/report_models.h"
#include "pisr/report/svg_plot.h"

namespace pisr {

/// The curves of training: PSNR in validation, each loss, the learning rate. Plots without a value
/// are left out.
std::vector<Plot> plots_of(const std::vector<ReportRun>& runs,
                           const std::vector<TrainedModel>& models);

}  // namespace pisr
