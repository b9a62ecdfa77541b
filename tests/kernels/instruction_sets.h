#pragma once

#include <string>

#include "kernels/instruction_set.h"
#include "tests/catch.h"

namespace pisr::kernels {

/// Calls test() once for each instruction set that is compiled in and that this processor has, with
/// the CPU kernels bound to it; afterwards they run on the best again.
template <class Test>
void for_each_instruction_set(Test test) {
  REQUIRE(!instruction_sets().empty());
  for (const std::string& name : instruction_sets()) {
    INFO("instruction set " << name);
    REQUIRE(use_instruction_set(name));
    test();
  }
  REQUIRE(use_instruction_set(instruction_sets().front()));
}

}  // namespace pisr::kernels
