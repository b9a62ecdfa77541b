#include "pisr/training_steps.h"

namespace pisr {
namespace {

class CpuTrainingSteps final : public TrainingSteps {
 public:
  CpuTrainingSteps(const TrainingState& state, const CosineSchedule& schedule, const Dataset& data,
                   ThreadPool& pool, const StepOptions& options)
      : average_(state.average),
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

  void update_host() override {}

 private:
  ExponentialMovingAverage* average_;
  CosineSchedule schedule_;
  Context context_;
  TrainingStep step_;
};

}  // namespace

std::unique_ptr<TrainingSteps> cpu_training_steps(const TrainingState& state,
                                                  const CosineSchedule& schedule,
                                                  const Dataset& data, ThreadPool& pool,
                                                  const StepOptions& options) {
  return std::make_unique<CpuTrainingSteps>(state, schedule, data, pool, options);
}

}  // namespace pisr
