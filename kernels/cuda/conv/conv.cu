// The convolutions of ops.def, made of the three products of conv_primitives.h.

#include <cstddef>
#include <cstdint>

#include "kernels/cuda/conv/conv_primitives.h"
#include "kernels/cuda/conv/conv_tf32_kernels.h"
#include "kernels/cuda/deferred_sums.h"
#include "kernels/cuda/kernels.h"
#include "kernels/cuda/sums.h"
#include "kernels/fallbacks.h"

namespace pisr::kernels::PISR_CUDA_NAMESPACE {
namespace {

template <class T>
Weight<T> weight(const ConvArgs<T>& args) {
  return {args.weight, args.cache};
}

template <class T>
Destination<T> destination(const ConvArgs<T>& args) {
  return {args.y, Store::write, args.bias, args.activation, args.before};
}

template <class T>
struct Pixel {
  std::int64_t inner;
  const T* x;
  __device__ T operator()(std::int64_t plane, std::int64_t i) const { return x[plane * inner + i]; }
};

template <class T>
void bias_gradient(Launcher& launcher, const ConvBackwardWeightArgs<T>& args) {
  if (args.dbias == nullptr) {
    return;
  }
  const ConvSizes& sizes = args.sizes;
  const std::int64_t inner = std::int64_t{sizes.out_height} * sizes.out_width;
  const PartialSums sums =
      partial_sums(launcher, sizes.batch * sizes.out_channels, inner, Pixel<T>{inner, args.dy});
  defer_or_finish(launcher,
                  {{args.dbias, args.dbias_store, nullptr, sums.values, sizes.batch,
                    sizes.out_channels, sums.parts}},
                  args.deferred);
}

// The kernels of ops.def in one precision.
template <class T, Precision kPrecision>
struct Convolutions {
  static void conv2d(Launcher& launcher, const ConvArgs<T>& args) {
    conv_forward(launcher, args.sizes, args.x, weight(args), destination(args), kPrecision);
  }
  static void conv2d_backward_data(Launcher& launcher, const ConvBackwardDataArgs<T>& args) {
    conv_transpose(launcher, args.sizes, args.dy, {args.weight},
                   Destination<T>{args.dx, args.dx_store}, kPrecision);
  }
  static void conv2d_backward_weight(Launcher& launcher, const ConvBackwardWeightArgs<T>& args) {
    if (args.dweight != nullptr) {
      conv_weight_gradient(launcher, args.sizes, args.x, args.dy, args.dweight, args.dweight_store,
                           args.deferred, kPrecision);
    }
    bias_gradient(launcher, args);
  }
  static void conv2d_prelu_backward_weight(Launcher& launcher,
                                           const ConvPreluBackwardArgs<T>& args) {
    if (!conv_prelu_weight_gradient(launcher, args, kPrecision)) {
      fallback_conv2d_prelu_backward_weight(launcher, args, prelu_backward<T>,
                                            conv2d_backward_weight);
    }
  }
  static void conv_transpose2d(Launcher& launcher, const ConvArgs<T>& args) {
    conv_transpose(launcher, transposed(args.sizes), args.x, weight(args), destination(args),
                   kPrecision);
  }
  static void conv_transpose2d_backward_data(Launcher& launcher,
                                             const ConvBackwardDataArgs<T>& args) {
    conv_forward(launcher, transposed(args.sizes), args.dy, {args.weight},
                 Destination<T>{args.dx, args.dx_store}, kPrecision);
  }
  static void conv_transpose2d_backward_weight(Launcher& launcher,
                                               const ConvBackwardWeightArgs<T>& args) {
    if (args.dweight != nullptr) {
      conv_weight_gradient(launcher, transposed(args.sizes), args.dy, args.x, args.dweight,
                           args.dweight_store, args.deferred, kPrecision);
    }
    bias_gradient(launcher, args);
  }
  static void conv_chain(Launcher& launcher, const ConvChainArgs<T>& args) {
    fallback_conv_chain(launcher, args, conv2d, conv_transpose2d);
  }
};

using Tf32 = Convolutions<float, Precision::tf32>;

}  // namespace

#define PISR_KERNEL(name, Args)                             \
  template <class T>                                        \
  void name(Launcher& launcher, const Args<T>& args) {      \
    Convolutions<T, Precision::fp32>::name(launcher, args); \
  }                                                         \
  PISR_INSTANTIATE(name, Args)
PISR_KERNEL(conv2d, ConvArgs)
PISR_KERNEL(conv2d_backward_data, ConvBackwardDataArgs)
PISR_KERNEL(conv2d_backward_weight, ConvBackwardWeightArgs)
PISR_KERNEL(conv2d_prelu_backward_weight, ConvPreluBackwardArgs)
PISR_KERNEL(conv_transpose2d, ConvArgs)
PISR_KERNEL(conv_transpose2d_backward_data, ConvBackwardDataArgs)
PISR_KERNEL(conv_transpose2d_backward_weight, ConvBackwardWeightArgs)
PISR_KERNEL(conv_chain, ConvChainArgs)
#undef PISR_KERNEL

void conv_chain_tf32(Launcher& launcher, const ConvChainArgs<float>& args) {
  Tf32::conv_chain(launcher, args);
}

KernelTable<float> with_tf32_convolutions(KernelTable<float> table) {
  table.conv2d = Tf32::conv2d;
  table.conv2d_backward_data = Tf32::conv2d_backward_data;
  table.conv2d_backward_weight = Tf32::conv2d_backward_weight;
  table.conv2d_prelu_backward_weight = Tf32::conv2d_prelu_backward_weight;
  table.conv_transpose2d = Tf32::conv_transpose2d;
  table.conv_transpose2d_backward_data = Tf32::conv_transpose2d_backward_data;
  table.conv_transpose2d_backward_weight = Tf32::conv_transpose2d_backward_weight;
  table.conv_chain = Tf32::conv_chain;
  return table;
}

}  // namespace pisr::kernels::PISR_CUDA_NAMESPACE
