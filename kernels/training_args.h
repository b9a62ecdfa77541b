#pragma once

#include <cstdint>

#include "kernels/philox.h"

namespace pisr::kernels {

/// An image of the training data: its HR version [scale * low_height, scale * low_width, channels]
/// and its LR version [low_height, low_width, channels], in bytes; channels is 1 or 3.
struct PatchSource {
  std::int64_t high_offset, low_offset;  ///< of the first byte
  int low_width, low_height, channels;
};

/// A batch of random patches in 0..1, as luminance or RGB as `channels` says. Image i is the sample
/// *iteration * batch + i of the stream `key` (kernels/patch_choice.h). Values are rounded to float
/// and stored as T.
template <class T>
struct RandomPatchesArgs {
  std::int64_t batch;
  int low_size, scale, channels;  ///< channels: 1 or 3
  PhiloxKey key;
  const std::int64_t* iteration;
  std::int64_t images;
  const PatchSource* sources;  ///< [images]
  const std::uint8_t* bytes;
  T* high;  ///< [batch, channels, scale * low_size, scale * low_size]
  T* low;   ///< [batch, channels, low_size, low_size]
};

/// The state that training steps hand on to each other while the host does not take part. It lies
/// in the memory of the kernels. The host writes it before a run of steps and reads it afterwards.
struct StepControl {
  std::int64_t iteration;        ///< of the next step; chooses its batch
  std::int64_t first_iteration;  ///< of the run: row 0 of its tables
  std::int64_t end_iteration;    ///< from this iteration on, steps change nothing
  std::int64_t updates;          ///< steps of this run that were applied
  std::int64_t bad_steps;        ///< steps in a row that were not applied
  // Of the current step, from finish_step on:
  double rate;
  double correction1, correction2;  ///< 1 - beta1^step and 1 - beta2^step
  double gradient_scale;
  std::int32_t applied;  ///< 0: parameters, moments and averages stay as they are
};

/// What the host computes for a run of steps, so that it is the same on every device.
struct StepConstants {
  double rate;                      ///< of iteration first_iteration + row
  double correction1, correction2;  ///< of update row + 1 of the run
};

/// The losses of a step, means over its batch, and the norm of its gradient. `auxiliary` is the
/// imitation or distillation loss before it is weighted; 0 where there is none.
struct StepValues {
  double loss = 0, reconstruction = 0, auxiliary = 0, gradient_norm = 0;
};

/// A step and whether it changed anything.
struct StepRow : StepValues {
  std::int32_t applied = 0;
};

/// Ends a step after its gradient: writes its row, and decides whether and how it is applied. A
/// step whose loss or gradient is not finite is not applied. After max_bad_steps such steps in a
/// row, and after the last step of the run, steps change nothing but `applied` and write no row.
template <class T>
struct FinishStepArgs {
  std::int64_t max_bad_steps;  ///< >= 1
  double max_norm;             ///< of the gradient, as in nn/clip.h; 0: no clipping
  const T* loss;               ///< one element each
  const T* reconstruction;
  const T* auxiliary;  ///< may be null: 0
  std::int64_t count;
  const T* gradient;               ///< [count]
  const StepConstants* constants;  ///< [end_iteration - first_iteration]
  StepRow* rows;                   ///< [end_iteration - first_iteration]
  StepControl* control;
};

/// One step of Adam (Kingma and Ba, ICLR 2015) as PyTorch computes it, for step = 1, 2, ...:
///   m = beta1 m + (1 - beta1) g,  v = beta2 v + (1 - beta2) g^2
///   parameter -= rate / (1 - beta1^step) * m / (sqrt(v) / sqrt(1 - beta2^step) + epsilon)
template <class T>
struct AdamArgs {
  std::int64_t count;
  std::int64_t step;
  double rate, beta1, beta2, epsilon;
  double gradient_scale;  ///< factor of the gradient (clipping)
  const T* gradient;
  T* parameter;
  T* m;
  T* v;
  /// Where not null, rate, gradient_scale and the powers of the betas are taken from there, and
  /// nothing is done where the step is not applied.
  const StepControl* control = nullptr;
};

/// average = decay average + (1 - decay) x
template <class T>
struct MovingAverageArgs {
  std::int64_t count;
  double decay;
  const T* x;
  T* average;
  /// Where not null, nothing is done where the step is not applied.
  const StepControl* control = nullptr;
};

/// y[0] = sum of x^2 in double.
template <class T>
struct SumSquaresArgs {
  std::int64_t count;
  const T* x;
  double* y;
};

}  // namespace pisr::kernels
