#pragma once

#include "pisr/model/architectures.h"
#include "pisr/model/metadata.h"
#include "pisr/model/weights.h"

/// Options of a network that the shapes of its tensors do not tell, such as its padding, for
/// weights whose metadata are not ours.
namespace pisr {

/// Sets them in `spec`: as the metadata say (an entry with the option's name, or "padding": "zero"
/// or "replicate"), as wanted.options says, or as prose in the entries "arch" and "architecture"
/// tells. Otherwise the default holds, which wanted.note is told of the padding. Throws
/// Error(weights) like check_options.
void add_untold_options(NetworkSpec& spec, const Architecture& row, const Metadata& metadata,
                        const WeightsOptions& wanted);

/// Throws Error(weights) unless the network has all of wanted.options, with these values.
void check_options(const NetworkSpec& spec, const Metadata& metadata, const WeightsOptions& wanted);

}  // namespace pisr
