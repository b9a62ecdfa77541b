#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

namespace pisr {

/// The larger of two differences; infinity where one is NaN, so that no later one hides it.
inline double worse(double worst, double difference) {
  return std::isnan(worst) || std::isnan(difference) ? std::numeric_limits<double>::infinity()
                                                     : std::max(worst, difference);
}

}  // namespace pisr
