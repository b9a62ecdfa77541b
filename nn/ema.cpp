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
    context.launch<T>(&kernels::KernelTable<T>::affine, {.count = values_.count(),
                                                         .scale = static_cast<T>(decay_),
                                                         .offset = 0,
                                                         .x = average_.data<T>(),
                                                         .y = average_.data<T>(),
                                                         .y_store = kernels::Store::write});
    context.launch<T>(&kernels::KernelTable<T>::affine, {.count = values_.count(),
                                                         .scale = static_cast<T>(1.0 - decay_),
                                                         .offset = 0,
                                                         .x = values_.data<T>(),
                                                         .y = average_.data<T>(),
                                                         .y_store = kernels::Store::add});
  });
}

void ExponentialMovingAverage::swap_with_values() {
  with_type(values_.dtype(), [&]<class T>() {
    std::ranges::swap_ranges(values_.values<T>(), average_.values<T>());
  });
}

}  // namespace pisr
