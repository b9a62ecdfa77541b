#pragma once

#include <string>
#include <utility>
#include <vector>

#include "pisr/eval/evaluate.h"

namespace pisr {

inline EvaluationResult result_of(const std::string& set, const std::string& model, Score mean,
                                  std::vector<ImageResult> images) {
  return {set, model, mean, std::move(images)};
}

}  // namespace pisr
