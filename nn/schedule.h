#pragma once

#include <cstdint>

#include "kernels/export.h"

namespace pisr {

/// Cosine annealing in steps of an epoch, an epoch being a number of iterations:
/// final + (initial - final) (1 + cos(pi e / E)) / 2 after e of E epochs.
struct CosineSchedule {
  double initial = 1e-3;
  double final = 1e-5;
  std::int64_t total_iterations = 1'000'000;  ///< >= 1
  std::int64_t epoch_iterations = 1'000;      ///< >= 1

  /// The learning rate of iteration 0, 1, ...; `final` from total_iterations on.
  PISR_CORE_API double rate(std::int64_t iteration) const;
};

}  // namespace pisr
