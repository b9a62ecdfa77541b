#pragma once

#include "kernels/args.h"
#include "kernels/cuda/language.h"
#include "kernels/instantiate.h"
#include "kernels/launcher.h"
#include "kernels/table.h"

/// The kernels of the CUDA back end, one function for each row of ops.def. All pointers in the
/// arguments, and the launcher's scratch memory, are in device memory. A kernel returns once its
/// work is queued. Results do not depend on the card: shapes alone decide how work is divided, and
/// no sum uses atomics.
namespace pisr::kernels::PISR_CUDA_NAMESPACE {

#include "kernels/back_end.def"

}  // namespace pisr::kernels::PISR_CUDA_NAMESPACE
