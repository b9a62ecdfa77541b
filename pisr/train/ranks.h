#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "core/communicator.h"
#include "core/error.h"
#include "core/tensor.h"
#include "pisr/eval/evaluate.h"
#include "pisr/train/checkpoint.h"
#include "pisr/train/training_data.h"

/// What several ranks do together while they train. A null Communicator is a process alone. But for
/// share_of() and WeightMarks all functions are collective.
namespace pisr {

/// The processes that make the updates of a run together, as one of them sees them.
struct Crew {
  Communicator* ranks = nullptr;  ///< null: this process alone
  /// Whether this process was asked to stop: asked once an update, and told to all. May be empty,
  /// and is not called in a process alone.
  StopCheck stop;
};

/// begin..end - 1 of a count of things.
struct RankShare {
  std::size_t begin;
  std::size_t end;
  std::size_t size() const noexcept { return end - begin; }
};

/// What of `count` things this rank does: those from rank * count / size on. Empty for some where
/// there are more ranks than things.
RankShare share_of(const Communicator* ranks, std::size_t count) noexcept;

/// Threads of this rank where none are asked for: available_threads(), divided by the ranks that
/// have the same processors. A rank that mpirun has bound to its own has them all; at least 1.
int threads_of_rank(Communicator* ranks);

/// The checkpoint of rank 0 on all of them, bit for bit.
void broadcast_checkpoint(Communicator* ranks, Checkpoint& checkpoint);

/// Throws AgreedFailure, on all ranks, where `here` is not on each the lines that it is on rank 0.
/// The error of the lowest such rank names the first line that differs; `what` says what they are,
/// in the plural: "rank 2: its images differ from those of rank 0: ...".
void check_same_lines(Communicator* ranks, const std::vector<std::string>& here,
                      const std::string& what, ErrorKind kind, const std::string& hint = "");

/// check_same_lines() of training and validation images, by names, sizes and some of their pixels.
void check_same_images(Communicator* ranks, const TrainingData& data);

/// The means of what `evaluate` finds on the images of validation.set, each rank having done its
/// share of them: the bits of one process. Where any rank was stopped, all throw EvaluationStopped.
Score evaluate_together(Communicator* ranks, const Validation& validation,
                        const std::function<EvaluationResult(const EvaluationSet&)>& evaluate);

/// A checksum of weights as numbers that can be added up over the ranks in floats without rounding,
/// so that it travels with the sum of the gradients.
class WeightMarks {
 public:
  static constexpr std::size_t kCount = 32;
  /// Of `values` [count], f32.
  explicit WeightMarks(const Tensor& values);
  /// What this rank adds.
  std::span<const float, kCount> marks() const noexcept { return marks_; }
  /// Whether the sum of the marks of `size` ranks says that all have the same: the same answer on
  /// all ranks. Up to 70,000 ranks.
  static bool are_equal(std::span<const float, kCount> sum, int size) noexcept;

 private:
  std::array<float, kCount> marks_{};
};

}  // namespace pisr
