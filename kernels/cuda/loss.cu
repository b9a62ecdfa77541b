#include <cmath>
#include <cstddef>
#include <cstdint>

#include "kernels/cuda/kernels.h"
#include "kernels/cuda/map.h"
#include "kernels/cuda/sums.h"

namespace pisr::kernels::PISR_CUDA_NAMESPACE {
namespace {

template <class T>
__device__ T sign(T x) {
  return x > 0 ? T(1) : x < 0 ? T(-1) : T(0);
}

// The loss of one element.
template <class T>
struct LossElement {
  LossArgs<T> a;
  __device__ T operator()(std::int64_t, std::int64_t i) const {
    const T difference = a.target[i] - a.location[i];
    switch (a.op) {
      case LossOp::l1:
        return std::abs(difference);
      case LossOp::laplace_nll:
        return std::log(2 * a.spread[i]) + std::abs(difference) / a.spread[i];
      case LossOp::gaussian_nll:
        return std::log(a.spread[i]) / 2 + difference * difference / (2 * a.spread[i]);
    }
    return 0;
  }
};

template <class T>
__device__ T by_difference(LossOp op, T difference, T spread) {
  switch (op) {
    case LossOp::l1:
      return sign(difference);
    case LossOp::laplace_nll:
      return sign(difference) / spread;
    case LossOp::gaussian_nll:
      return difference / spread;
  }
  return 0;
}

template <class T>
__device__ T by_spread(LossOp op, T difference, T spread) {
  return op == LossOp::laplace_nll
             ? 1 / spread - std::abs(difference) / (spread * spread)
             : 1 / (2 * spread) - difference * difference / (2 * spread * spread);
}

// Stores the gradients of one element, given dy, that of the loss.
template <class T>
__device__ void store_gradients(const LossBackwardArgs<T>& a, T dy, std::int64_t i) {
  dy /= static_cast<T>(a.count);
  const T difference = a.target[i] - a.location[i];
  const T spread = a.spread == nullptr ? T(1) : a.spread[i];
  const T gradient = dy * by_difference(a.op, difference, spread);
  if (a.dtarget != nullptr) {
    store(a.dtarget[i], gradient, a.dtarget_store);
  }
  if (a.dlocation != nullptr) {
    store(a.dlocation[i], -gradient, a.dlocation_store);
  }
  if (a.dspread != nullptr) {
    store(a.dspread[i], dy * by_spread(a.op, difference, spread), a.dspread_store);
  }
}

template <class T>
struct LossGradient {
  LossBackwardArgs<T> a;
  __device__ void operator()(std::int64_t, std::int64_t i) const { store_gradients(a, *a.dy, i); }
};

// One element of a term of a weighted sum: returns its loss and stores its gradients.
template <class T>
struct TermElement {
  LossElement<T> value;
  LossBackwardArgs<T> gradients;
  T weight;
  __device__ T operator()(std::int64_t, std::int64_t i) const {
    store_gradients(gradients, weight, i);
    return value(0, i);
  }
};

template <class T>
struct Term {
  TermElement<T> element;
  int parts;        // blocks
  double* partial;  // [parts]
};

template <class T>
struct Terms {
  int count;
  Term<T> terms[WeightedLossArgs<T>::kMostTerms];
};

template <class T>
__global__ void __launch_bounds__(kSumThreads) weighted_loss_kernel(Terms<T> terms) {
  const bool is_first = blockIdx.x < static_cast<unsigned>(terms.terms[0].parts);
  const Term<T>& term = terms.terms[is_first ? 0 : 1];
  const int part = static_cast<int>(blockIdx.x) - (is_first ? 0 : terms.terms[0].parts);
  const double sum = block_sum(part_of_sum(term.element, 0, term.element.value.a.count, part));
  if (threadIdx.x == 0) {
    term.partial[part] = sum;
  }
}

template <class T>
__global__ void __launch_bounds__(kSumThreads) total_loss_kernel(Terms<T> terms, T* result) {
  T total = 0;
  for (int i = 0; i < terms.count; ++i) {
    const Term<T>& term = terms.terms[i];
    const LossArgs<T>& a = term.element.value.a;
    const double sum = block_total(term.partial, 1, 1, term.parts, 0);
    if (threadIdx.x == 0) {
      *a.y = static_cast<T>(sum / static_cast<double>(a.count));
      total += term.element.weight == 0 ? 0 : term.element.weight * *a.y;
    }
    __syncthreads();
  }
  if (threadIdx.x == 0) {
    *result = total;
  }
}

}  // namespace

template <class T>
void loss(Launcher& launcher, const LossArgs<T>& args) {
  total_sums(launcher, partial_sums(launcher, 1, args.count, LossElement<T>{args}), 1,
             StoreSum<T>{args.y, 1 / static_cast<double>(args.count), Store::write});
}

template <class T>
void loss_backward(Launcher& launcher, const LossBackwardArgs<T>& args) {
  map(launcher, args.count, LossGradient<T>{args});
}

template <class T>
void weighted_loss(Launcher& launcher, const WeightedLossArgs<T>& args) {
  Terms<T> terms = {};
  terms.count = args.count;
  int blocks = 0;
  for (int i = 0; i < args.count; ++i) {
    const WeightedTerm<T>& from = args.terms[i];
    const LossArgs<T>& a = from.loss;
    Term<T>& term = terms.terms[i];
    term.element = {{a},
                    {a.op, a.count, a.target, a.location, a.spread, nullptr, from.dtarget,
                     from.dlocation, from.dspread, Store::write, Store::write, Store::write},
                    from.weight};
    term.parts = static_cast<int>(block_count(a.count, kSumElements));
    term.partial = launcher.scratch_array<double>(static_cast<std::size_t>(term.parts));
    blocks += term.parts;
  }
  launch(launcher, weighted_loss_kernel<T>, block_count(blocks, 1), kSumThreads, terms);
  launch(launcher, total_loss_kernel<T>, 1, kSumThreads, terms, args.total);
}

PISR_INSTANTIATE(loss, LossArgs)
PISR_INSTANTIATE(loss_backward, LossBackwardArgs)
PISR_INSTANTIATE(weighted_loss, WeightedLossArgs)

}  // namespace pisr::kernels::PISR_CUDA_NAMESPACE
