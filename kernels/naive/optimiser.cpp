#include <cmath>
#include <cstdint>

#include "kernels/instantiate.h"
#include "kernels/naive/naive.h"
#include "kernels/naive/store.h"
#include "kernels/training_step.h"

namespace pisr::kernels::naive {

template <class T>
void adam(Launcher&, const AdamArgs<T>& a) {
  const AdamConstants step = a.control == nullptr ? adam_constants(a) : adam_constants(*a.control);
  for (std::int64_t i = 0; step.applied && i < a.count; ++i) {
    const double gradient = step.gradient_scale * a.gradient[i];
    const double m = a.beta1 * a.m[i] + (1 - a.beta1) * gradient;
    const double v = a.beta2 * a.v[i] + (1 - a.beta2) * gradient * gradient;
    const double change =
        step.rate / step.correction1 * m / (std::sqrt(v) / std::sqrt(step.correction2) + a.epsilon);
    store(a.m[i], m, Store::write);
    store(a.v[i], v, Store::write);
    store(a.parameter[i], -change, Store::add);
  }
}

template <class T>
void moving_average(Launcher&, const MovingAverageArgs<T>& a) {
  const bool applied = a.control == nullptr || a.control->applied != 0;
  for (std::int64_t i = 0; applied && i < a.count; ++i) {
    store(a.average[i], a.decay * a.average[i] + (1 - a.decay) * a.x[i], Store::write);
  }
}

PISR_INSTANTIATE(adam, AdamArgs)
PISR_INSTANTIATE(moving_average, MovingAverageArgs)

}  // namespace pisr::kernels::naive
