#include <cstdint>

#include "kernels/cuda/kernels.h"
#include "kernels/cuda/map.h"
#include "kernels/cuda/sums.h"

namespace pisr::kernels::PISR_CUDA_NAMESPACE {
namespace {

// Index of the second operand's element that is combined with element i of a plane of the first.
__device__ std::int64_t broadcast_index(Broadcast broadcast, std::int64_t channels,
                                        std::int64_t inner, std::int64_t plane, std::int64_t i) {
  switch (broadcast) {
    case Broadcast::same:
      return plane * inner + i;
    case Broadcast::channel:
      return plane % channels;
    case Broadcast::plane:
      return plane;
    case Broadcast::scalar:
      return 0;
  }
  return 0;
}

template <class T>
struct Binary {
  BinaryArgs<T> a;
  __device__ void operator()(std::int64_t plane, std::int64_t i) const {
    const std::int64_t at = plane * a.inner + i;
    const T first = a.a[at];
    const T second = a.b[broadcast_index(a.broadcast, a.channels, a.inner, plane, i)];
    a.y[at] = a.op == BinaryOp::add        ? first + second
              : a.op == BinaryOp::subtract ? first - second
              : a.op == BinaryOp::multiply ? first * second
                                           : first / second;
  }
};

template <class T>
struct FirstGradient {
  BinaryBackwardArgs<T> a;
  __device__ void operator()(std::int64_t plane, std::int64_t i) const {
    const std::int64_t at = plane * a.inner + i;
    const std::int64_t second = broadcast_index(a.broadcast, a.channels, a.inner, plane, i);
    T value = a.dy[at];
    if (a.op == BinaryOp::multiply) {
      value *= a.b[second];
    } else if (a.op == BinaryOp::divide) {
      value /= a.b[second];
    }
    store(a.da[at], value, a.da_store);
  }
};

// What an element of dy contributes to the gradient of the second operand.
template <class T>
struct SecondTerm {
  BinaryBackwardArgs<T> a;
  __device__ T operator()(std::int64_t plane, std::int64_t i) const {
    const std::int64_t at = plane * a.inner + i;
    switch (a.op) {
      case BinaryOp::add:
        return a.dy[at];
      case BinaryOp::subtract:
        return -a.dy[at];
      case BinaryOp::multiply:
        return a.dy[at] * a.a[at];
      case BinaryOp::divide: {
        const T second = a.b[broadcast_index(a.broadcast, a.channels, a.inner, plane, i)];
        return -a.dy[at] * a.a[at] / second / second;
      }
    }
    return 0;
  }
};

template <class T>
struct SecondGradient {
  SecondTerm<T> term;
  __device__ void operator()(std::int64_t plane, std::int64_t i) const {
    store(term.a.db[plane * term.a.inner + i], term(plane, i), term.a.db_store);
  }
};

}  // namespace

template <class T>
void binary(Launcher& launcher, const BinaryArgs<T>& args) {
  map_planes(launcher, args.batch * args.channels, args.inner, Binary<T>{args});
}

template <class T>
void binary_backward(Launcher& launcher, const BinaryBackwardArgs<T>& args) {
  const std::int64_t planes = args.batch * args.channels;
  if (args.da != nullptr) {
    map_planes(launcher, planes, args.inner, FirstGradient<T>{args});
  }
  if (args.db == nullptr) {
    return;
  }
  const SecondTerm<T> term{args};
  if (args.broadcast == Broadcast::same) {
    map_planes(launcher, planes, args.inner, SecondGradient<T>{term});
    return;
  }
  const std::int64_t results = args.broadcast == Broadcast::channel ? args.channels
                               : args.broadcast == Broadcast::plane ? planes
                                                                    : 1;
  total_sums(launcher, partial_sums(launcher, planes, args.inner, term), results,
             StoreSum<T>{args.db, 1, args.db_store});
}

PISR_INSTANTIATE(binary, BinaryArgs)
PISR_INSTANTIATE(binary_backward, BinaryBackwardArgs)

}  // namespace pisr::kernels::PISR_CUDA_NAMESPACE
