#include "nn/ema.h"

namespace pisr {

ExponentialMovingAverage::ExponentialMovingAverage(const FlatParameters& parameters, double decay)
    : decay_(decay),
      values_(parameters.values()),
      average_(parameters.values().clone()),
      exchanged_(parameters.values().clone()) {
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
  exchanged_.copy_from(average_);
  average_.copy_from(values_);
  values_.copy_from(exchanged_);
}

AverageInPlace::AverageInPlace(ExponentialMovingAverage* average) : average_(average) {
  if (average_ != nullptr) {
    average_->swap_with_values();
  }
}

AverageInPlace::~AverageInPlace() {
  try {
    if (average_ != nullptr) {
      average_->swap_with_values();
    }
  } catch (const Error&) {  // NOLINT(bugprone-empty-catch): a lost device, see the declaration
  }
}

}  // namespace pisr
