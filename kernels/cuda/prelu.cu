#include <cstdint>

#include "kernels/cuda/cuda.h"
#include "kernels/cuda/map.h"
#include "kernels/cuda/sums.h"

namespace pisr::kernels::PISR_CUDA_NAMESPACE {
namespace {

template <class Args>
__device__ auto slope_of(const Args& a, std::int64_t plane) {
  return a.slope[a.slopes == 1 ? 0 : plane % a.channels];
}

template <class T>
struct Prelu {
  PreluArgs<T> a;
  __device__ void operator()(std::int64_t plane, std::int64_t i) const {
    const T x = a.x[plane * a.inner + i];
    a.y[plane * a.inner + i] = x > 0 ? x : slope_of(a, plane) * x;
  }
};

template <class T>
struct PreluGradient {
  PreluBackwardArgs<T> a;
  __device__ void operator()(std::int64_t plane, std::int64_t i) const {
    const std::int64_t at = plane * a.inner + i;
    store(a.dx[at], a.x[at] > 0 ? a.dy[at] : slope_of(a, plane) * a.dy[at], a.dx_store);
  }
};

// What an element adds to the gradient of its slope. The gradient of x is stored on the way, where
// it is wanted: one pass over memory for both.
template <class T>
struct SlopeTerm {
  PreluBackwardArgs<T> a;
  __device__ T operator()(std::int64_t plane, std::int64_t i) const {
    const std::int64_t at = plane * a.inner + i;
    const T x = a.x[at], dy = a.dy[at];
    if (a.dx != nullptr) {
      store(a.dx[at], x > 0 ? dy : slope_of(a, plane) * dy, a.dx_store);
    }
    return x > 0 ? T(0) : x * dy;
  }
};

}  // namespace

template <class T>
void prelu(Queue& queue, const PreluArgs<T>& args) {
  map_planes(queue, args.batch * args.channels, args.inner, Prelu<T>{args});
}

template <class T>
void prelu_backward(Queue& queue, const PreluBackwardArgs<T>& args) {
  const std::int64_t planes = args.batch * args.channels;
  if (args.dslope != nullptr) {
    total_sums(queue, partial_sums(queue, planes, args.inner, SlopeTerm<T>{args}), args.slopes,
               StoreSum<T>{args.dslope, 1, args.dslope_store});
  } else if (args.dx != nullptr) {
    map_planes(queue, planes, args.inner, PreluGradient<T>{args});
  }
}

PISR_INSTANTIATE(prelu, PreluArgs)
PISR_INSTANTIATE(prelu_backward, PreluBackwardArgs)

}  // namespace pisr::kernels::PISR_CUDA_NAMESPACE
