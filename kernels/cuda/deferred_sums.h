#pragma once

#include "kernels/cuda/language.h"
#include "kernels/deferred_sum.h"

namespace pisr::kernels::PISR_CUDA_NAMESPACE {

/// Appends `sums` to `deferred`, or finishes them in one launch where that is null.
template <class T>
void defer_or_finish(Launcher& launcher, const DeferredSums<T>& sums, DeferredSums<T>* deferred);

}  // namespace pisr::kernels::PISR_CUDA_NAMESPACE
