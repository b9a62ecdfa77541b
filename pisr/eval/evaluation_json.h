#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "pisr/eval/evaluate.h"

namespace pisr {

/// Results of several models on several sets, as pisr_eval --json writes them.
struct EvaluationTable {
  Protocol protocol = Protocol::pisr;  ///< of its first row; EvaluationResult::protocol of each
  int scale = 2;
  std::vector<EvaluationResult> results;
};

/// {"protocol", "scale", "results": [{"set", "model", "protocol", "psnr", "ssim", "images":
/// [{"name", "psnr", "ssim", "ms"}]}]}. A PSNR that is infinite (output and truth are equal) is
/// null.
std::string to_json(const EvaluationTable& table);

/// The inverse of to_json; results that do not name their protocol have the table's. Throws
/// Error(input), which calls the text `name`, for any other content.
EvaluationTable evaluation_table_from_json(const std::string& text, const std::string& name);

/// Throws Error(input) also where the file cannot be read.
EvaluationTable read_evaluation_table(const std::filesystem::path& path);

}  // namespace pisr
