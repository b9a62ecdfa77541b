#include <cmath>
#include <cstdint>

#include "kernels/instantiate.h"
#include "kernels/naive/naive.h"
#include "kernels/naive/store.h"

namespace pisr::kernels::naive {

template <class T>
void adam(Queue&, const AdamArgs<T>& a) {
  const double correction1 = 1 - std::pow(a.beta1, static_cast<double>(a.step));
  const double correction2 = 1 - std::pow(a.beta2, static_cast<double>(a.step));
  for (std::int64_t i = 0; i < a.count; ++i) {
    const double gradient = a.gradient_scale * a.gradient[i];
    const double m = a.beta1 * a.m[i] + (1 - a.beta1) * gradient;
    const double v = a.beta2 * a.v[i] + (1 - a.beta2) * gradient * gradient;
    const double change =
        a.rate / correction1 * m / (std::sqrt(v) / std::sqrt(correction2) + a.epsilon);
    store(a.m[i], m, Store::write);
    store(a.v[i], v, Store::write);
    store(a.parameter[i], -change, Store::add);
  }
}

PISR_INSTANTIATE(adam, AdamArgs)

}  // namespace pisr::kernels::naive
