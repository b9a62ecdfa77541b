#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/ptx/machine/kernel.h"

namespace pisr::ptx {

struct Size3 {
  std::uint32_t x = 1, y = 1, z = 1;
};

inline std::size_t volume(Size3 size) {
  return std::size_t{size.x} * size.y * size.z;
}

/// A kernel with all it is to be run with.
struct Launch {
  const Kernel* kernel;
  Size3 grid, block;
  std::size_t dynamic_shared_bytes;
  std::vector<std::byte> parameters;  ///< as the PTX lays them out
};

/// Runs all blocks, one after another. The environment variable PISR_PTX_ORDER says whether blocks,
/// warps and lanes run "forward", which is the default, or in "reverse".
void run(const Launch& launch);

}  // namespace pisr::ptx
