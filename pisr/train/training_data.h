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
};

/// Reads what config.data names, with the rules of docs/configuration.md for what it does not
/// name. Images smaller than train.gt_size are left out, which Dataset::excluded then says; Error
/// input where all are. Throws what load_dataset throws.
TrainingData load_training_data(const TrainConfig& config);
/// TrainingData::validation alone.
EvaluationSet load_validation_set(const TrainConfig& config);

}  // namespace pisr
