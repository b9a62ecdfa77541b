#pragma once

#include "kernels/args.h"
#include "kernels/launcher.h"
#include "kernels/table.h"

/// The CPU back end. It is vectorised with Highway: one binary holds every instruction set and
/// chooses at run time. Threads are those of the Launcher, and results do not depend on their
/// number.
namespace pisr::kernels::cpu {

#include "kernels/back_end.def"

}  // namespace pisr::kernels::cpu
