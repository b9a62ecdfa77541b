#pragma once

#include <map>
#include <optional>
#include <string>

#include "core/tensor.h"
#include "nn/module.h"

namespace pisr {

/// The tensor of a file for each parameter of a network, by shapes and order alone, for files whose
/// names nobody here knows. Layers of one shape are taken in the order of their numbers; they must
/// be numbered alike ("net.0", "net.2", "net.10"). Nothing where a tensor is left over or missing,
/// or where the order is not certain. Whoever calls must know that the file is of this network.
std::optional<std::map<std::string, std::string>> paired_by_order(
    const Module& network, const std::map<std::string, Tensor>& tensors);

}  // namespace pisr
