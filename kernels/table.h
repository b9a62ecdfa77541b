#pragma once

#include "kernels/args.h"
#include "kernels/launcher.h"

namespace pisr::kernels {

/// One back end: a function pointer per kernel of ops.def, for element type T (float or double).
template <class T>
struct KernelTable {
// NOLINTNEXTLINE(bugprone-macro-parentheses)
#define PISR_KERNEL(name, Args) void (*name)(Launcher&, const Args<T>&);
#include "kernels/ops.def"
#undef PISR_KERNEL
};

/// The reference: each kernel's definition as plain loops that sum in double. Slow.
template <class T>
const KernelTable<T>& naive_kernels() noexcept;

/// The CPU back end: SIMD with run-time dispatch, on the threads of the launcher.
template <class T>
const KernelTable<T>& cpu_kernels() noexcept;

/// The Eigen back end (kernels/eigen/eigen.h): convolutions as products of matrices, what it lacks
/// from cpu_kernels(). Compiled for several instruction sets, of which this gives the best that
/// instruction_set() allows now.
template <class T>
const KernelTable<T>& eigen_kernels();

}  // namespace pisr::kernels
