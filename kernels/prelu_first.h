#pragma once

#include <cstdint>

#include "kernels/args.h"
#include "kernels/queue.h"

namespace pisr::kernels {

/// conv2d_prelu_backward_weight by the kernels prelu_backward and conv2d_backward_weight of a back
/// end.
template <class T>
void run_prelu_first(Queue& queue, const ConvPreluBackwardArgs<T>& args,
                     void (*prelu_backward)(Queue&, const PreluBackwardArgs<T>&),
                     void (*conv2d_backward_weight)(Queue&, const ConvBackwardWeightArgs<T>&)) {
  ConvBackwardWeightArgs<T> conv = args.conv;
  const ConvSizes& sizes = conv.sizes;
  prelu_backward(queue,
                 {sizes.batch, sizes.out_channels, std::int64_t{sizes.out_height} * sizes.out_width,
                  args.slopes, args.before, args.slope, conv.dy, args.dz, args.dslope, Store::write,
                  args.dslope_store, conv.dbias, conv.dbias_store, conv.later});
  if (conv.dweight != nullptr) {
    conv.dy = args.dz;
    conv.dbias = nullptr;  // done
    conv2d_backward_weight(queue, conv);
  }
}

}  // namespace pisr::kernels
