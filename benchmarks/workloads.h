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

/// The workloads that are measured end to end, all x2 and f32, by default_spec()'s network:
///   W1  the network enlarges 640x360 to 1280x720 (or another size)
///   W2  a training step of the network, batch 16, patches of 192x192
///   W3  one of the teacher, the same batch
///   W4  one of the student: teacher's features, student, Laplace estimator, Adam
/// and of every network of the table, by an architecture's name:
///   W5/NAME  the network with its default options enlarges 640x360 to 1280x720
/// Behind the name may stand options and another size of the small image, as in
/// W5/NAME:layers=10,bias=false and W5/NAME@320x180; W1@320x180 alike.
///
/// A training step makes its patches, as pisr_train does, from images in memory.
class Workload {
 public:
  virtual ~Workload() = default;
  /// Does it once. For W2-W4 each call is the next step.
  virtual void run() = 0;
  /// The current weights, and the inputs and results of the last run(), for another implementation
  /// to repeat. W1 and W5: "input" and "output", and in the metadata "network": architecture, scale
  /// and options as JSON. W2-W4: "high", "low" (the batch) and "loss".
  virtual SafeTensors state() const = 0;
};

/// Throws Error(usage) for a name that is none of those above.
std::unique_ptr<Workload> make_workload(const std::string& name, ThreadPool& pool,
                                        Backend backend = Backend::cpu);

/// The teacher that W4's student learns from, and the images that W2 to W4 make patches of.
std::unique_ptr<Teacher> make_training_teacher();
Dataset make_training_images(int threads);

/// "W1" to "W4", then "W5/NAME" for each network.
std::vector<std::string> workload_names();

/// Necessary multiply-adds: W2-W4 without the gradient of an input image, W4 without the teacher's
/// reconstruction, which nothing reads.
std::int64_t multiply_adds(const std::string& name);

}  // namespace pisr::bench
