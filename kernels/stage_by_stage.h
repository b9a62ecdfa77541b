#pragma once

#include "kernels/conv_args.h"
#include "kernels/queue.h"

namespace pisr::kernels {

/// conv_chain for a back end that has nothing better: what lies between two stages is in scratch
/// memory, whole.
template <class T>
void run_stage_by_stage(Queue& queue, const ConvChainArgs<T>& args,
                        void (*conv2d)(Queue&, const ConvArgs<T>&),
                        void (*conv_transpose2d)(Queue&, const ConvArgs<T>&)) {
  const T* x = args.x;
  for (int i = 0; i < args.count; ++i) {
    const ChainStage<T>& stage = args.stages[i];
    T* const y = i + 1 == args.count ? args.y : queue.scratch_array<T>(output_count(stage.sizes));
    (stage.transposed ? conv_transpose2d : conv2d)(
        queue, {stage.sizes, x, stage.weight, stage.bias, y, stage.activation, nullptr});
    x = y;
  }
}

}  // namespace pisr::kernels
