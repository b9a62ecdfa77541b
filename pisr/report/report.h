#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "pisr/eval/evaluation_json.h"
#include "pisr/image/image.h"
#include "pisr/model/network.h"
#include "pisr/model/published_results.h"
#include "pisr/report/plot.h"

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
  /// Of an output of kCostWidth x kCostHeight; nothing: not shown.
  std::optional<MultiplyAdds> multiply_adds = {};
  double milliseconds = 0;  ///< of an output of that size; 0: not measured
};

/// The size of the output that multiply-adds and times are of, as in the paper.
inline constexpr int kCostWidth = 1280;
inline constexpr int kCostHeight = 720;

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

/// A picture of compact features, of what they imitate, or of the truth.
struct CompactPicture {
  std::string label;
  std::string note;  ///< the range of its values
  Image8 image;
};

/// Figure 3 of the paper: what encoders make of an image, beside X and Y.
struct ReportCompact {
  std::string name;
  /// X and X^ of one size, Y `scale` times as large.
  std::vector<CompactPicture> pictures;
  Plot spectrum;
  Plot histogram;
  int width = 0;  ///< of the part of the truth that both plots are of
  int height = 0;
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
  /// Names of the models, besides bicubic, with which the highlighted one is compared.
  std::vector<std::string> compared;
  std::vector<ReportComparison> comparisons;
  /// What others reached on the set of cost_set(), at the scale of the table. Empty where they
  /// cannot be compared.
  std::vector<PublishedResult> published;
  std::string timing;  ///< how ReportModel::milliseconds were measured
  std::vector<ReportCompact> compact;
  std::vector<Plot> plots;
  std::vector<std::string> notes;
};

/// The set whose PSNR is shown against the cost: Set5 where it was measured, otherwise the first.
/// Empty where there is none.
std::string cost_set(const EvaluationTable& table);

/// The report as one HTML page that needs no network and no other file. It can be read on a phone,
/// in light and dark, in print and by keyboard. Its script draws curves and moves sliders; without
/// it tables and pictures are there, and the page says what is not. All texts are escaped, so they
/// may hold anything.
std::string render_report(const ReportData& data);

}  // namespace pisr
