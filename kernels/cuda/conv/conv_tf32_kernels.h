#pragma once

#include "kernels/conv_args.h"
#include "kernels/cuda/language.h"
#include "kernels/launcher.h"
#include "kernels/table.h"

namespace pisr::kernels::PISR_CUDA_NAMESPACE {

/// `table` with convolutions that multiply in TF32.
KernelTable<float> with_tf32_convolutions(KernelTable<float> table);

/// conv_chain, stage by stage in TF32.
void conv_chain_tf32(Launcher& launcher, const ConvChainArgs<float>& args);

}  // namespace pisr::kernels::PISR_CUDA_NAMESPACE
