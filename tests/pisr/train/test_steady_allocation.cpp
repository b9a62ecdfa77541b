#include <iostream>

#include "pisr/inference/inference.h"
#include "pisr/model/fsrcnn.h"
#include "pisr/train/training_step.h"
#include "tests/catch.h"
#include "tests/count_allocations.h"

namespace pisr {
namespace {

TEST_CASE("trainer: a step allocates nothing once its sizes are known", "[trainer]") {
#if !PISR_COUNTS_ALLOCATIONS
  std::cout << "SKIPPED: allocations cannot be counted under a sanitizer\n";
  return;
#endif
  const TrainConfig config = parse_config(
      R"({"network": {"d": 6, "s": 4, "m": 1}, "train": {"gt_size": 16},
          "data": {"built_in": {"count": 2, "size": 40}}})",
      "test");
  const Dataset data = built_in_dataset(0, 0, 2, 40, 2);
  for (const Phase phase : {Phase::baseline, Phase::teacher, Phase::student}) {
    INFO(name(phase));
    auto teacher = phase == Phase::student
                       ? std::make_unique<Teacher>(fsrcnn_options(config.network))
                       : nullptr;
    ThreadPool pool(1);
    PhaseModel model(config, phase, std::move(teacher));
    Adam adam(model.parameters());
    TrainingStep step(model, adam, data, pool, {4, 16, 1, 0.5});
    for (int i = 0; i < 3; ++i) {
      step.run(i, 1e-3);
    }
    const long before = allocation_count();
    for (int i = 3; i < 13; ++i) {
      step.run(i, 1e-3);
    }
    CHECK(allocation_count() - before == 0);
  }
}

TEST_CASE("upscaler: a frame allocates nothing once its size is known", "[inference]") {
#if !PISR_COUNTS_ALLOCATIONS
  std::cout << "SKIPPED: allocations cannot be counted under a sanitizer\n";
  return;
#endif
  const Fsrcnn network;
  Context context;
  LumaUpscaler upscaler(context, network);
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
