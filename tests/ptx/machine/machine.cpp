#include "tests/ptx/machine/machine.h"

#include <cstdlib>
#include <fstream>

#include "tests/ptx/machine/kernel.h"

namespace pisr::ptx {

Machine::~Machine() {
  if (const char* const path = std::getenv("PISR_PTX_KERNELS"); path != nullptr) {
    std::ofstream file(path, std::ios::app);
    for (const std::string& name : kernel_names()) {
      file << (launched.count(name) != 0 ? "ran " : "idle ") << name << '\n';
    }
  }
}

Machine& machine() {
  static Machine all;
  return all;
}

}  // namespace pisr::ptx
