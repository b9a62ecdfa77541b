#include <cstdint>

#include "kernels/cpu/conv/conv_primitives.h"
#include "kernels/cpu/cpu.h"
#include "kernels/fallbacks.h"
#include "kernels/instantiate.h"

namespace pisr::kernels::cpu {
namespace {

template <class T>
Destination<T> destination(const ConvArgs<T>& args) {
  return {args.y, Store::write, {args.bias, args.activation}, args.before};
}

template <class T>
void bias_gradient(Launcher& launcher, const ConvBackwardWeightArgs<T>& args) {
  const ConvSizes& sizes = args.sizes;
  if (args.dbias != nullptr) {
    sum_channels(launcher, sizes.batch, sizes.out_channels,
                 std::int64_t{sizes.out_height} * sizes.out_width, args.dy, args.dbias,
                 args.dbias_store);
  }
}

}  // namespace

template <class T>
void conv2d(Launcher& launcher, const ConvArgs<T>& args) {
  conv_forward(launcher, args.sizes, args.x, args.weight, destination(args));
}

template <class T>
void conv2d_backward_data(Launcher& launcher, const ConvBackwardDataArgs<T>& args) {
  conv_transpose(launcher, args.sizes, args.dy, args.weight,
                 Destination<T>{args.dx, args.dx_store});
}

template <class T>
void conv2d_backward_weight(Launcher& launcher, const ConvBackwardWeightArgs<T>& args) {
  if (args.dweight != nullptr) {
    conv_weight_gradient(launcher, args.sizes, args.x, args.dy, args.dweight, args.dweight_store);
  }
  bias_gradient(launcher, args);
}

template <class T>
void conv2d_prelu_backward_weight(Launcher& launcher, const ConvPreluBackwardArgs<T>& args) {
  fallback_conv2d_prelu_backward_weight(launcher, args, prelu_backward<T>,
                                        conv2d_backward_weight<T>);
}

template <class T>
void conv_transpose2d(Launcher& launcher, const ConvArgs<T>& args) {
  conv_transpose(launcher, transposed(args.sizes), args.x, args.weight, destination(args));
}

template <class T>
void conv_transpose2d_backward_data(Launcher& launcher, const ConvBackwardDataArgs<T>& args) {
  conv_forward(launcher, transposed(args.sizes), args.dy, args.weight,
               Destination<T>{args.dx, args.dx_store});
}

template <class T>
void conv_transpose2d_backward_weight(Launcher& launcher, const ConvBackwardWeightArgs<T>& args) {
  if (args.dweight != nullptr) {
    conv_weight_gradient(launcher, transposed(args.sizes), args.dy, args.x, args.dweight,
                         args.dweight_store);
  }
  bias_gradient(launcher, args);
}

PISR_INSTANTIATE(conv2d, ConvArgs)
PISR_INSTANTIATE(conv2d_backward_data, ConvBackwardDataArgs)
PISR_INSTANTIATE(conv2d_backward_weight, ConvBackwardWeightArgs)
PISR_INSTANTIATE(conv2d_prelu_backward_weight, ConvPreluBackwardArgs)
PISR_INSTANTIATE(conv_transpose2d, ConvArgs)
PISR_INSTANTIATE(conv_transpose2d_backward_data, ConvBackwardDataArgs)
PISR_INSTANTIATE(conv_transpose2d_backward_weight, ConvBackwardWeightArgs)

}  // namespace pisr::kernels::cpu
