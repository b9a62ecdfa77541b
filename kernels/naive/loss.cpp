#include <cmath>
#include <cstdint>
#include <limits>

#include "kernels/fallbacks.h"
#include "kernels/instantiate.h"
#include "kernels/naive/naive.h"
#include "kernels/naive/store.h"

namespace pisr::kernels::naive {
namespace {

double sign(double x) {
  return x > 0 ? 1 : x < 0 ? -1 : 0;
}

// The loss of one element; `difference` is target - location.
double loss_value(LossOp op, double difference, double spread) {
  switch (op) {
    case LossOp::l1:
      return std::abs(difference);
    case LossOp::laplace_nll:
      return std::log(2 * spread) + std::abs(difference) / spread;
    case LossOp::gaussian_nll:
      return std::log(spread) / 2 + difference * difference / (2 * spread);
  }
  return std::numeric_limits<double>::quiet_NaN();
}

double derivative_by_difference(LossOp op, double difference, double spread) {
  switch (op) {
    case LossOp::l1:
      return sign(difference);
    case LossOp::laplace_nll:
      return sign(difference) / spread;
    case LossOp::gaussian_nll:
      return difference / spread;
  }
  return std::numeric_limits<double>::quiet_NaN();
}

double derivative_by_spread(LossOp op, double difference, double spread) {
  switch (op) {
    case LossOp::l1:
      return 0;
    case LossOp::laplace_nll:
      return 1 / spread - std::abs(difference) / (spread * spread);
    case LossOp::gaussian_nll:
      return 1 / (2 * spread) - difference * difference / (2 * spread * spread);
  }
  return std::numeric_limits<double>::quiet_NaN();
}

}  // namespace

template <class T>
void loss(Launcher&, const LossArgs<T>& a) {
  double total = 0;
  for (std::int64_t i = 0; i < a.count; ++i) {
    total += loss_value(a.op, static_cast<double>(a.target[i]) - a.location[i],
                        a.spread == nullptr ? 1.0 : a.spread[i]);
  }
  store(*a.y, total / static_cast<double>(a.count), Store::write);
}

template <class T>
void loss_backward(Launcher&, const LossBackwardArgs<T>& a) {
  const double dy = *a.dy / static_cast<double>(a.count);
  for (std::int64_t i = 0; i < a.count; ++i) {
    const double difference = static_cast<double>(a.target[i]) - a.location[i];
    const double spread = a.spread == nullptr ? 1.0 : a.spread[i];
    const double gradient = dy * derivative_by_difference(a.op, difference, spread);
    if (a.dtarget != nullptr) {
      store(a.dtarget[i], gradient, a.dtarget_store);
    }
    if (a.dlocation != nullptr) {
      store(a.dlocation[i], -gradient, a.dlocation_store);
    }
    if (a.dspread != nullptr) {
      store(a.dspread[i], dy * derivative_by_spread(a.op, difference, spread), a.dspread_store);
    }
  }
}

template <class T>
void weighted_loss(Launcher& launcher, const WeightedLossArgs<T>& args) {
  fallback_weighted_loss(launcher, args, loss<T>, loss_backward<T>);
}

PISR_INSTANTIATE(loss, LossArgs)
PISR_INSTANTIATE(loss_backward, LossBackwardArgs)
PISR_INSTANTIATE(weighted_loss, WeightedLossArgs)

}  // namespace pisr::kernels::naive
