#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "pisr/train/config.h"

namespace pisr {

/// A file that lines are added to, each with one write: a crash leaves whole lines, but for the
/// last. Throws Error(output).
class AppendFile {
 public:
  explicit AppendFile(const std::filesystem::path& path);
  ~AppendFile();
  AppendFile(const AppendFile&) = delete;
  AppendFile& operator=(const AppendFile&) = delete;
  /// `text` ends with a line break.
  void append(const std::string& text);
  bool empty() const;

 private:
  std::filesystem::path path_;
  int descriptor_;
};

/// What may be in the folder when a run opens it.
enum class RunMode {
  fresh,      ///< nothing
  overwrite,  ///< a former run, which train() removes
  resume,     ///< a former run, which is continued
};

/// The folder a run writes to:
///
///     config.json             the resolved configuration
///     train.log               what happened, with times
///     metrics.csv             a row every print_freq iterations and for each validation
///     tb/                     the same curves for TensorBoard
///     checkpoints/            the whole state, every save_checkpoint_freq iterations
///     PHASE.safetensors       best weights by validation, for each phase trained
///     PHASE_last.safetensors  weights of the last iteration
///     report.html
class RunDirectory {
 public:
  /// Makes the folder where it is missing, and locks it. Throws Error(output) where it is not
  /// empty (fresh), cannot be written, or another run uses it. Changes nothing in it.
  RunDirectory(const std::filesystem::path& path, RunMode mode);
  /// Removes the folders that the constructor made and that are still empty.
  ~RunDirectory();
  RunDirectory(const RunDirectory&) = delete;
  RunDirectory& operator=(const RunDirectory&) = delete;

  /// Removes the weights and checkpoints that a former run wrote for `phases`, and where it trained
  /// no other phase its log and curves too. Other files stay.
  void start_over(const std::vector<TrainingPhase>& phases) const;

  /// Removes the half-written files of a run that was killed.
  void remove_temporaries() const;

  const std::filesystem::path& path() const noexcept { return path_; }
  RunMode mode() const noexcept { return mode_; }
  std::filesystem::path config() const { return config_of(path_); }
  std::filesystem::path log() const { return path_ / "train.log"; }
  std::filesystem::path metrics() const { return path_ / "metrics.csv"; }
  std::filesystem::path tensorboard() const { return path_ / "tb"; }
  std::filesystem::path checkpoints() const { return checkpoints_of(path_); }
  std::filesystem::path report() const { return path_ / "report.html"; }
  std::filesystem::path best_weights(TrainingPhase phase) const;
  std::filesystem::path last_weights(TrainingPhase phase) const;

  /// Of a folder that is not opened for a run.
  static std::filesystem::path config_of(const std::filesystem::path& run) {
    return run / "config.json";
  }
  static std::filesystem::path checkpoints_of(const std::filesystem::path& run) {
    return run / "checkpoints";
  }

 private:
  std::filesystem::path path_;
  RunMode mode_;
  std::vector<std::filesystem::path> made_;  ///< the innermost first
  int lock_ = -1;
};

}  // namespace pisr
