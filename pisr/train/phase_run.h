#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "core/parallel.h"
#include "nn/adam.h"
#include "nn/ema.h"
#include "nn/schedule.h"
#include "pisr/train/checkpoint.h"
#include "pisr/train/phase_model.h"
#include "pisr/train/stepper.h"
#include "pisr/train/training_data.h"

namespace pisr {

/// A phase while it is trained: networks, optimiser, and the best weights so far.
class PhaseRun {
 public:
  /// At iteration 0. Keeps references to `data`, `pool` and `device`, on which the updates are made
  /// where it is not null. `teacher` as for PhaseModel. Of a crew with several ranks, all must be
  /// in the same state, and run(), check_progress(), validate() and measure_best_again() are
  /// collective; such a crew has no device.
  PhaseRun(const TrainConfig& config, TrainingPhase phase, std::unique_ptr<Teacher> teacher,
           const TrainingData& data, ThreadPool& pool, kernels::Device* device,
           const Crew& crew = {});
  /// As it was when `checkpoint` was written; `name` stands for it in messages. Throws
  /// Error(weights) where it does not fit the configuration.
  PhaseRun(const TrainConfig& config, const Checkpoint& checkpoint, const std::string& name,
           const TrainingData& data, ThreadPool& pool, kernels::Device* device,
           const Crew& crew = {});

  /// Gives what is trained the values of `weights`, as far as they fit, and returns a line that
  /// says so; a student that starts from its teacher's decoder keeps that, and the line is empty.
  /// At iteration 0, before the first update. Throws Error(weights) where nothing fits.
  std::string start_from(const InitialWeights& weights);

  /// Counts updates that were made before those of this phase: of the student's teacher.
  void add_earlier_updates(std::int64_t updates) noexcept { earlier_updates_ += updates; }
  /// Updates in all so far: of this phase, its teacher and what they started from.
  std::int64_t updates_in_all() const noexcept { return iteration_ + earlier_updates_; }

  TrainingPhase phase() const noexcept { return model_.phase(); }
  std::int64_t iteration() const noexcept { return iteration_; }  ///< updates done
  bool done() const noexcept { return iteration_ >= schedule_.total_iterations; }
  std::int64_t total_iterations() const noexcept { return schedule_.total_iterations; }
  const PhaseModel& model() const noexcept { return model_; }
  double learning_rate(std::int64_t iteration) const { return schedule_.rate(iteration); }

  /// The next updates, at most `most` and at least one. Where loss or gradient are not finite they
  /// change no weight. The result is valid until the next call.
  std::span<const StepResult> run(std::int64_t most);
  /// Throws Error(numeric), naming phase, parameter and images, after train.max_bad_steps updates
  /// in a row that changed no weight; the ranks of a crew fail_together().
  void check_progress() const;

  /// Makes what updates need. Otherwise the first one does; called before, it shows what cannot be
  /// made while nothing has been changed.
  void prepare() { stepper(); }

  /// Measures the network (its moving average, where that is on) and keeps it where it is the best.
  /// Returns whether it is. Where `stop` abandons it (EvaluationStopped), it is due, which a
  /// checkpoint tells too.
  bool validate(const Validation& validation, Score& score, const StopCheck& stop);
  bool validation_due() const noexcept { return validation_due_; }
  /// Where the best score is of another protocol or other images than `validation`, the best
  /// weights are measured again; returns a line that says so, otherwise "".
  std::string measure_best_again(const Validation& validation, const StopCheck& stop);
  std::int64_t best_iteration() const noexcept { return best_iteration_; }  ///< -1: none yet

  Checkpoint checkpoint();
  /// As weight files for use; the best is written where there is one.
  void save_best(const std::filesystem::path& path) const;
  void save_last(const std::filesystem::path& path);
  /// The best teacher, for the student. Teacher phase only.
  std::unique_ptr<Teacher> best_teacher() const;

 private:
  std::map<std::string, Tensor> trained_tensors() const;
  void save(const std::filesystem::path& path, const std::map<std::string, Tensor>& tensors,
            std::int64_t iteration) const;
  std::unique_ptr<ImageModel> model_of(const std::map<std::string, Tensor>& tensors) const;
  ExponentialMovingAverage* average() noexcept { return average_ ? &*average_ : nullptr; }
  Stepper& stepper();
  void update_host();

  TrainConfig config_;
  const TrainingData& data_;
  ThreadPool& pool_;
  kernels::Device* device_;
  Crew crew_;
  PhaseModel model_;
  Adam adam_;
  std::optional<ExponentialMovingAverage> average_;
  CosineSchedule schedule_;
  std::unique_ptr<Stepper> stepper_;  ///< null before it is needed
  std::int64_t iteration_ = 0;
  std::int64_t earlier_updates_ = 0;
  std::int64_t bad_steps_ = 0;
  std::string failure_;  ///< of the last step that was not applied
  std::int64_t best_iteration_ = -1;
  Score best_score_;
  std::string validation_;  ///< Validation::identity of the best score
  bool validation_due_ = false;
  std::map<std::string, Tensor> best_;  ///< "best.NAME"
};

}  // namespace pisr
