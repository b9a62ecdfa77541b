#pragma once

#include <string>
#include <vector>

#include "pisr/report/report.h"
#include "pisr/report/report_models.h"

namespace pisr {

// What the report says in words. Configurations are those of the first run.

/// "NETWORK for x2, trained on DIV2K (updates: Teacher 100, Student 200) in 3 min 4 s."
std::string summary_text(const std::vector<ReportRun>& runs,
                         const std::vector<TrainedModel>& models);

/// What was trained, on what, and how: the labels and values of the page's list.
std::vector<ReportFact> facts_of(const std::vector<ReportRun>& runs,
                                 const std::vector<TrainedModel>& models);

/// How the figures are to be read.
std::vector<std::string> notes_of(const std::vector<TrainedModel>& models);

}  // namespace pisr
