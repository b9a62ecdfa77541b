#pragma once

#include "kernels/cuda/runtime/language.h"
#include "kernels/precision.h"
#include "kernels/table.h"

namespace pisr::kernels::PISR_CUDA_NAMESPACE {

/// The kernels of this back end: those of the device under nvcc, else those of the emulator.
template <class T>
const KernelTable<T>& kernel_table() noexcept;

/// Those in float with what multiplies by `precision`; all but fp32 need a card of sm_80 or newer.
const KernelTable<float>& kernel_table(Precision precision) noexcept;

}  // namespace pisr::kernels::PISR_CUDA_NAMESPACE
