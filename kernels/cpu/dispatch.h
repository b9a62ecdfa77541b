#pragma once

// From a kernel of ops.def to its vectorised versions, one for each instruction set. A file that
// uses Highway's foreach_target defines `template <class T> void vector_NAME(Launcher&, const
// Args<T>&)` inside HWY_NAMESPACE, calls PISR_VECTOR_KERNEL there, and PISR_DISPATCH once, in the
// namespace around it.

#define PISR_VECTOR_KERNEL(name, Args)                               \
  void name##_float(Launcher& launcher, const Args<float>& args) {   \
    vector_##name(launcher, args);                                   \
  }                                                                  \
  void name##_double(Launcher& launcher, const Args<double>& args) { \
    vector_##name(launcher, args);                                   \
  }

#define PISR_DISPATCH(name, Args)                           \
  HWY_EXPORT(name##_float);                                 \
  HWY_EXPORT(name##_double);                                \
  template <>                                               \
  void name(Launcher& launcher, const Args<float>& args) {  \
    HWY_DYNAMIC_DISPATCH(name##_float)(launcher, args);     \
  }                                                         \
  template <>                                               \
  void name(Launcher& launcher, const Args<double>& args) { \
    HWY_DYNAMIC_DISPATCH(name##_double)(launcher, args);    \
  }
