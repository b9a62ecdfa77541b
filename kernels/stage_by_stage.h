#pragma once

#include <algorithm>
#include <array>
#include <cstddef>

#include "kernels/conv_args.h"
#include "kernels/queue.h"

namespace pisr::kernels {

/// conv_chain for a back end that has nothing better: what lies between two stages is in scratch
/// memory, whole, in two places by turns.
template <class T>
void run_stage_by_stage(Queue& queue, const ConvChainArgs<T>& args,
                        void (*conv2d)(Queue&, const ConvArgs<T>&),
                        void (*conv_transpose2d)(Queue&, const ConvArgs<T>&)) {
  std::array<std::size_t, 2> largest{};
  for (int i = 0; i + 1 < args.count; ++i) {
    largest[i % 2] = std::max(largest[i % 2], output_count(args.stages[i].sizes));
  }
  std::array<T*, 2> between{};
  for (std::size_t i = 0; i < between.size(); ++i) {
    between[i] = largest[i] == 0 ? nullptr : queue.scratch_array<T>(largest[i]);
  }
  const T* x = args.x;
  for (int i = 0; i < args.count; ++i) {
    const ChainStage<T>& stage = args.stages[i];
    T* const y = i + 1 == args.count ? args.y : between[i % 2];
    (stage.transposed ? conv_transpose2d : conv2d)(
        queue,
        {stage.sizes, x, stage.weight, stage.bias, y, stage.activation, nullptr, stage.prepared});
    x = y;
  }
}

}  // namespace pisr::kernels
