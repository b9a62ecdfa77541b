#include "pisr/train/phase_run.h"

#include <iomanip>
#include <utility>
#include <vector>

#include "core/agreement.h"
#include "core/error.h"
#include "pisr/model/architectures.h"
#include "pisr/model/weights.h"
#include "pisr/train/device_stepper.h"

namespace pisr {

namespace {

AdamOptions adam_options(const TrainingConfig& train) {
  return {train.adam_beta1, train.adam_beta2, train.adam_epsilon};
}

CosineSchedule cosine(const TrainConfig& config, TrainingPhase phase) {
  const PhaseSchedule schedule = phase_schedule(config, phase);
  return {schedule.learning_rate, schedule.final_learning_rate, schedule.total_iter,
          schedule.epoch_iterations};
}

StepOptions step_options(const TrainConfig& config, TrainingPhase phase) {
  // The teacher sees other batches than the student it will teach; baseline and student see the
  // same ones, so that their difference is not one of data.
  const std::uint64_t seed =
      phase == TrainingPhase::teacher ? ~config.manual_seed : config.manual_seed;
  return {config.train.batch_size,    config.train.gt_size,       seed,
          config.train.gradient_clip, config.train.max_bad_steps, host_backend(config.backend)};
}

bool has_prefix(const Checkpoint& checkpoint, const std::string& prefix) {
  const auto found = checkpoint.tensors.lower_bound(prefix);
  return found != checkpoint.tensors.end() && found->first.compare(0, prefix.size(), prefix) == 0;
}

void copy_tensor(const Checkpoint& checkpoint, const std::string& key, const std::string& name,
                 const Tensor& target) {
  const auto found = checkpoint.tensors.find(key);
  if (found == checkpoint.tensors.end() || found->second.shape() != target.shape() ||
      found->second.dtype() != target.dtype()) {
    throw Error(ErrorKind::weights,
                message("checkpoint '", name, "': '", key, "' must be ", target, ", got ",
                        found == checkpoint.tensors.end() ? "nothing" : message(found->second)));
  }
  target.copy_from(found->second);
}

std::unique_ptr<Teacher> frozen_teacher(const TrainConfig& config, const Checkpoint& checkpoint,
                                        const std::string& name) {
  if (checkpoint.phase != TrainingPhase::student || !has_prefix(checkpoint, "weights.teacher.")) {
    return nullptr;
  }
  auto teacher = make_teacher(config);
  load_parameters(*teacher, checkpoint.tensors, "weights.teacher", name);
  return teacher;
}

}  // namespace

PhaseRun::PhaseRun(const TrainConfig& config, TrainingPhase phase, std::unique_ptr<Teacher> teacher,
                   const TrainingData& data, ThreadPool& pool, kernels::Device* device,
                   const Crew& crew)
    : config_(config),
      data_(data),
      pool_(pool),
      device_(device),
      crew_(crew),
      model_(config, phase, std::move(teacher)),
      adam_(model_.parameters(), adam_options(config.train)),
      schedule_(cosine(config, phase)) {
  if (config.train.ema > 0) {
    average_.emplace(model_.parameters(), config.train.ema);
  }
}

PhaseRun::PhaseRun(const TrainConfig& config, const Checkpoint& checkpoint, const std::string& name,
                   const TrainingData& data, ThreadPool& pool, kernels::Device* device,
                   const Crew& crew)
    : PhaseRun(config, checkpoint.phase, frozen_teacher(config, checkpoint, name), data, pool,
               device, crew) {
  iteration_ = checkpoint.iteration;
  earlier_updates_ = checkpoint.earlier_updates;
  bad_steps_ = checkpoint.bad_steps;
  best_iteration_ = checkpoint.best_iteration;
  best_score_ = {checkpoint.best_psnr, checkpoint.best_ssim};
  validation_ = checkpoint.validation;
  validation_due_ = checkpoint.validation_due;
  for (const FlatParameters::Entry& entry : model_.parameters().entries()) {
    copy_tensor(checkpoint, "weights." + entry.name, name,
                FlatParameters::part(model_.parameters().values(), entry));
  }
  copy_tensor(checkpoint, "adam.first", name, adam_.first_moment());
  copy_tensor(checkpoint, "adam.second", name, adam_.second_moment());
  adam_.set_steps(checkpoint.adam_steps);
  if (average_) {
    copy_tensor(checkpoint, "ema", name, average_->average());
  }
  for (const auto& [key, tensor] : checkpoint.tensors) {
    if (key.compare(0, 5, "best.") == 0) {
      best_.emplace(key, tensor);
    }
  }
}

std::string PhaseRun::start_from(const InitialWeights& weights) {
  if (phase() == TrainingPhase::student && config_.train.weight_transfer) {
    return "";
  }
  const std::vector<std::string> kept = model_.start_from(weights);
  earlier_updates_ += weights.updates;
  if (average_) {
    average_->average().copy_from(model_.parameters().values());
  }
  std::string line = message(phase_name(phase()), ": starts from '", weights.name, "'");
  for (std::size_t i = 0; i < kept.size(); ++i) {
    line += message(i == 0 ? ", but for " : ", ", kept[i]);
  }
  return line;
}

Stepper& PhaseRun::stepper() {
  if (!stepper_) {
    const TrainingState state{model_, adam_, average()};
    const StepOptions options = step_options(config_, phase());
    stepper_ = device_ != nullptr
                   ? device_stepper(*device_, state, schedule_, data_.train, options)
                   : cpu_stepper(state, schedule_, data_.train, pool_, options, crew_);
  }
  return *stepper_;
}

void PhaseRun::update_host() {
  if (stepper_) {
    stepper_->update_host();
  }
}

std::span<const StepResult> PhaseRun::run(std::int64_t most) {
  const std::span<const StepResult> results = stepper().run(iteration_, most, bad_steps_);
  for (const StepResult& result : results) {
    ++iteration_;
    bad_steps_ = result.applied ? 0 : bad_steps_ + 1;
    failure_ = result.failure;
  }
  return results;
}

void PhaseRun::check_progress() const {
  if (bad_steps_ >= config_.train.max_bad_steps) {
    fail_together(crew_.ranks,
                  Error(ErrorKind::numeric,
                        message(phase_name(phase()), " iteration ", iteration_, ": ", failure_,
                                "; ", bad_steps_, " such steps in a row"),
                        "a lower train.learning_rate or a train.gradient_clip may help"));
  }
}

bool PhaseRun::validate(const Validation& validation, Score& score, const StopCheck& stop) {
  validation_due_ = true;
  score = evaluate_together(crew_.ranks, validation, [&](const EvaluationSet& set) {
    return stepper().evaluate(pool_, set, validation.protocol, stop);
  });
  validation_due_ = false;
  const bool best = best_iteration_ < 0 || score.psnr > best_score_.psnr;
  if (best) {
    update_host();
    const AverageInPlace in_place(average());
    best_ = trained_tensors();
    best_iteration_ = iteration_;
    best_score_ = score;
    validation_ = validation.identity;
  }
  return best;
}

std::string PhaseRun::measure_best_again(const Validation& validation, const StopCheck& stop) {
  if (best_iteration_ < 0 || validation_ == validation.identity) {
    return "";
  }
  Context context(pool_, host_backend(config_.backend));
  const Score before = best_score_;
  const std::unique_ptr<ImageModel> best = model_of(best_);
  best_score_ = evaluate_together(crew_.ranks, validation, [&](const EvaluationSet& set) {
    return evaluate(context, pool_, set, validation.protocol, phase_name(phase()), *best, stop);
  });
  validation_ = validation.identity;
  return message(phase_name(phase()), ": the best weights, of iteration ", best_iteration_,
                 ", are measured again, as protocol or images of the validation may have changed: "
                 "PSNR ",
                 std::fixed, std::setprecision(3), best_score_.psnr, ", was ", before.psnr);
}

Checkpoint PhaseRun::checkpoint() {
  update_host();
  Checkpoint checkpoint;
  checkpoint.phase = phase();
  checkpoint.iteration = iteration_;
  checkpoint.earlier_updates = earlier_updates_;
  checkpoint.adam_steps = adam_.steps();
  checkpoint.bad_steps = static_cast<int>(bad_steps_);
  checkpoint.best_iteration = best_iteration_;
  checkpoint.best_psnr = best_score_.psnr;
  checkpoint.best_ssim = best_score_.ssim;
  checkpoint.validation = validation_;
  checkpoint.validation_due = validation_due_;
  checkpoint.configuration = config_json(config_);
  checkpoint.tensors = best_;
  for (const FlatParameters::Entry& entry : model_.parameters().entries()) {
    checkpoint.tensors.emplace("weights." + entry.name,
                               FlatParameters::part(model_.parameters().values(), entry));
  }
  if (const Teacher* teacher = model_.frozen_teacher()) {
    store_parameters(*teacher, "weights.teacher", checkpoint.tensors);
  }
  checkpoint.tensors.emplace("adam.first", adam_.first_moment());
  checkpoint.tensors.emplace("adam.second", adam_.second_moment());
  if (average_) {
    checkpoint.tensors.emplace("ema", average_->average());
  }
  return checkpoint;
}

void PhaseRun::save_best(const std::filesystem::path& path) const {
  if (best_iteration_ >= 0) {
    save(path, best_, best_iteration_);
  }
}

void PhaseRun::save_last(const std::filesystem::path& path) {
  update_host();
  const AverageInPlace in_place(average());
  save(path, trained_tensors(), iteration_);
}

std::unique_ptr<Teacher> PhaseRun::best_teacher() const {
  auto teacher = make_teacher(config_);
  load_parameters(*teacher, best_, "best", "best teacher");
  return teacher;
}

/// The values of what is trained, as "best.NAME".
std::map<std::string, Tensor> PhaseRun::trained_tensors() const {
  std::map<std::string, Tensor> tensors;
  store_parameters(model_.trained(), "best", tensors);
  return tensors;
}

void PhaseRun::save(const std::filesystem::path& path, const std::map<std::string, Tensor>& tensors,
                    std::int64_t iteration) const {
  const std::map<std::string, std::string> notes{
      {"phase", phase_name(phase())},
      {"iterations", std::to_string(iteration)},
      {"total_iterations", std::to_string(total_iterations())},
      {kEarlierUpdates, std::to_string(earlier_updates_)},
      {"manual_seed", std::to_string(config_.manual_seed)}};
  save_weights(path, *model_of(tensors), notes);
}

/// What is trained, with the values of `tensors`: a network merged, a teacher as it is trained.
std::unique_ptr<ImageModel> PhaseRun::model_of(const std::map<std::string, Tensor>& tensors) const {
  if (phase() == TrainingPhase::teacher) {
    auto teacher = make_teacher(config_);
    load_parameters(*teacher, tensors, "best", phase_name(phase()));
    return teacher;
  }
  auto network = make_network(config_.network);
  load_parameters(*network, tensors, "best", phase_name(phase()));
  return merged(std::move(network));
}

}  // namespace pisr
