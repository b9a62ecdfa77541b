#include <cstdint>

#include "kernels/cpu/conv/conv_primitives.h"
#include "kernels/cpu/cpu.h"
#include "kernels/instantiate.h"
#include "kernels/prelu_first.h"

namespace pisr::kernels::cpu {
namespace {

template <class T>
Destination<T> destination(const ConvArgs<T>& args) {
  return {args.y, Store::write, {args.bias, args.activation}, args.before};
}

template <class T>
void bias_gradient(Queue& queue, const ConvBackwardWeightArgs<T>& args) {
  const ConvSizes& sizes = args.sizes;
  if (args.dbias != nullptr) {
    sum_channels(queue, sizes.batch, sizes.out_channels,
                 std::int64_t{sizes.out_height} * sizes.out_width, args.dy, args.dbias,
                 args.dbias_store);
  }
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
void conv2d_prelu_backward_weight(Queue& queue, const ConvPreluBackwardArgs<T>& args) {
  run_prelu_first(queue, args, prelu_backward<T>, conv2d_backward_weight<T>);
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

PISR_INSTANTIATE(conv2d, ConvArgs)
PISR_INSTANTIATE(conv2d_backward_data, ConvBackwardDataArgs)
PISR_INSTANTIATE(conv2d_backward_weight, ConvBackwardWeightArgs)
PISR_INSTANTIATE(conv2d_prelu_backward_weight, ConvPreluBackwardArgs)
PISR_INSTANTIATE(conv_transpose2d, ConvArgs)
PISR_INSTANTIATE(conv_transpose2d_backward_data, ConvBackwardDataArgs)
PISR_INSTANTIATE(conv_transpose2d_backward_weight, ConvBackwardWeightArgs)

}  // namespace pisr::kernels::cpu
