#include "kernels/training_step.h"

#include <cstdint>

#include "kernels/fallbacks.h"
#include "kernels/instantiate.h"
#include "kernels/naive/naive.h"

namespace pisr::kernels::naive {

template <class T>
void random_patches(Launcher&, const RandomPatchesArgs<T>& args) {
  for (std::int64_t sample = 0; sample < args.batch; ++sample) {
    for (std::int64_t i = 0; i < patch_pixels(args); ++i) {
      write_patch_pixel(args, sample, i);
    }
  }
}

template <class T>
void finish_sums(Launcher&, const FinishSumsArgs<T>& args) {
  fallback_finish_sums(args);
}

template <class T>
void finish_step(Launcher& launcher, const FinishStepArgs<T>& args) {
  double squares = 0;
  sum_squares(launcher, SumSquaresArgs<T>{args.count, args.gradient, &squares});
  finish_step_of(args, squares);
}

PISR_INSTANTIATE(random_patches, RandomPatchesArgs)
PISR_INSTANTIATE(finish_sums, FinishSumsArgs)
PISR_INSTANTIATE(finish_step, FinishStepArgs)

}  // namespace pisr::kernels::naive
