#include <cstddef>
#include <cstdint>

#include "kernels/cuda/conv_primitives.h"
#include "kernels/cuda/cuda.h"
#include "kernels/cuda/sums.h"

namespace pisr::kernels::PISR_CUDA_NAMESPACE {
namespace {

// The sizes of the conv2d whose data gradient is this conv_transpose2d.
ConvSizes transposed(const ConvSizes& sizes) {
  ConvSizes result = sizes;
  result.in_channels = sizes.out_channels;
  result.in_height = sizes.out_height;
  result.in_width = sizes.out_width;
  result.out_channels = sizes.in_channels;
  result.out_height = sizes.in_height;
  result.out_width = sizes.in_width;
  result.padding_mode = PaddingMode::zero;
  return result;
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
  total_sums(queue,
             partial_sums(queue, sizes.batch * sizes.out_channels, inner, Pixel<T>{inner, args.dy}),
             sizes.out_channels, StoreSum<T>{args.dbias, 1, args.dbias_store});
}

}  // namespace

template <class T>
void conv2d(Queue& queue, const ConvArgs<T>& args) {
  conv_to_small(queue, args.sizes, args.x, args.weight, destination(args));
}

template <class T>
void conv2d_backward_data(Queue& queue, const ConvBackwardDataArgs<T>& args) {
  conv_to_large(queue, args.sizes, args.dy, args.weight, Destination<T>{args.dx, args.dx_store});
}

template <class T>
void conv2d_backward_weight(Queue& queue, const ConvBackwardWeightArgs<T>& args) {
  if (args.dweight != nullptr) {
    conv_to_weight(queue, args.sizes, args.x, args.dy, args.dweight, args.dweight_store);
  }
  bias_gradient(queue, args);
}

template <class T>
void conv_transpose2d(Queue& queue, const ConvArgs<T>& args) {
  conv_to_large(queue, transposed(args.sizes), args.x, args.weight, destination(args));
}

template <class T>
void conv_transpose2d_backward_data(Queue& queue, const ConvBackwardDataArgs<T>& args) {
  conv_to_small(queue, transposed(args.sizes), args.dy, args.weight,
                Destination<T>{args.dx, args.dx_store});
}

template <class T>
void conv_transpose2d_backward_weight(Queue& queue, const ConvBackwardWeightArgs<T>& args) {
  if (args.dweight != nullptr) {
    conv_to_weight(queue, transposed(args.sizes), args.dy, args.x, args.dweight,
                   args.dweight_store);
  }
  bias_gradient(queue, args);
}

// Stage by stage: what lies between is in scratch memory.
template <class T>
void conv_chain(Queue& queue, const ConvChainArgs<T>& args) {
  const T* x = args.x;
  for (int i = 0; i < args.count; ++i) {
    const ChainStage<T>& stage = args.stages[i];
    const ConvSizes& s = stage.sizes;
    const std::int64_t count = s.batch * s.out_channels * s.out_height * s.out_width;
    T* const y =
        i + 1 == args.count ? args.y : queue.scratch_array<T>(static_cast<std::size_t>(count));
    const ConvArgs<T> conv{s, x, stage.weight, stage.bias, y, stage.activation};
    if (stage.transposed) {
      conv_transpose2d(queue, conv);
    } else {
      conv2d(queue, conv);
    }
    x = y;
  }
}

PISR_INSTANTIATE(conv2d, ConvArgs)
PISR_INSTANTIATE(conv2d_backward_data, ConvBackwardDataArgs)
PISR_INSTANTIATE(conv2d_backward_weight, ConvBackwardWeightArgs)
PISR_INSTANTIATE(conv_transpose2d, ConvArgs)
PISR_INSTANTIATE(conv_transpose2d_backward_data, ConvBackwardDataArgs)
PISR_INSTANTIATE(conv_transpose2d_backward_weight, ConvBackwardWeightArgs)
PISR_INSTANTIATE(conv_chain, ConvChainArgs)

}  // namespace pisr::kernels::PISR_CUDA_NAMESPACE
