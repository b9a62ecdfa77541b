#pragma once

#include "core/context.h"
#include "kernels/export.h"
#include "nn/flat_parameters.h"

namespace pisr {

/// Exponential moving average of the parameters: average = decay average + (1 - decay) values. It
/// starts as a copy of the values.
class PISR_CORE_API ExponentialMovingAverage {
 public:
  /// Throws Error(usage) unless 0 <= decay < 1.
  ExponentialMovingAverage(const FlatParameters& parameters, double decay);

  /// To be called after each step of the optimiser. With `control`, on a device, it changes nothing
  /// where that step was not applied.
  void update(Context& context, const kernels::StepControl* control = nullptr);
  double decay() const noexcept { return decay_; }
  const Tensor& average() const noexcept { return average_; }  ///< [count]

 private:
  friend class AverageInPlace;
  void swap_with_values();

  double decay_;
  Tensor values_;
  Tensor average_;
  Tensor exchanged_;  ///< scratch of the swap, which must not fail for want of memory
};

/// While it lives, the parameters have the average's values; afterwards their own, however its
/// scope is left. Nothing happens for a null pointer. Throws Error(device) where the device of the
/// parameters fails; a device that fails at the end of the scope has lost them, and says so when
/// it is used next.
class PISR_CORE_API AverageInPlace {
 public:
  explicit AverageInPlace(ExponentialMovingAverage* average);
  ~AverageInPlace();
  AverageInPlace(const AverageInPlace&) = delete;
  AverageInPlace& operator=(const AverageInPlace&) = delete;

 private:
  ExponentialMovingAverage* average_;
};

}  // namespace pisr
