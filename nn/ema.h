#pragma once

#include "core/context.h"
#include "nn/flat_parameters.h"

namespace pisr {

/// Exponential moving average of the parameters: average = decay average + (1 - decay) values. It
/// starts as a copy of the values.
class ExponentialMovingAverage {
 public:
  /// Throws Error(usage) unless 0 <= decay < 1.
  ExponentialMovingAverage(const FlatParameters& parameters, double decay);

  /// To be called after each step of the optimiser. With `control`, on a device, it changes nothing
  /// where that step was not applied.
  void update(Context& context, const kernels::StepControl* control = nullptr);
  /// Exchanges average and values: to validate with the average, and once more to go on training.
  void swap_with_values();

  double decay() const noexcept { return decay_; }
  const Tensor& average() const noexcept { return average_; }  ///< [count]

 private:
  double decay_;
  Tensor values_;
  Tensor average_;
};

}  // namespace pisr
