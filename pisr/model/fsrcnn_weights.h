#pragma once

#include <optional>
#include <string>

#include "pisr/model/architectures.h"

namespace pisr {

inline constexpr int kMostMappingLayers = 32;

/// FSRCNN weights as others name them; see Architecture::recognise.
std::optional<ForeignWeights> recognise_fsrcnn(const SafeTensors& file, const std::string& name,
                                               int scale);

}  // namespace pisr
