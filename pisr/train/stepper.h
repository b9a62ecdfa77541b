#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/parallel.h"
#include "kernels/training_args.h"
#include "nn/adam.h"
#include "nn/ema.h"
#include "nn/schedule.h"
#include "pisr/data/dataset.h"
#include "pisr/eval/evaluate.h"
#include "pisr/train/phase_model.h"
#include "pisr/train/ranks.h"

namespace pisr {

/// What an update depends on beside the learning rate.
struct StepOptions {
  int batch_size = 16;
  int gt_size = 192;
  std::uint64_t seed = 0;          ///< of the batches
  double gradient_clip = 0;        ///< largest norm; 0: not clipped
  int max_bad_steps = 10;          ///< see Stepper
  Backend backend = Backend::cpu;  ///< where the CPU makes the steps
};

/// What an update gave.
struct StepResult : kernels::StepValues {
  /// false: loss or gradient were not finite, and nothing was changed.
  bool applied = false;
  double data_seconds = 0;   ///< time of making the patches, a mean over the threads of this rank
  bool stop_wanted = false;  ///< whether a process of the crew was asked to stop
  /// Of a step that was not applied: what was not finite and in which images, for an error text.
  std::string failure;
};

/// What training changes. The host's copy of it: where steps are made on a device it is brought up
/// to date by Stepper::update_host().
struct TrainingState {
  const PhaseModel& model;  ///< its parameters' values
  Adam& adam;
  ExponentialMovingAverage* average;  ///< null: none
};

/// Makes the updates of a phase, on the CPU or on a device. The batch of an update is a function of
/// seed and iteration alone.
class Stepper {
 public:
  virtual ~Stepper() = default;

  /// Makes the updates of `iteration` and of those behind it, at most `most` in all and at least
  /// one, and says what they were, in order; the result is valid until the next call. A step whose
  /// loss or gradient is not finite changes nothing. `bad_steps` such steps came directly before;
  /// the last one of StepOptions::max_bad_steps in a row is the last that is made.
  virtual std::span<const StepResult> run(std::int64_t iteration, std::int64_t most,
                                          std::int64_t bad_steps) = 0;

  /// Measures the model that is trained (its moving average, where there is one), on the CPU where
  /// a device has not the memory for the images.
  virtual EvaluationResult evaluate(ThreadPool& pool, const EvaluationSet& set, Protocol protocol,
                                    const StopCheck& stop = {}) = 0;

  /// Brings the training state of the host up to date.
  virtual void update_host() = 0;
};

/// Updates on the CPU, one a call.
///
/// Each image of the batch is a task of its own with its own tape, memory and gradient, run by one
/// thread from the patch to the gradient: what it computes stays in that core's cache, and threads
/// meet once a step. The gradients are then added in the order of the images, so the result does
/// not depend on the number of threads. After the first step nothing is allocated.
///
/// The ranks of a crew share the images of a batch, which are those of one process. They add their
/// gradients once a step, and losses, requests to stop and marks of the weights with them. Then
/// each makes the whole update. run() is collective. Where their weights differ,
/// all throw AgreedFailure of an Error(numeric).
///
/// Keeps references to all that is given. Throws Error(input) for an image smaller than the patch,
/// and Error(usage) where there are more ranks than images in a batch.
std::unique_ptr<Stepper> cpu_stepper(const TrainingState& state, const CosineSchedule& schedule,
                                     const Dataset& data, ThreadPool& pool,
                                     const StepOptions& options, const Crew& crew = {});

/// evaluate() of what `model` trains.
EvaluationResult evaluate_trained(Context& context, ThreadPool& pool, const EvaluationSet& set,
                                  Protocol protocol, const PhaseModel& model,
                                  ExponentialMovingAverage* average, const StopCheck& stop);

/// For error texts: "image a", or "images a, b, c, d and 3 more"; a name that is there twice counts
/// once.
std::string list_of_images(const std::vector<std::string>& names);

}  // namespace pisr
