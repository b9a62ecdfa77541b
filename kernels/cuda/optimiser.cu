#include <cmath>
#include <cstdint>

#include "kernels/cuda/kernels.h"
#include "kernels/cuda/map.h"
#include "kernels/training_step.h"

namespace pisr::kernels::PISR_CUDA_NAMESPACE {
namespace {

// In double, which costs little: a network has few parameters next to its activations.
template <class T>
struct Adam {
  AdamArgs<T> a;
  AdamConstants by_host;
  __device__ void operator()(std::int64_t, std::int64_t i) const {
    const AdamConstants step = a.control == nullptr ? by_host : adam_constants(*a.control);
    if (!step.applied) {
      return;
    }
    const double gradient = step.gradient_scale * a.gradient[i];
    const double m = a.beta1 * a.m[i] + (1 - a.beta1) * gradient;
    const double v = a.beta2 * a.v[i] + (1 - a.beta2) * gradient * gradient;
    const double change =
        step.rate / step.correction1 * m / (std::sqrt(v) / std::sqrt(step.correction2) + a.epsilon);
    a.m[i] = static_cast<T>(m);
    a.v[i] = static_cast<T>(v);
    a.parameter[i] = static_cast<T>(a.parameter[i] - change);
  }
};

template <class T>
struct MovingAverage {
  MovingAverageArgs<T> a;
  __device__ void operator()(std::int64_t, std::int64_t i) const {
    if (a.control == nullptr || a.control->applied != 0) {
      a.average[i] = static_cast<T>(a.decay * a.average[i] + (1 - a.decay) * a.x[i]);
    }
  }
};

}  // namespace

template <class T>
void adam(Launcher& launcher, const AdamArgs<T>& args) {
  map(launcher, args.count, Adam<T>{args, adam_constants(args)});
}

template <class T>
void moving_average(Launcher& launcher, const MovingAverageArgs<T>& args) {
  map(launcher, args.count, MovingAverage<T>{args});
}

PISR_INSTANTIATE(adam, AdamArgs)
PISR_INSTANTIATE(moving_average, MovingAverageArgs)

}  // namespace pisr::kernels::PISR_CUDA_NAMESPACE
