#pragma once

#include <string>

#include "core/context.h"
#include "kernels/export.h"
#include "nn/flat_parameters.h"

namespace pisr {

/// Euclidean norm over all numbers, in double; not finite where one of them is not. On a device it
/// uses step memory of the context and waits for the result.
PISR_CORE_API double gradient_norm(Context& context, const Tensor& gradient);

/// The factor that limits a gradient of this norm to max_norm, as in PyTorch: min(1, max_norm /
/// (norm + 1e-6)). max_norm = 0 means no limit.
PISR_CORE_API double clip_scale(double norm, double max_norm);

/// The name of the first parameter with a number in `gradient` that is not finite; empty where
/// there is none. For error texts, after gradient_norm() was not finite.
PISR_CORE_API std::string first_non_finite(const FlatParameters& parameters,
                                           const Tensor& gradient);

}  // namespace pisr
