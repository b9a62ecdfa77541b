#include "pisr/train/loss_schedule.h"

#include <cmath>

#include "nn/schedule.h"

namespace pisr {

LossSchedule::LossSchedule(const TrainConfig& config, TrainingPhase phase)
    : last_loss_(config.train.last_loss),
      distils_(phase == TrainingPhase::student && config.train.distillation != Distillation::none),
      weight_(config.train.distillation_weight),
      decay_(config.train.distillation_decay) {
  const PhaseSchedule schedule = phase_schedule(config, phase);
  const auto share = [&](double of_updates) {
    return std::llround(of_updates * static_cast<double>(schedule.total_iter));
  };
  last_loss_from_ = schedule.total_iter - share(config.train.last_loss_share);
  until_ = share(config.train.distillation_until);
  epoch_iterations_ = schedule.epoch_iterations;
}

LossSettings LossSchedule::at(std::int64_t iteration) const {
  LossSettings settings;
  if (iteration >= last_loss_from_) {
    settings.reconstruction = last_loss_;
  }
  settings.distils = distils_ && iteration < until_;
  if (!settings.distils) {
    return settings;
  }
  settings.distillation_weight = weight_;
  if (decay_ == DistillationDecay::linear) {
    const std::int64_t at_epoch_start = iteration / epoch_iterations_ * epoch_iterations_;
    settings.distillation_weight *=
        1 - static_cast<double>(at_epoch_start) / static_cast<double>(until_);
  } else if (decay_ == DistillationDecay::cosine) {
    settings.distillation_weight =
        CosineSchedule{weight_, 0, until_, epoch_iterations_}.rate(iteration);
  }
  return settings;
}

}  // namespace pisr
