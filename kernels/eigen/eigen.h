#pragma once

#include "kernels/table.h"

/// The Eigen back end: convolutions as products of matrices, pointwise functions as expressions of
/// arrays. It is here to be read. matrices-inl.h has the matrices, patches-inl.h takes patches out
/// of images and puts them back, conv-inl.h and pointwise-inl.h are the kernels.
///
/// Eigen chooses its instructions at compile time. So all kernels are compiled once for each level
/// of x86-64 that matters to it, in a namespace of their own, and Eigen with them: baseline.cpp,
/// avx2.cpp and avx512.cpp name it anew before they include it. No inline function of one level can
/// then stand in for that of another (tests/kernels/check_eigen_levels.sh).
namespace pisr::kernels::eigen {

// Eigen's kernels in place of those of `own`.
namespace baseline {
template <class T>
KernelTable<T> eigen_kernels(KernelTable<T> own);
}
namespace avx2 {
template <class T>
KernelTable<T> eigen_kernels(KernelTable<T> own);
}
namespace avx512 {
template <class T>
KernelTable<T> eigen_kernels(KernelTable<T> own);
}

}  // namespace pisr::kernels::eigen
