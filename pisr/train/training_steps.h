#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "nn/ema.h"
#include "nn/schedule.h"
#include "pisr/eval/evaluate.h"
#include "pisr/train/training_step.h"

namespace pisr {

/// What training changes. The host's copy of it: where steps are made on a device it is brought up
/// to date by TrainingSteps::update_host().
struct TrainingState {
  const PhaseModel& model;  ///< its parameters' values
  Adam& adam;
  ExponentialMovingAverage* average;  ///< null: none
};

/// Makes the updates of a phase, on the CPU or on a device.
class TrainingSteps {
 public:
  virtual ~TrainingSteps() = default;

  /// Makes the updates of `iteration` and of those behind it, at most `most` in all and at least
  /// one, and says what they were, in order. A step whose loss or gradient is not finite changes
  /// nothing. `bad_steps` such steps came directly before; the last one of
  /// StepOptions::max_bad_steps in a row is the last that is made.
  virtual std::vector<StepResult> run(std::int64_t iteration, std::int64_t most,
                                      std::int64_t bad_steps) = 0;

  /// Measures the network that is trained (its moving average, where there is one), on the CPU
  /// where a device has not the memory for the frames.
  virtual EvaluationResult evaluate(ThreadPool& pool, const EvaluationSet& set,
                                    Protocol protocol) = 0;

  /// Brings the training state of the host up to date.
  virtual void update_host() = 0;
};

/// evaluate() of what `model` trains.
EvaluationResult evaluate_trained(Context& context, ThreadPool& pool, const EvaluationSet& set,
                                  Protocol protocol, const PhaseModel& model,
                                  ExponentialMovingAverage* average);

/// Updates on the CPU, one a call. Keeps references to all that is given. Throws Error(input) for
/// an image smaller than the patch.
std::unique_ptr<TrainingSteps> cpu_training_steps(const TrainingState& state,
                                                  const CosineSchedule& schedule,
                                                  const Dataset& data, ThreadPool& pool,
                                                  const StepOptions& options);

}  // namespace pisr
