#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/context.h"
#include "core/parallel.h"
#include "core/safetensors.h"
#include "pisr/data/dataset.h"
#include "pisr/model/teacher.h"

namespace pisr::bench {

/// The work that is measured end to end, all x2 and f32, by default_spec()'s network:
///   W1  the network enlarges 640x360 to 1280x720 (or another size)
///   W2  a training step of the network, batch 16, patches of 192x192
///   W3  one of the teacher, the same batch
///   W4  one of the student: teacher's features, student, Laplace estimator, Adam
/// A training step makes its patches, as pisr_train does, from images in memory.
class Workload {
 public:
  virtual ~Workload() = default;
  /// Does it once. For W2-W4 each call is the next step.
  virtual void run() = 0;
  /// The current weights, and the inputs and results of the last run(), for another implementation
  /// to repeat. W1: "input" and "output"; W2-W4: "high", "low" (the batch) and "loss".
  virtual SafeTensors state() const = 0;
};

/// Throws Error(usage) for another name than W1 to W4.
std::unique_ptr<Workload> make_workload(const std::string& name, ThreadPool& pool,
                                        Backend backend = Backend::cpu);
/// W1 at another size of the small image.
std::unique_ptr<Workload> make_inference(ThreadPool& pool, int width, int height,
                                         Backend backend = Backend::cpu);

/// The teacher that W4's student learns from, and the images that W2 to W4 make patches of.
std::unique_ptr<Teacher> make_training_teacher();
Dataset make_training_images(int threads);

/// "W1" to "W4".
const std::vector<std::string>& workload_names();

/// Multiply-adds that cannot be left out: W2-W4 without the gradient of an input image, W4 without
/// the teacher's reconstruction, which nothing reads.
std::int64_t multiply_adds(const std::string& name);
/// Of W1 at another size.
std::int64_t inference_multiply_adds(int width, int height);

}  // namespace pisr::bench
