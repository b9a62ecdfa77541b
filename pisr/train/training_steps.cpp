#include "pisr/train/training_steps.h"

namespace pisr {
namespace {

class CpuTrainingSteps final : public TrainingSteps {
 public:
  CpuTrainingSteps(const TrainingState& state, const CosineSchedule& schedule, const Dataset& data,
                   ThreadPool& pool, const StepOptions& options)
      : model_(state.model),
        average_(state.average),
        schedule_(schedule),
        context_(pool),
        step_(state.model, state.adam, data, pool, options) {}

  std::vector<StepResult> run(std::int64_t iteration, std::int64_t, std::int64_t) override {
    StepResult result = step_.run(iteration, schedule_.rate(iteration));
    if (result.applied && average_ != nullptr) {
      average_->update(context_);
    }
    return {std::move(result)};
  }

  EvaluationResult evaluate(ThreadPool& pool, const EvaluationSet& set,
                            Protocol protocol) override {
    return evaluate_trained(context_, pool, set, protocol, model_, average_);
  }

  void update_host() override {}

 private:
  const PhaseModel& model_;
  ExponentialMovingAverage* average_;
  CosineSchedule schedule_;
  Context context_;
  TrainingStep step_;
};

}  // namespace

EvaluationResult evaluate_trained(Context& context, ThreadPool& pool, const EvaluationSet& set,
                                  Protocol protocol, const PhaseModel& model,
                                  ExponentialMovingAverage* average) {
  const auto swap = [average] {
    if (average != nullptr) {
      average->swap_with_values();
    }
  };
  const char* const phase = name(model.phase());
  swap();
  try {
    EvaluationResult result = model.network() != nullptr
                                  ? evaluate(context, pool, set, protocol, phase, *model.network())
                                  : evaluate(context, pool, set, protocol, phase, *model.teacher());
    swap();
    return result;
  } catch (...) {
    swap();
    throw;
  }
}

std::unique_ptr<TrainingSteps> cpu_training_steps(const TrainingState& state,
                                                  const CosineSchedule& schedule,
                                                  const Dataset& data, ThreadPool& pool,
                                                  const StepOptions& options) {
  return std::make_unique<CpuTrainingSteps>(state, schedule, data, pool, options);
}

}  // namespace pisr
