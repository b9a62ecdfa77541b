#pragma once

#include <set>
#include <string>

#include "tests/ptx/machine/device_memory.h"

namespace pisr::ptx {

/// What lives as long as the program: CUDA has one device memory for all of it. At the end, the
/// names of all kernels are added to the file that the environment variable PISR_PTX_KERNELS names:
/// "ran NAME" or "idle NAME".
struct Machine {
  Machine() = default;
  ~Machine();
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  DeviceMemory memory;
  std::set<std::string> launched;  ///< mangled names
};
Machine& machine();

}  // namespace pisr::ptx
