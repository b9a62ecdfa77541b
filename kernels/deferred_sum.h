#pragma once

#include <cstdint>
#include <vector>

#include "kernels/store.h"

namespace pisr::kernels {

/// Sums that a kernel leaves to finish_sums: result i is the sum of
/// parts[(run results + i) terms + term] over all runs and terms. The parts lie in the scratch
/// memory of the kernel.
template <class T>
struct DeferredSum {
  T* target;
  Store store;
  const T* parts;
  const double* exact_parts;  ///< where `parts` is null
  std::int64_t runs, results, terms = 1;
};

/// Where a kernel may leave sums. Their parts must stay valid until finish_sums.
template <class T>
using DeferredSums = std::vector<DeferredSum<T>>;

/// Finishes sums, one after the other where they have one target. The list lies in the host's
/// memory.
template <class T>
struct FinishSumsArgs {
  std::int64_t count;
  const DeferredSum<T>* sums;
};

}  // namespace pisr::kernels
