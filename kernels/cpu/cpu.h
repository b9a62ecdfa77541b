#pragma once

#include "kernels/args.h"
#include "kernels/launcher.h"

/// The CPU back end: vectorised with Highway (one binary holds every instruction set and picks at
/// run time), threaded through the Launcher, with results that do not depend on the number of
/// threads.
namespace pisr::kernels::cpu {

#define PISR_KERNEL(name, Args) \
  template <class T>            \
  void name(Launcher& launcher, const Args<T>& args);
#include "kernels/ops.def"
#undef PISR_KERNEL

}  // namespace pisr::kernels::cpu
