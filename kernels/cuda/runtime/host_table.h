#pragma once

#include "kernels/precision.h"
#include "kernels/table.h"

/// What nvcc compiles, for the host code of the back end, which sees nothing of CUDA's language.
namespace pisr::kernels::cuda {

/// As in kernels/cuda/table.h.
template <class T>
const KernelTable<T>& kernel_table() noexcept;
const KernelTable<float>& kernel_table(Precision precision) noexcept;

/// Null where there is code for the current device; else what CUDA says.
const char* missing_code();

}  // namespace pisr::kernels::cuda
