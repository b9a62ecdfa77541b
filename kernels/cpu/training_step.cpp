#include "kernels/cpu/cpu.h"
#include "kernels/fallbacks.h"
#include "kernels/instantiate.h"

namespace pisr::kernels::cpu {

template <class T>
void random_patches(Launcher& launcher, const RandomPatchesArgs<T>& args) {
  fallback_random_patches(launcher, args);
}

template <class T>
void finish_sums(Launcher&, const FinishSumsArgs<T>& args) {
  fallback_finish_sums(args);
}

template <class T>
void finish_step(Launcher& launcher, const FinishStepArgs<T>& args) {
  fallback_finish_step(launcher, args, sum_squares<T>);
}

PISR_INSTANTIATE(random_patches, RandomPatchesArgs)
PISR_INSTANTIATE(finish_sums, FinishSumsArgs)
PISR_INSTANTIATE(finish_step, FinishStepArgs)

}  // namespace pisr::kernels::cpu
