#include <cmath>
#include <cstdint>

#include "kernels/cuda/cuda.h"
#include "kernels/cuda/map.h"

namespace pisr::kernels::PISR_CUDA_NAMESPACE {
namespace {

// In double: a network has few parameters next to its activations.
template <class T>
struct Adam {
  AdamArgs<T> a;
  double correction1, correction2;  // 1 - beta^step
  __device__ void operator()(std::int64_t, std::int64_t i) const {
    const double gradient = a.gradient_scale * a.gradient[i];
    const double m = a.beta1 * a.m[i] + (1 - a.beta1) * gradient;
    const double v = a.beta2 * a.v[i] + (1 - a.beta2) * gradient * gradient;
    const double change =
        a.rate / correction1 * m / (std::sqrt(v) / std::sqrt(correction2) + a.epsilon);
    a.m[i] = static_cast<T>(m);
    a.v[i] = static_cast<T>(v);
    a.parameter[i] = static_cast<T>(a.parameter[i] - change);
  }
};

}  // namespace

template <class T>
void adam(Queue& queue, const AdamArgs<T>& args) {
  const auto step = static_cast<double>(args.step);
  map(queue, args.count,
      Adam<T>{args, 1 - std::pow(args.beta1, step), 1 - std::pow(args.beta2, step)});
}

PISR_INSTANTIATE(adam, AdamArgs)

}  // namespace pisr::kernels::PISR_CUDA_NAMESPACE
