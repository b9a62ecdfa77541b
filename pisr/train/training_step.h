#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/parallel.h"
#include "core/tape.h"
#include "nn/adam.h"
#include "pisr/data/dataset.h"
#include "pisr/data/sampler.h"
#include "pisr/train/phase_model.h"

namespace pisr {

struct StepOptions {
  int batch_size = 16;
  int gt_size = 192;
  std::uint64_t seed = 0;    ///< of the batches
  double gradient_clip = 0;  ///< largest norm; 0: not clipped
  int max_bad_steps = 10;    ///< see TrainingSteps
};

struct StepResult {
  double loss = 0;  ///< means over the batch
  double reconstruction = 0;
  double auxiliary = 0;
  double gradient_norm = 0;
  /// false: loss or gradient were not finite, and nothing was changed.
  bool applied = false;
  double data_seconds = 0;  ///< time of making the patches, a mean over the threads
  /// Of a step that was not applied: what was not finite and in which images, for an error text.
  std::string failure;
};

/// For error texts: "image a", or "images a, b, c, d and 3 more"; a name that is there twice counts
/// once.
std::string list_of_images(const std::vector<std::string>& names);

/// One update of the weights: batch, forward, backward, Adam.
///
/// Each image of the batch is a task of its own with its own tape, memory and gradient, run by one
/// thread from the patch to the gradient: what it computes stays in that core's cache, and threads
/// meet once a step. The gradients are then added in the order of the images, so the result does
/// not depend on the number of threads. After the first step nothing is allocated.
class TrainingStep {
 public:
  /// Keeps references to all of them. Throws Error(input) for an image smaller than the patch.
  TrainingStep(const PhaseModel& model, Adam& adam, const Dataset& data, ThreadPool& pool,
               const StepOptions& options);
  ~TrainingStep();
  TrainingStep(const TrainingStep&) = delete;
  TrainingStep& operator=(const TrainingStep&) = delete;

  /// The batch is a function of seed and iteration alone.
  StepResult run(std::int64_t iteration, double learning_rate);

 private:
  struct Worker;
  struct Shard;
  void compute(Shard& shard, Worker& worker, std::int64_t sample);
  void add_gradients();
  std::string failure() const;

  const PhaseModel& model_;
  Adam& adam_;
  const Dataset& data_;
  ThreadPool& pool_;
  StepOptions options_;
  BatchSampler sampler_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<Shard> shards_;
  Context context_;
  Tensor gradient_;
  std::int64_t iteration_ = 0;
};

}  // namespace pisr
