#pragma once

#include <string>
#include <vector>

#include "pisr/data/dataset.h"
#include "pisr/eval/evaluate.h"
#include "pisr/train/config.h"

namespace pisr {

/// What a run learns from and what it is validated on.
struct TrainingData {
  Dataset train;
  EvaluationSet validation;
  /// What a person should know of the data before days are spent on it, a line each.
  std::vector<std::string> warnings;
};

/// What networks are measured on while they are trained.
struct Validation {
  const EvaluationSet& set;
  Protocol protocol;
  /// Of protocol and images: scores of two validations can be compared where it is the same.
  std::string identity;
};
/// Keeps a reference to `set`.
Validation make_validation(const EvaluationSet& set, Protocol protocol);

/// Reads what config.data names, with the rules of docs/configuration.md for what it does not
/// name. Images smaller than train.gt_size are left out, which Dataset::excluded then says; Error
/// input where all are. Warns of names in data.exclude that no image has, and of images that are
/// both trained and validated on. Throws what load_dataset throws.
TrainingData load_training_data(const TrainConfig& config);
/// TrainingData::validation alone.
EvaluationSet load_validation_set(const TrainConfig& config);

}  // namespace pisr
