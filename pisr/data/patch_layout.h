#pragma once

#include <cstdint>
#include <vector>

#include "kernels/training_args.h"
#include "pisr/data/dataset.h"

namespace pisr {

/// Where the images of a data set lie in one block of memory, each HR image followed by its LR
/// image, for kernels::RandomPatchesArgs.
struct PatchLayout {
  std::vector<kernels::PatchSource> sources;  ///< one for each image
  std::int64_t bytes = 0;                     ///< of the block
};
PatchLayout patch_layout(const Dataset& data);

}  // namespace pisr
