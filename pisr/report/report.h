#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "pisr/eval/evaluation_json.h"
#include "pisr/image/image.h"
#include "pisr/report/svg_plot.h"

namespace pisr {

/// A line of the table of facts.
struct ReportFact {
  std::string label;
  std::string value;
};

/// A row of the table of results.
struct ReportModel {
  std::string name;             ///< EvaluationResult::model
  std::string label;            ///< as shown; the name where empty
  std::string note;             ///< small print below the label
  std::int64_t parameters = 0;  ///< 0: not shown
  /// Optimiser steps in all, those of its teacher included; 0: not shown.
  std::int64_t updates = 0;
  /// A teacher, which is given the truth: never counted as the best of a column.
  bool sees_truth = false;
  int colour = 0;  ///< as Curve::colour
};

/// One version of a piece of an image.
struct ReportPicture {
  std::string label;
  Image8 image;
  std::optional<Score> score;  ///< of the whole image; empty for the truth
};

/// A piece of an image in several versions of one size: the truth, bicubic, then the others.
struct ReportComparison {
  std::string name;
  std::vector<ReportPicture> pictures;
  Image8 overview;  ///< the whole image, small; empty: not shown
  /// Where the piece lies in the whole image, as fractions of its width and height.
  double left = 0;
  double top = 0;
  double width = 1;
  double height = 1;
};

/// What a report shows.
struct ReportData {
  std::string title;
  std::string summary;  ///< a sentence or two
  std::vector<ReportFact> facts;
  EvaluationTable table;
  /// Rows of the table in their order; models without an entry follow in the order of the results.
  std::vector<ReportModel> models;
  std::string highlighted;  ///< name of the model the page is about, e.g. "student"
  /// Name of the model, besides bicubic, with which the highlighted one is compared; may be empty.
  std::string compared;
  std::vector<ReportComparison> comparisons;
  std::vector<Plot> plots;
  std::vector<std::string> notes;
};

/// The report as one HTML page that needs no network and no other file. It can be read on a phone,
/// in light and dark, in print, by keyboard and, except for the sliders, without scripts. All texts
/// are escaped, so they may hold anything.
std::string render_report(const ReportData& data);

}  // namespace pisr
