#pragma once

#include "kernels/args.h"
#include "kernels/launcher.h"

/// The truth every other back end is compared with: the definition of each kernel as plain loops
/// that sum in double, whatever the element type.
namespace pisr::kernels::naive {

#define PISR_KERNEL(name, Args) \
  template <class T>            \
  void name(Launcher& launcher, const Args<T>& args);
#include "kernels/ops.def"
#undef PISR_KERNEL

}  // namespace pisr::kernels::naive
