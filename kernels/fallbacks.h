#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "kernels/args.h"
#include "kernels/conv_args.h"
#include "kernels/launcher.h"
#include "kernels/training_step.h"

/// Kernels for a back end that has nothing faster, most of them made of other kernels of that back
/// end. weighted_loss and all below it read and write elements themselves: they are for the host's
/// memory.
namespace pisr::kernels {

/// conv2d_prelu_backward_weight: the gradient of the PReLU first, then that of the convolution.
template <class T>
void fallback_conv2d_prelu_backward_weight(
    Launcher& launcher, const ConvPreluBackwardArgs<T>& args,
    void (*prelu_backward)(Launcher&, const PreluBackwardArgs<T>&),
    void (*conv2d_backward_weight)(Launcher&, const ConvBackwardWeightArgs<T>&)) {
  ConvBackwardWeightArgs<T> conv = args.conv;
  const ConvSizes& sizes = conv.sizes;
  prelu_backward(launcher,
                 {sizes.batch, sizes.out_channels, std::int64_t{sizes.out_height} * sizes.out_width,
                  args.slopes, args.before, args.slope, conv.dy, args.dz, args.dslope, Store::write,
                  args.dslope_store, conv.dbias, conv.dbias_store, conv.deferred});
  if (conv.dweight != nullptr) {
    conv.dy = args.dz;
    conv.dbias = nullptr;  // prelu_backward has computed it
    conv2d_backward_weight(launcher, conv);
  }
}

/// conv_chain: one stage after the other. The images between two stages lie whole in scratch
/// memory, alternately in one of two places.
template <class T>
void fallback_conv_chain(Launcher& launcher, const ConvChainArgs<T>& args,
                         void (*conv2d)(Launcher&, const ConvArgs<T>&),
                         void (*conv_transpose2d)(Launcher&, const ConvArgs<T>&)) {
  std::array<std::size_t, 2> largest{};
  for (int i = 0; i + 1 < args.count; ++i) {
    largest[i % 2] = std::max(largest[i % 2], output_count(args.stages[i].sizes));
  }
  std::array<T*, 2> between{};
  for (std::size_t i = 0; i < between.size(); ++i) {
    between[i] = largest[i] == 0 ? nullptr : launcher.scratch_array<T>(largest[i]);
  }
  const T* x = args.x;
  for (int i = 0; i < args.count; ++i) {
    const ChainStage<T>& stage = args.stages[i];
    T* const y = i + 1 == args.count ? args.y : between[i % 2];
    (stage.transposed ? conv_transpose2d : conv2d)(
        launcher,
        {stage.sizes, x, stage.weight, stage.bias, y, stage.activation, nullptr, stage.cache});
    x = y;
  }
}

/// weighted_loss: one term after the other, each with its gradients.
template <class T>
void fallback_weighted_loss(Launcher& launcher, const WeightedLossArgs<T>& args,
                            void (*loss)(Launcher&, const LossArgs<T>&),
                            void (*loss_backward)(Launcher&, const LossBackwardArgs<T>&)) {
  T total = 0;
  for (const WeightedTerm<T>* term = args.terms; term != args.terms + args.count; ++term) {
    const LossArgs<T>& a = term->loss;
    loss(launcher, a);
    total += term->weight == 0 ? 0 : term->weight * *a.y;
    if (term->dtarget != nullptr || term->dlocation != nullptr || term->dspread != nullptr) {
      loss_backward(launcher,
                    {a.op, a.count, a.target, a.location, a.spread, &term->weight, term->dtarget,
                     term->dlocation, term->dspread, Store::write, Store::write, Store::write});
    }
  }
  *args.total = total;
}

/// finish_sums, for a back end that defers no sums itself.
template <class T>
void fallback_finish_sums(const FinishSumsArgs<T>& args) {
  for (const DeferredSum<T>* sum = args.sums; sum != args.sums + args.count; ++sum) {
    for (std::int64_t i = 0; i < sum->results; ++i) {
      T& target = sum->target[i];
      double total = sum->store == Store::add ? static_cast<double>(target) : 0;
      for (std::int64_t run = 0; run < sum->runs; ++run) {
        for (std::int64_t term = 0; term < sum->terms; ++term) {
          const std::int64_t at = (run * sum->results + i) * sum->terms + term;
          total += sum->parts == nullptr ? sum->exact_parts[at] : sum->parts[at];
        }
      }
      target = static_cast<T>(total);
    }
  }
}

/// random_patches, a pair of patches a task.
template <class T>
void fallback_random_patches(Launcher& launcher, const RandomPatchesArgs<T>& args) {
  launcher.parallel_for(args.batch, [&args](std::int64_t sample, int) {
    for (std::int64_t i = 0; i < patch_pixels(args); ++i) {
      write_patch_pixel(args, sample, i);
    }
  });
}

/// finish_step: the sum of the squares of the gradient first.
template <class T>
void fallback_finish_step(Launcher& launcher, const FinishStepArgs<T>& args,
                          void (*sum_squares)(Launcher&, const SumSquaresArgs<T>&)) {
  double squares = 0;
  sum_squares(launcher, {args.count, args.gradient, &squares});
  finish_step_of(args, squares);
}

}  // namespace pisr::kernels
