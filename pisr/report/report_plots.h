#pragma once

#include <vector>

#include "pisr/report/plot.h"
#include "pisr/report/report_models.h"

namespace pisr {

/// The curves of training: PSNR in validation, each loss, the learning rate. Plots without a value
/// are left out.
std::vector<Plot> plots_of(const std::vector<ReportRun>& runs,
                           const std::vector<TrainedModel>& models);

}  // namespace pisr
