#include <iostream>

#include "pisr/inference/inference.h"
#include "pisr/model/architectures.h"
#include "pisr/train/stepper.h"
#include "tests/catch.h"
#include "tests/count_allocations.h"

namespace pisr {
namespace {

TEST_CASE("trainer: a step allocates nothing once its sizes are known", "[trainer]") {
#if !PISR_COUNTS_ALLOCATIONS
  std::cout << "SKIPPED: allocations cannot be counted under a sanitizer\n";
  return;
#endif
  constexpr CosineSchedule kConstantRate{1e-3, 1e-3, 1, 1};
  const char* const network =
      GENERATE(R"("d": 6, "s": 4, "m": 1)", R"("architecture": "plain", "c": 4, "n": 2)");
  CAPTURE(network);
  const TrainConfig config =
      parse_config(message(R"({"network": {)", network, R"(}, "train": {"gt_size": 16},
          "data": {"built_in": {"count": 2, "size": 40}}})"),
                   "test");
  const Dataset data = built_in_dataset(0, 0, 2, 40, 2);
  for (const TrainingPhase phase :
       {TrainingPhase::baseline, TrainingPhase::teacher, TrainingPhase::student}) {
    INFO(phase_name(phase));
    auto teacher =
        phase == TrainingPhase::student ? std::make_unique<Teacher>(config.network) : nullptr;
    ThreadPool pool(1);
    PhaseModel model(config, phase, std::move(teacher));
    Adam adam(model.parameters());
    const auto stepper =
        cpu_stepper({model, adam, nullptr}, kConstantRate, data, pool, {4, 16, 1, 0.5});
    for (int i = 0; i < 3; ++i) {
      stepper->run(i, 1, 0);
    }
    const long before = allocation_count();
    for (int i = 3; i < 13; ++i) {
      stepper->run(i, 1, 0);
    }
    CHECK(allocation_count() - before == 0);
  }
}

TEST_CASE("upscaler: a frame allocates nothing once its size is known", "[inference]") {
#if !PISR_COUNTS_ALLOCATIONS
  std::cout << "SKIPPED: allocations cannot be counted under a sanitizer\n";
  return;
#endif
  const auto network = make_network(default_spec(GENERATE("fsrcnn", "plain")));
  Context context;
  Inference upscaler(context, *network);
  const Plane low(60, 40, 1);
  Plane high;
  for (int i = 0; i < 3; ++i) {
    upscaler.run(low, high);
  }
  const long before = allocation_count();
  for (int i = 0; i < 10; ++i) {
    upscaler.run(low, high);
  }
  CHECK(allocation_count() - before == 0);
}

}  // namespace
}  // namespace pisr
