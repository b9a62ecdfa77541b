#pragma once

#include "kernels/cuda/device.h"
#include "kernels/table.h"

namespace pisr::kernels::PISR_CUDA_NAMESPACE {

/// The kernels of this back end: those of the device under nvcc, else those of the emulator.
template <class T>
const KernelTable<T>& kernel_table() noexcept;

}  // namespace pisr::kernels::PISR_CUDA_NAMESPACE
