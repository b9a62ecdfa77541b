#include <cstdint>

#include "kernels/cuda/cuda.h"
#include "kernels/cuda/map.h"
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
__global__ void finish_step_kernel(FinishStepArgs<T> args) {
  finish_step_of(args);
}

}  // namespace

template <class T>
void random_patches(Queue& queue, const RandomPatchesArgs<T>& args) {
  map_planes(queue, args.batch, patch_pixels(args), PatchPixel<T>{args});
}

template <class T>
void finish_step(Queue& queue, const FinishStepArgs<T>& args) {
  launch(queue, finish_step_kernel<T>, 1, 1, args);
}

PISR_INSTANTIATE(random_patches, RandomPatchesArgs)
PISR_INSTANTIATE(finish_step, FinishStepArgs)

}  // namespace pisr::kernels::PISR_CUDA_NAMESPACE
