#include "pisr/model/estimator.h"

namespace pisr {
namespace {

// Small factors keep the first spreads near the features' size; the floor keeps 1 / spread finite.
constexpr double kLaplaceFactor = 0.1;
constexpr double kGaussianFactor = 0.001;
constexpr double kFloor = 1e-8;

}  // namespace

Estimator::Estimator(int channels) {
  for (Sequential* branch : {&location_, &spread_}) {
    branch->add<Conv2dPrelu>(channels, channels, 1);
    branch->add<Conv2d>(channels, channels, 1);
  }
  add_child("location", location_);
  add_child("spread", spread_);
}

Estimator::Result Estimator::forward(const Variable& feature, Distribution distribution) const {
  const double factor = distribution == Distribution::laplace ? kLaplaceFactor : kGaussianFactor;
  return {location_(feature), softplus(spread_(feature), factor, kFloor)};
}

}  // namespace pisr
