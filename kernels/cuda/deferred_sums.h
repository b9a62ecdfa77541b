#pragma once

#include "kernels/cuda/runtime/language.h"
#include "kernels/deferred_sum.h"

namespace pisr::kernels::PISR_CUDA_NAMESPACE {

/// Leaves sums in `later`, or where that is null finishes them in one launch.
template <class T>
void leave_or_finish(Launcher& launcher, const DeferredSums<T>& sums, DeferredSums<T>* deferred);

}  // namespace pisr::kernels::PISR_CUDA_NAMESPACE
