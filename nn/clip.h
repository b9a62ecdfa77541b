#pragma once

#include <string>

#include "core/context.h"
#include "nn/flat_parameters.h"

namespace pisr {

/// Euclidean norm over all numbers, in double; not finite where one of them is not. On a device it
/// takes step memory of the context and waits for the result.
double gradient_norm(Context& context, const Tensor& gradient);

/// What to multiply a gradient of this norm by so that its norm is at most max_norm, as PyTorch
/// does: min(1, max_norm / (norm + 1e-6)). max_norm = 0 is no limit.
double clip_scale(double norm, double max_norm);

/// The name of the first parameter whose part of `gradient` has a number that is not finite; empty
/// when there is none. For error texts, once gradient_norm() is not finite.
std::string first_non_finite(const FlatParameters& parameters, const Tensor& gradient);

}  // namespace pisr
