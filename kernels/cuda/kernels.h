#pragma once

#include "kernels/args.h"
#include "kernels/cuda/runtime/language.h"
#include "kernels/instantiate.h"
#include "kernels/launcher.h"
#include "kernels/table.h"

/// The CUDA back end. All pointers of the arguments, and the scratch memory of the launcher, are in
/// device memory; a kernel returns when its work is queued. Results do not depend on the card: work
/// is cut by shapes alone, and no number is added to memory that two threads share.
namespace pisr::kernels::PISR_CUDA_NAMESPACE {

#include "kernels/back_end.def"

/// The table with convolutions that multiply in TF32.
KernelTable<float> with_tf32_convolutions(KernelTable<float> table);

}  // namespace pisr::kernels::PISR_CUDA_NAMESPACE
