#pragma once

#include "kernels/cuda/runtime/device.h"
#include "kernels/late_sum.h"

namespace pisr::kernels::PISR_CUDA_NAMESPACE {

/// Leaves sums in `later`, or where that is null finishes them in one launch.
template <class T>
void leave_or_finish(Queue& queue, const LateSums<T>& sums, LateSums<T>* later);

}  // namespace pisr::kernels::PISR_CUDA_NAMESPACE
