#include "pisr/train/device_stepper.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include "nn/clip.h"
#include "pisr/data/sampler.h"
#include "pisr/train/device_batches.h"

namespace pisr {
namespace {

constexpr std::int64_t kMostSteps = 100;  // a call

class DeviceStepper final : public Stepper {
 public:
  DeviceStepper(kernels::Device& device, const TrainingState& state, const CosineSchedule& schedule,
                const Dataset& data, const StepOptions& options, Launching launching);

  std::span<const StepResult> run(std::int64_t iteration, std::int64_t most,
                                  std::int64_t bad_steps) override;
  EvaluationResult evaluate(ThreadPool& pool, const EvaluationSet& set, Protocol protocol,
                            const StopCheck& stop) override;
  void update_host() override;

 private:
  kernels::Device& device_;
  void prepare(std::int64_t iteration, std::int64_t count, std::int64_t bad_steps);
  void step();
  void capture();
  std::string failure(std::int64_t iteration, const kernels::StepRow& row, bool is_last) const;

  TrainingState host_;
  CosineSchedule schedule_;
  const Dataset& data_;
  StepOptions options_;
  BatchSampler sampler_;
  Context context_;
  Tape tape_;
  PhaseModel model_;
  Adam adam_;
  std::optional<ExponentialMovingAverage> average_;
  Tensor gradient_;
  DeviceBatches batches_;
  DeviceArray<kernels::StepControl> control_;
  DeviceArray<kernels::StepConstants> constants_;
  DeviceArray<kernels::StepRow> rows_;
  LossSettings loss_;  ///< of the step that is captured, or made next
  std::optional<CapturedStep> captured_;
  bool host_is_old_ = false;
  std::vector<StepResult> results_;  ///< of the last call
};

DeviceStepper::DeviceStepper(kernels::Device& device, const TrainingState& state,
                             const CosineSchedule& schedule, const Dataset& data,
                             const StepOptions& options, Launching launching)
    : device_(device),
      host_(state),
      schedule_(schedule),
      data_(data),
      options_(options),
      sampler_(data, options.seed, options.gt_size, state.model.channels()),
      context_(device),
      tape_(context_),
      model_(state.model, &device),
      adam_(model_.parameters(), state.adam.options()),
      gradient_(model_.parameters().make_gradient()),
      batches_(device, data, options, state.model.channels()),
      control_(device, 1),
      constants_(device, kMostSteps),
      rows_(device, kMostSteps) {
  adam_.first_moment().copy_from(state.adam.first_moment());
  adam_.second_moment().copy_from(state.adam.second_moment());
  adam_.set_steps(state.adam.steps());
  if (state.average != nullptr) {
    average_.emplace(model_.parameters(), state.average->decay());
    average_->average().copy_from(state.average->average());
  }
  loss_ = model_.loss_schedule().at(0);
  if (launching == Launching::captured) {
    capture();
  }
}

/// Captures the step with the loss of now.
void DeviceStepper::capture() {
  captured_.reset();
  // Once with no step to make, which changes nothing but gets all memory.
  prepare(0, 0, 0);
  step();
  tape_.reset();
  captured_.emplace(context_.capture([this] { step(); }));
}

std::span<const StepResult> DeviceStepper::run(std::int64_t iteration, std::int64_t most,
                                               std::int64_t bad_steps) {
  const LossSettings loss = model_.loss_schedule().at(iteration);
  std::int64_t count = 1;
  while (count < std::min(most, kMostSteps) &&
         model_.loss_schedule().at(iteration + count) == loss) {
    ++count;
  }
  if (loss != loss_) {
    loss_ = loss;
    if (captured_) {
      capture();
    }
  }
  prepare(iteration, count, bad_steps);
  host_is_old_ = true;
  for (std::int64_t i = 0; i < count; ++i) {
    if (captured_) {
      captured_->replay();
    } else {
      step();
    }
  }
  kernels::StepControl control{};
  std::array<kernels::StepRow, kMostSteps> rows{};
  control_.download(&control, 1);
  rows_.download(rows.data(), count);
  const std::int64_t made = control.iteration - iteration;
  adam_.set_steps(adam_.steps() + control.updates);
  results_.clear();
  for (std::int64_t i = 0; i < made; ++i) {
    const kernels::StepRow& row = rows[static_cast<std::size_t>(i)];
    StepResult& result = results_.emplace_back();
    static_cast<kernels::StepValues&>(result) = static_cast<const kernels::StepValues&>(row);
    result.applied = row.applied != 0;
    if (!result.applied) {
      result.failure = failure(iteration + i, row, i == made - 1);
    }
  }
  return results_;
}

void DeviceStepper::prepare(std::int64_t iteration, std::int64_t count, std::int64_t bad_steps) {
  kernels::StepControl control{};
  control.iteration = control.first_iteration = iteration;
  control.end_iteration = iteration + count;
  control.bad_steps = bad_steps;
  control_.upload(&control, 1);
  std::array<kernels::StepConstants, kMostSteps> constants{};
  for (std::int64_t i = 0; i < count; ++i) {
    constants[static_cast<std::size_t>(i)] =
        adam_.constants(adam_.steps() + i + 1, schedule_.rate(iteration + i));
  }
  constants_.upload(constants.data(), kMostSteps);
}

void DeviceStepper::step() {
  const kernels::StepControl* control = control_.data();
  tape_.reset();
  batches_.make(context_, &control->iteration);
  gradient_.set_zero();
  const PhaseModel::Losses losses = model_.losses(tape_, batches_.high(), batches_.low(), loss_);
  tape_.backward(losses.total, gradient_);
  const Variable& auxiliary = losses.auxiliary;
  context_.launch<float>(
      &kernels::KernelTable<float>::finish_step,
      {.max_bad_steps = options_.max_bad_steps,
       .max_norm = options_.gradient_clip,
       .loss = losses.total.value().data<float>(),
       .reconstruction = losses.reconstruction.value().data<float>(),
       .auxiliary = auxiliary.defined() ? auxiliary.value().data<float>() : nullptr,
       .count = gradient_.count(),
       .gradient = gradient_.data<float>(),
       .constants = constants_.data(),
       .rows = rows_.data(),
       .control = control_.data()});
  adam_.step(context_, gradient_, control);
  if (average_) {
    average_->update(context_, control);
  }
}

EvaluationResult DeviceStepper::evaluate(ThreadPool& pool, const EvaluationSet& set,
                                         Protocol protocol, const StopCheck& stop) {
  try {
    Context context(device_);  // large frames take much memory, for a moment
    return evaluate_trained(context, pool, set, protocol, model_, average_ ? &*average_ : nullptr,
                            stop);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::memory) {
      throw;
    }
    update_host();
    Context context(pool);
    return evaluate_trained(context, pool, set, protocol, host_.model, host_.average, stop);
  }
}

void DeviceStepper::update_host() {
  if (!host_is_old_) {
    return;
  }
  host_.model.parameters().values().copy_from(model_.parameters().values());
  host_.adam.first_moment().copy_from(adam_.first_moment());
  host_.adam.second_moment().copy_from(adam_.second_moment());
  host_.adam.set_steps(adam_.steps());
  if (average_) {
    host_.average->average().copy_from(average_->average());
  }
  host_is_old_ = false;
}

/// The gradient of the last step is still there, of all others only the norm is known.
std::string DeviceStepper::failure(std::int64_t iteration, const kernels::StepRow& row,
                                   bool is_last) const {
  const std::string parameter =
      is_last ? first_non_finite(model_.parameters(), gradient_) : std::string();
  std::vector<std::string> images;
  for (std::int64_t i = 0; i < options_.batch_size; ++i) {
    images.push_back(data_.images[sampler_.choice(iteration * options_.batch_size + i).image].name);
  }
  const std::string text = !parameter.empty()        ? "the gradient of '" + parameter + "'"
                           : std::isfinite(row.loss) ? "the gradient"
                                                     : "the loss";
  return text + " is not finite, batch of " + list_of_images(images);
}

}  // namespace

std::unique_ptr<Stepper> device_stepper(kernels::Device& device, const TrainingState& state,
                                        const CosineSchedule& schedule, const Dataset& data,
                                        const StepOptions& options, Launching launching) {
  return std::make_unique<DeviceStepper>(device, state, schedule, data, options, launching);
}

}  // namespace pisr
