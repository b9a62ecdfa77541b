#pragma once

#include <cstdint>

#include "kernels/cpu/highway_targets.h"
// After highway_targets.h:
#include <hwy/highway.h>

#include "tests/catch.h"

namespace pisr::kernels {

/// Calls test() once for each instruction set that is compiled in and that this processor has, with
/// the CPU kernels bound to it; afterwards they run on the best again.
template <class Test>
void for_each_instruction_set(Test test) {
  for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {
    INFO("instruction set " << hwy::TargetName(target));
    hwy::GetChosenTarget().Update(target);
    test();
  }
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

}  // namespace pisr::kernels
