#include "pisr/train/config.h"

#include <algorithm>

#include "core/device_choice.h"
#include "core/error.h"

namespace pisr {

namespace {

[[noreturn]] void fail(const std::string& text) {
  throw Error(ErrorKind::usage, text);
}

const PhaseOverride& phase_override(const TrainConfig& config, TrainingPhase phase) {
  switch (phase) {
    case TrainingPhase::baseline:
      return config.train.baseline;
    case TrainingPhase::teacher:
      return config.train.teacher;
    case TrainingPhase::student:
      break;
  }
  return config.train.student;
}

}  // namespace

void check_config(const TrainConfig& config) {
  parse_device(config.device);
  completed(config.network);
  const int scale = config.network.scale;
  if (config.train.gt_size % scale != 0) {
    fail(message("train.gt_size must be a multiple of network.scale ", scale, ", got ",
                 config.train.gt_size));
  }
  if (config.data.built_in.size % scale != 0) {
    fail(message("data.built_in.size must be a multiple of network.scale ", scale, ", got ",
                 config.data.built_in.size));
  }
  if (config.data.train.empty() && config.data.built_in.size < config.train.gt_size) {
    fail(message("data.built_in.size must be at least train.gt_size ", config.train.gt_size,
                 ", got ", config.data.built_in.size));
  }
  for (const TrainingPhase phase : kTrainingPhases) {
    const PhaseSchedule schedule = phase_schedule(config, phase);
    if (!(schedule.final_learning_rate <= schedule.learning_rate)) {
      fail(message("train.final_learning_rate must be at most train.learning_rate ",
                   schedule.learning_rate, ", got ", schedule.final_learning_rate, " (",
                   phase_name(phase), ")"));
    }
  }
}

PhaseSchedule phase_schedule(const TrainConfig& config, TrainingPhase phase) {
  const TrainingConfig& train = config.train;
  const PhaseOverride& own = phase_override(config, phase);
  PhaseSchedule schedule{};
  schedule.total_iter = own.total_iter.value_or(train.total_iter);
  schedule.learning_rate = own.learning_rate.value_or(train.learning_rate);
  schedule.final_learning_rate = own.final_learning_rate.value_or(train.final_learning_rate);
  schedule.epoch_iterations = std::min(own.epoch_iterations.value_or(train.epoch_iterations),
                                       std::max<std::int64_t>(1, schedule.total_iter / 1000));
  return schedule;
}

Protocol validation_protocol(const TrainConfig& config) {
  return protocol_for(config.val.protocol, config.network.channels);
}

std::vector<TrainingPhase> phases(const TrainConfig& config) {
  switch (config.train.phase) {
    case PhaseChoice::baseline:
      return {TrainingPhase::baseline};
    case PhaseChoice::teacher:
      return {TrainingPhase::teacher};
    case PhaseChoice::student:
      return {TrainingPhase::student};
    case PhaseChoice::all:
      break;
  }
  return {TrainingPhase::teacher, TrainingPhase::student};
}

}  // namespace pisr
