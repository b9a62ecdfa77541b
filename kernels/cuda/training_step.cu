#include <cstdint>

#include "kernels/cuda/kernels.h"
#include "kernels/cuda/map.h"
#include "kernels/cuda/sums.h"
#include "kernels/training_step.h"

namespace pisr::kernels::PISR_CUDA_NAMESPACE {
namespace {

template <class T>
struct PatchPixel {
  RandomPatchesArgs<T> a;
  __device__ void operator()(std::int64_t sample, std::int64_t i) const {
    write_patch_pixel(a, sample, i);
  }
};

template <class T>
struct FinishStep {
  FinishStepArgs<T> args;
  __device__ void operator()(std::int64_t, double squares) const { finish_step_of(args, squares); }
};

}  // namespace

template <class T>
void random_patches(Launcher& launcher, const RandomPatchesArgs<T>& args) {
  map_planes(launcher, args.batch, patch_pixels(args), PatchPixel<T>{args});
}

template <class T>
void finish_step(Launcher& launcher, const FinishStepArgs<T>& args) {
  total_sums(launcher, partial_sums(launcher, 1, args.count, Square<T>{args.gradient}), 1,
             FinishStep<T>{args});
}

PISR_INSTANTIATE(random_patches, RandomPatchesArgs)
PISR_INSTANTIATE(finish_step, FinishStepArgs)

}  // namespace pisr::kernels::PISR_CUDA_NAMESPACE
