#pragma once

#include <cmath>
#include <cstdint>

#include "kernels/patch_choice.h"
#include "kernels/training_args.h"

/// The patches, the bookkeeping and the constants of a training step. All back ends share these
/// functions.
namespace pisr::kernels {

/// Pixels of a pair of patches, HR and LR.
template <class T>
PISR_HOST_DEVICE std::int64_t patch_pixels(const RandomPatchesArgs<T>& args) {
  return std::int64_t{args.low_size} * args.low_size * (1 + args.scale * args.scale);
}

/// Writes the pixel `index` of the pair `sample` of the batch, all its channels. The pixels of the
/// HR patch come first, then those of the LR patch.
template <class T>
PISR_HOST_DEVICE void write_patch_pixel(const RandomPatchesArgs<T>& args, std::int64_t sample,
                                        std::int64_t index) {
  const auto number = static_cast<std::uint64_t>(*args.iteration * args.batch + sample);
  struct Extent {
    int width, height;
  };
  const PatchChoice choice =
      choose_patch(args.key, number, static_cast<std::uint32_t>(args.images), args.low_size,
                   [&args](std::uint32_t image) {
                     return Extent{args.sources[image].low_width, args.sources[image].low_height};
                   });
  const PatchSource& source = args.sources[choice.image];
  const std::int64_t high_pixels =
      std::int64_t{args.low_size} * args.low_size * args.scale * args.scale;
  const bool is_low = index >= high_pixels;
  const int scale = is_low ? 1 : args.scale;
  const int size = scale * args.low_size;
  const auto place = static_cast<int>(is_low ? index - high_pixels : index);
  int x = place % size;
  int y = place / size;
  if (choice.transpose) {
    const int exchanged = x;
    x = y;
    y = exchanged;
  }
  x = choice.flip_horizontal ? size - 1 - x : x;
  y = choice.flip_vertical ? size - 1 - y : y;
  const std::int64_t row = std::int64_t{scale} * choice.low_y + y;
  const std::int64_t column = std::int64_t{scale} * choice.low_x + x;
  const std::uint8_t* pixel = args.bytes + (is_low ? source.low_offset : source.high_offset) +
                              (row * scale * source.low_width + column) * source.channels;
  T* target = is_low ? args.low : args.high;
  const std::int64_t plane = std::int64_t{size} * size;
  for (int c = 0; c < args.channels; ++c) {
    target[(sample * args.channels + c) * plane + place] =
        static_cast<T>(patch_value(pixel, source.channels, args.channels, c));
  }
}

/// The constants of a step of Adam, which changes nothing unless `applied`.
struct AdamConstants {
  double rate, correction1, correction2, gradient_scale;
  bool applied;
};

template <class T>
AdamConstants adam_constants(const AdamArgs<T>& args) {
  const auto step = static_cast<double>(args.step);
  return {args.rate, 1 - std::pow(args.beta1, step), 1 - std::pow(args.beta2, step),
          args.gradient_scale, true};
}

PISR_HOST_DEVICE inline AdamConstants adam_constants(const StepControl& control) {
  return {control.rate, control.correction1, control.correction2, control.gradient_scale,
          control.applied != 0};
}

/// finish_step, given the sum of the squares of the gradient.
template <class T>
PISR_HOST_DEVICE void finish_step_of(const FinishStepArgs<T>& args, double squares) {
  StepControl& control = *args.control;
  control.applied = 0;
  if (control.iteration >= control.end_iteration || control.bad_steps >= args.max_bad_steps) {
    return;
  }
  const std::int64_t index = control.iteration - control.first_iteration;
  StepRow row{};
  row.loss = *args.loss;
  row.reconstruction = *args.reconstruction;
  row.auxiliary = args.auxiliary == nullptr ? 0 : static_cast<double>(*args.auxiliary);
  row.gradient_norm = std::sqrt(squares);
  row.applied = std::isfinite(row.loss) && std::isfinite(row.gradient_norm) ? 1 : 0;
  args.rows[index] = row;
  ++control.iteration;
  if (row.applied == 0) {
    ++control.bad_steps;
    return;
  }
  // As clip_scale() of nn/clip.h.
  const double scale = args.max_norm / (row.gradient_norm + 1e-6);
  control.gradient_scale = args.max_norm == 0 || scale > 1 ? 1 : scale;
  control.rate = args.constants[index].rate;
  control.correction1 = args.constants[control.updates].correction1;
  control.correction2 = args.constants[control.updates].correction2;
  control.applied = 1;
  control.bad_steps = 0;
  ++control.updates;
}

}  // namespace pisr::kernels
