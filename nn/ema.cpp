#include "nn/ema.h"

namespace pisr {

ExponentialMovingAverage::ExponentialMovingAverage(const FlatParameters& parameters, double decay)
    : decay_(decay), values_(parameters.values()), average_(parameters.values().clone()) {
  if (!(decay >= 0.0 && decay < 1.0)) {
    throw Error(ErrorKind::usage,
                message("ExponentialMovingAverage: decay must be in [0, 1), got ", decay));
  }
}

void ExponentialMovingAverage::update(Context& context, const kernels::StepControl* control) {
  with_type(values_.dtype(), [&]<class T>() {
    context.launch<T>(&kernels::KernelTable<T>::moving_average, {.count = values_.count(),
                                                                 .decay = decay_,
                                                                 .x = values_.data<T>(),
                                                                 .average = average_.data<T>(),
                                                                 .control = control});
  });
}

void ExponentialMovingAverage::swap_with_values() {
  const Tensor average = average_.clone();
  average_.copy_from(values_);
  values_.copy_from(average);
}

}  // namespace pisr
