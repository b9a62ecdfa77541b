#pragma once

/// Instantiates a kernel of ops.def for both element types; to be used in the namespace of its back
/// end, in the file that defines it.
#define PISR_INSTANTIATE(name, Args)                               \
  template void name(Launcher& launcher, const Args<float>& args); \
  template void name(Launcher& launcher, const Args<double>& args);
