#pragma once

#include <set>
#include <string>

#include "tests/ptx/machine/device_memory.h"

namespace pisr::ptx {

/// What lives as long as the program: CUDA has one device memory for all of it.
struct Machine {
  DeviceMemory memory;
  std::set<std::string> launched;  ///< mangled names
};
Machine& machine();

}  // namespace pisr::ptx
