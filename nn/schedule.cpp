#include "nn/schedule.h"

#include <cmath>
#include <numbers>

namespace pisr {

double CosineSchedule::rate(std::int64_t iteration) const {
  if (iteration >= total_iterations) {
    return final;
  }
  const std::int64_t at_epoch_start = iteration / epoch_iterations * epoch_iterations;
  const double fraction =
      static_cast<double>(at_epoch_start) / static_cast<double>(total_iterations);
  return final + (initial - final) * (1.0 + std::cos(std::numbers::pi * fraction)) / 2.0;
}

}  // namespace pisr
