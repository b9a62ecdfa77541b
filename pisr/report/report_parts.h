#pragma once
// The parts of the page, which report_html.cpp puts together: each returns HTML.

#include <cstddef>
#include <string>
#include <vector>

#include "pisr/report/report.h"

namespace pisr {

// report_results.cpp

/// The sets of a table, each once, in their order.
std::vector<std::string> sets_of(const EvaluationTable& table);

/// A card for each set: what the highlighted model reaches, and by how much it leads.
std::string hero_cards(const ReportData& data);

/// Means of all models on all sets, the best of each column (the teachers aside) in bold.
std::string result_table(const ReportData& data);

/// PSNR of each image of a set, behind a click.
std::string image_table(const ReportData& data, const std::string& set);

// report_pictures.cpp

/// A piece of an image in its versions: two under a divider, and all in a row with their scores.
std::string comparison_card(const ReportComparison& comparison);

// report_chart.cpp

/// A plot with its legend and the choice of its axis. `number` is the plot's on the page.
std::string chart(const Plot& plot, std::size_t number);

}  // namespace pisr
