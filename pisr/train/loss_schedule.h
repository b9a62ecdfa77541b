#pragma once

#include <cstdint>

#include "pisr/train/config.h"

namespace pisr {

/// What may change in the loss of a phase.
struct LossSettings {
  Reconstruction reconstruction = Reconstruction::l1;
  bool distils = false;
  double distillation_weight = 0;

  friend bool operator==(const LossSettings&, const LossSettings&) = default;
};

/// The loss of each update of a phase: train.last_loss, train.distillation_until and
/// train.distillation_decay.
class LossSchedule {
 public:
  LossSchedule(const TrainConfig& config, TrainingPhase phase);

  /// Of iteration 0, 1, ...
  LossSettings at(std::int64_t iteration) const;

 private:
  Reconstruction last_loss_;
  std::int64_t last_loss_from_;  ///< iteration
  bool distils_;
  double weight_;
  std::int64_t until_;  ///< iteration
  DistillationDecay decay_;
  std::int64_t epoch_iterations_;
};

}  // namespace pisr
