#pragma once

#include "kernels/precision.h"
#include "kernels/table.h"

/// The tables of kernels of the two builds of the .cu files, for host code that sees nothing of
/// CUDA's language. Where there is no nvcc, only the emulated tables exist.
namespace pisr::kernels {

/// Compiled by nvcc.
namespace cuda {

template <class T>
const KernelTable<T>& kernel_table() noexcept;
/// In float, with products of the given precision. tf32 and fp16 need a card of sm_80 or newer.
const KernelTable<float>& kernel_table(Precision precision) noexcept;

/// Null if this program holds code for the current device, otherwise CUDA's reason.
const char* missing_code();

}  // namespace cuda

/// Compiled as C++ for the emulator.
namespace emulated_cuda {

template <class T>
const KernelTable<T>& kernel_table() noexcept;
const KernelTable<float>& kernel_table(Precision precision) noexcept;

}  // namespace emulated_cuda

}  // namespace pisr::kernels
