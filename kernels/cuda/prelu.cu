#include <cstddef>
#include <cstdint>

#include "kernels/cuda/deferred_sums.h"
#include "kernels/cuda/kernels.h"
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

// A block computes part of a plane: the gradient of x, unless a.dx is null. In the same
// pass it computes what the part contributes to the gradients of slope and bias, [blocks] each.
template <class T>
__global__ void __launch_bounds__(kSumThreads)
    prelu_gradients_kernel(PreluBackwardArgs<T> a, int parts, double* of_slope, double* of_bias) {
  const std::int64_t plane = blockIdx.x / parts;
  const std::int64_t begin = std::int64_t{blockIdx.x} % parts * kSumElements;
  const T slope = slope_of(a, plane);
  double slope_sum = 0, bias_sum = 0;
  for (int i = threadIdx.x; i < kSumElements && begin + i < a.inner; i += kSumThreads) {
    const std::int64_t at = plane * a.inner + begin + i;
    const T x = a.x[at], dy = a.dy[at];
    const T dx = x > 0 ? dy : slope * dy;
    if (a.dx != nullptr) {
      store(a.dx[at], dx, a.dx_store);
    }
    slope_sum += x > 0 ? T(0) : x * dy;
    bias_sum += dx;
  }
  slope_sum = block_sum(slope_sum);
  __syncthreads();
  bias_sum = block_sum(bias_sum);
  if (threadIdx.x == 0) {
    of_slope[blockIdx.x] = slope_sum;
    of_bias[blockIdx.x] = bias_sum;
  }
}

}  // namespace

template <class T>
void prelu(Launcher& launcher, const PreluArgs<T>& args) {
  map_planes(launcher, args.batch * args.channels, args.inner, Prelu<T>{args});
}

template <class T>
void prelu_backward(Launcher& launcher, const PreluBackwardArgs<T>& args) {
  const std::int64_t planes = args.batch * args.channels;
  if (args.dslope == nullptr && args.dbias == nullptr) {
    if (args.dx != nullptr) {
      map_planes(launcher, planes, args.inner, PreluGradient<T>{args});
    }
    return;
  }
  const auto parts = static_cast<int>(block_count(args.inner, kSumElements));
  const std::int64_t blocks = planes * parts;
  auto* const of_slope = launcher.scratch_array<double>(static_cast<std::size_t>(blocks));
  auto* const of_bias = launcher.scratch_array<double>(static_cast<std::size_t>(blocks));
  PreluBackwardArgs<T> on_device = args;
  on_device.deferred = nullptr;  // a host pointer
  launch(launcher, prelu_gradients_kernel<T>, block_count(blocks, 1), kSumThreads, on_device, parts,
         of_slope, of_bias);
  DeferredSums<T> sums;
  const auto add = [&](const double* of, std::int64_t results, T* target, Store store) {
    if (target != nullptr) {
      sums.push_back({target, store, nullptr, of, planes / results, results, parts});
    }
  };
  add(of_slope, args.slopes, args.dslope, args.dslope_store);
  add(of_bias, args.channels, args.dbias, args.dbias_store);
  defer_or_finish(launcher, sums, args.deferred);
}

PISR_INSTANTIATE(prelu, PreluArgs)
PISR_INSTANTIATE(prelu_backward, PreluBackwardArgs)

}  // namespace pisr::kernels::PISR_CUDA_NAMESPACE
