#include "nn/ema.h"

#include <algorithm>

namespace pisr {

ExponentialMovingAverage::ExponentialMovingAverage(const FlatParameters& parameters, double decay)
    : decay_(decay), values_(parameters.values()), average_(parameters.values().clone()) {
  if (!(decay >= 0.0 && decay < 1.0)) {
    throw Error(ErrorKind::usage,
                message("ExponentialMovingAverage: wants 0 <= decay < 1, got ", decay));
  }
}

void ExponentialMovingAverage::update(Context& context) {
  with_type(values_.dtype(), [&]<class T>() {
    context.launch<T>(&kernels::KernelTable<T>::moving_average, {.count = values_.count(),
                                                                 .decay = decay_,
                                                                 .x = values_.data<T>(),
                                                                 .average = average_.data<T>()});
  });
}

void ExponentialMovingAverage::swap_with_values() {
  with_type(values_.dtype(), [&]<class T>() {
    std::ranges::swap_ranges(values_.values<T>(), average_.values<T>());
  });
}

}  // namespace pisr
