#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "kernels/conv_args.h"
#include "kernels/cpu/conv/rounding.h"
#include "kernels/launcher.h"

/// What the two ways to compute the gradient of a weight share: a task computes a block of it.
namespace pisr::kernels::cpu {

/// A block of the weight: some filters of a group, with some of their channels.
struct WeightBlock {
  std::int64_t group;
  std::int64_t first_channel, channels;
  std::int64_t first_filter, filters;
};

/// How the weight is cut into blocks.
struct WeightTasks {
  std::int64_t groups, channels, filters;    ///< channels and filters of a group
  std::int64_t task_channels, task_filters;  ///< of the largest block

  std::int64_t channel_tasks() const { return ceil_divide(channels, task_channels); }
  std::int64_t filter_tasks() const { return ceil_divide(filters, task_filters); }
  std::int64_t count() const { return groups * channel_tasks() * filter_tasks(); }

  WeightBlock block(std::int64_t task) const {
    const std::int64_t channel = task / filter_tasks() % channel_tasks() * task_channels;
    const std::int64_t filter = task % filter_tasks() * task_filters;
    return {task / (channel_tasks() * filter_tasks()), channel,
            std::min(task_channels, channels - channel), filter,
            std::min(task_filters, filters - filter)};
  }

  /// Where the planes of the block's channels begin in an image of all groups [batch, groups,
  /// channels, plane], and those of its filters in one [batch, groups, filters, plane].
  std::int64_t channel_offset(const WeightBlock& b, std::int64_t n, std::int64_t plane) const {
    return ((n * groups + b.group) * channels + b.first_channel) * plane;
  }
  std::int64_t filter_offset(const WeightBlock& b, std::int64_t n, std::int64_t plane) const {
    return ((n * groups + b.group) * filters + b.first_filter) * plane;
  }

  /// Where the weights of the filter o of a block begin.
  std::int64_t weight_offset(const WeightBlock& b, std::int64_t o, std::int64_t kernel_size) const {
    return ((b.group * filters + b.first_filter + o) * channels + b.first_channel) * kernel_size;
  }
};

/// The images, and the weight whose gradient is computed.
template <class T>
struct WeightOperands {
  const T* large;
  const T* small;
  T* weight;
  Store store;
};

/// Computes all blocks. `gradient` has tasks, scratch_size() and sums_size() of a worker, and
/// compute(block, operands, scratch, sums).
template <class T, class Gradient>
void compute_blocks(Launcher& launcher, const Gradient& gradient,
                    const WeightOperands<T>& operands) {
  const std::size_t workers = static_cast<std::size_t>(launcher.workers());
  T* const scratch = launcher.scratch_array<T>(gradient.scratch_size() * workers);
  double* const sums = launcher.scratch_array<double>(gradient.sums_size() * workers);
  launcher.parallel_for(gradient.tasks.count(), [&](std::int64_t task, int worker) {
    const std::size_t w = static_cast<std::size_t>(worker);
    gradient.compute(gradient.tasks.block(task), operands, scratch + w * gradient.scratch_size(),
                     sums + w * gradient.sums_size());
  });
}

}  // namespace pisr::kernels::cpu
