#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/tensor.h"
#include "pisr/train/config.h"

namespace pisr {

/// More than any training makes; sums of a few such numbers do not overflow.
inline constexpr std::int64_t kMostUpdates = 1'000'000'000'000'000;

/// The whole state of a phase between two updates: what a run needs to go on as if it had never
/// stopped. Batches and the learning rate are functions of seed and iteration, so neither a random
/// state nor a position in the data is part of it.
struct Checkpoint {
  TrainingPhase phase = TrainingPhase::baseline;
  std::int64_t iteration = 0;        ///< updates done, skipped ones included
  std::int64_t earlier_updates = 0;  ///< of what the phase started from, and of the teacher
  std::int64_t adam_steps = 0;       ///< updates done, skipped ones not included
  int bad_steps = 0;                 ///< skipped in a row just before
  std::int64_t best_iteration = -1;  ///< of the best validation; -1 while there was none
  double best_psnr = 0;
  double best_ssim = 0;
  bool validation_due = false;  ///< the run was stopped while it validated this iteration
  std::string validation;       ///< Validation::identity of the best score
  std::string configuration;    ///< config_json()
  /// "weights.NAME" for each parameter, trained or frozen; "adam.first" and "adam.second"
  /// [count]; "best.NAME" of the trained network; "ema" [count] where it is on.
  std::map<std::string, Tensor> tensors;
};

/// One safetensors file, replaced atomically; its metadata hold a checksum over every name, value
/// and number. Throws Error(output), and Error(numeric) where a number is not finite.
void write_checkpoint(const std::filesystem::path& path, const Checkpoint& checkpoint);

/// Throws Error(weights), naming the file and what is wrong: unreadable, not a checkpoint, of
/// another format version, or the checksum does not fit (a changed byte).
Checkpoint read_checkpoint(const std::filesystem::path& path);

/// The bytes of such a file, finite or not, for another process. `name` stands for the file in
/// messages, which are those of read_checkpoint.
std::vector<std::byte> serialise_checkpoint(const Checkpoint& checkpoint);
Checkpoint parse_checkpoint(std::span<const std::byte> bytes, const std::string& name);

/// Whether the file says that it is a checkpoint, valid or not. A file that cannot be read is none.
bool is_checkpoint(const std::filesystem::path& path);

/// A file in a folder of checkpoints.
struct CheckpointFile {
  std::filesystem::path path;
  TrainingPhase phase;
  std::int64_t iteration;
};

/// PHASE_ITERATION.safetensors, e.g. "student_000012000.safetensors".
std::string checkpoint_name(TrainingPhase phase, std::int64_t iteration);

/// Those of the phases in `wanted` by their names, in the order of training: by phase, then by
/// iteration. Empty where there is no such folder.
std::vector<CheckpointFile> list_checkpoints(const std::filesystem::path& folder,
                                             const std::vector<TrainingPhase>& wanted);

/// The newest valid one of the phases in `wanted`, and why newer ones were passed over.
/// `checkpoint` is empty where the folder has none at all; where it has some but none is valid,
/// Error(weights) names the newest's fault.
struct FoundCheckpoint {
  std::optional<Checkpoint> checkpoint;
  std::filesystem::path path;
  std::vector<std::string> skipped;
};
FoundCheckpoint find_newest_checkpoint(const std::filesystem::path& folder,
                                       const std::vector<TrainingPhase>& wanted);

/// Puts ".superseded" to the names of the later checkpoints of the phases in `wanted`: what a run
/// resumed at `phase` and `iteration` leaves behind.
void supersede_checkpoints(const std::filesystem::path& folder,
                           const std::vector<TrainingPhase>& wanted, TrainingPhase phase,
                           std::int64_t iteration);

/// Removes the older checkpoints of a phase but for the `keep` newest and the one of iteration
/// `last`.
void prune_checkpoints(const std::filesystem::path& folder, TrainingPhase phase, int keep,
                       std::int64_t last);

}  // namespace pisr
