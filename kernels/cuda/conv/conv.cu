#include <cstddef>
#include <cstdint>

#include "kernels/cuda/conv/conv_primitives.h"
#include "kernels/cuda/cuda.h"
#include "kernels/cuda/fsrcnn/fused_fsrcnn.h"
#include "kernels/cuda/late_sums.h"
#include "kernels/cuda/sums.h"
#include "kernels/prelu_first.h"
#include "kernels/stage_by_stage.h"

namespace pisr::kernels::PISR_CUDA_NAMESPACE {
namespace {

template <class T>
Weight<T> weight(const ConvArgs<T>& args) {
  return {args.weight, args.prepared};
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
void bias_gradient(Queue& queue, const ConvBackwardWeightArgs<T>& args) {
  if (args.dbias == nullptr) {
    return;
  }
  const ConvSizes& sizes = args.sizes;
  const std::int64_t inner = std::int64_t{sizes.out_height} * sizes.out_width;
  const PartialSums sums =
      partial_sums(queue, sizes.batch * sizes.out_channels, inner, Pixel<T>{inner, args.dy});
  leave_or_finish(queue,
                  {{args.dbias, args.dbias_store, nullptr, sums.values, sizes.batch,
                    sizes.out_channels, sums.parts}},
                  args.later);
}

// The kernels of ops.def by one precision.
template <class T, Precision kPrecision>
struct Convolutions {
  static void conv2d(Queue& queue, const ConvArgs<T>& args) {
    conv_to_small(queue, args.sizes, args.x, weight(args), destination(args), kPrecision);
  }
  static void conv2d_backward_data(Queue& queue, const ConvBackwardDataArgs<T>& args) {
    conv_to_large(queue, args.sizes, args.dy, {args.weight}, Destination<T>{args.dx, args.dx_store},
                  kPrecision);
  }
  static void conv2d_backward_weight(Queue& queue, const ConvBackwardWeightArgs<T>& args) {
    if (args.dweight != nullptr) {
      conv_to_weight(queue, args.sizes, args.x, args.dy, args.dweight, args.dweight_store,
                     args.later, kPrecision);
    }
    bias_gradient(queue, args);
  }
  static void conv2d_prelu_backward_weight(Queue& queue, const ConvPreluBackwardArgs<T>& args) {
    if (!prelu_to_weight(queue, args, kPrecision)) {
      run_prelu_first(queue, args, prelu_backward<T>, conv2d_backward_weight);
    }
  }
  static void conv_transpose2d(Queue& queue, const ConvArgs<T>& args) {
    conv_to_large(queue, transposed(args.sizes), args.x, weight(args), destination(args),
                  kPrecision);
  }
  static void conv_transpose2d_backward_data(Queue& queue, const ConvBackwardDataArgs<T>& args) {
    conv_to_small(queue, transposed(args.sizes), args.dy, {args.weight},
                  Destination<T>{args.dx, args.dx_store}, kPrecision);
  }
  static void conv_transpose2d_backward_weight(Queue& queue,
                                               const ConvBackwardWeightArgs<T>& args) {
    if (args.dweight != nullptr) {
      conv_to_weight(queue, transposed(args.sizes), args.dy, args.x, args.dweight,
                     args.dweight_store, args.later, kPrecision);
    }
    bias_gradient(queue, args);
  }
  static void conv_chain(Queue& queue, const ConvChainArgs<T>& args) {
    run_stage_by_stage(queue, args, conv2d, conv_transpose2d);
  }
};

using Tf32 = Convolutions<float, Precision::tf32>;

}  // namespace

#define PISR_KERNEL(name, Args)                          \
  template <class T>                                     \
  void name(Queue& queue, const Args<T>& args) {         \
    Convolutions<T, Precision::fp32>::name(queue, args); \
  }                                                      \
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

void conv_chain_fp16(Queue& queue, const ConvChainArgs<float>& args) {
  if (!fused_fsrcnn_takes(args)) {
    Tf32::conv_chain(queue, args);
    return;
  }
  const unsigned* packed =
      prepare<unsigned>(queue, args.prepared, kFsrcnnWords,
                        [&](unsigned* memory) { pack_fsrcnn(queue, args, memory); });
  const ConvSizes& first = args.stages[0].sizes;
  fused_fsrcnn(queue, {first.batch, first.in_height, first.in_width,
                       args.stages[args.count - 1].sizes.stride, args.x, packed, args.y});
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
