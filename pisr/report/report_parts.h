#pragma once
// The parts of the page, which report_html.cpp puts together: each returns HTML.

#include <cstdint>
#include <string>
#include <vector>

#include "pisr/report/report.h"

namespace pisr {

// report_results.cpp

/// The sets of a table, each once, in their order.
std::vector<std::string> sets_of(const EvaluationTable& table);

/// The result of a model on a set; null where there is none.
const EvaluationResult* find_result(const EvaluationTable& table, const std::string& set,
                                    const std::string& model);

/// A card for each set: what the highlighted model reaches, and by how much it leads.
std::string hero_cards(const ReportData& data);

/// Means of all models on all sets, the best of each column (the teachers aside) in bold.
std::string result_table(const ReportData& data);

/// PSNR of each image of a set, behind a click.
std::string image_table(const ReportData& data, const std::string& set);

/// Multiply-adds as in tables: "2.87 G".
std::string giga_text(std::int64_t multiply_adds);

// report_pictures.cpp

/// A piece of an image in its versions: two under a divider, and all in a row with their scores.
std::string comparison_card(const ReportComparison& comparison);

/// The pictures of figure 3, enlarged alike, and its plots.
std::string compact_card(const ReportCompact& compact);

// report_cost.cpp

/// PSNR of models and published systems against their cost, figure 4, and the published numbers
/// behind a click. Empty where no model has a cost.
std::string cost_card(const ReportData& data);

// report_chart.cpp

/// What assets/KIND.js draws from `json`, which is safe in a script element.
std::string script_figure(const char* kind, const std::string& json);

/// Says where the script does not run that `what`, a plural, is missing.
std::string no_script_note(const char* what);

}  // namespace pisr
