#pragma once

#include <functional>
#include <optional>
#include <string>

#include "core/communicator.h"
#include "pisr/train/checkpoint.h"
#include "pisr/train/run_directory.h"
#include "pisr/train/training_data.h"
#include "pisr/train/training_log.h"

namespace pisr {

/// How a run tells what it does; each may be empty. Called on the thread of train().
struct TrainCallbacks {
  /// A line for people; train.log has it too.
  std::function<void(const std::string& line)> line;
  /// After every update, with its values.
  std::function<void(const StepReport& report)> step;
  /// Every train.print_freq updates, with means since the last report.
  std::function<void(const StepReport& report)> report;
  std::function<void(const ValidationReport& report)> validation;
  /// Asked between updates and between the images of a validation; true saves a checkpoint and ends
  /// the run. A validation that is cut short is made again when the run is resumed.
  std::function<bool()> cancelled;
};

/// Where a run goes on.
struct ResumePoint {
  Checkpoint checkpoint;
  std::string name;  ///< of its file, for messages
};

enum class TrainOutcome { finished, cancelled };

/// Trains the phases of config.train.phase into `run`. A phase of the resume point's begins there,
/// earlier ones are taken as done, later ones begin at iteration 0. The student starts from the
/// best teacher by validation: that of this run, of train.teacher_weights, or of the run directory.
/// The last iteration of a phase is always validated and in a checkpoint. A run that was stopped
/// and resumed ends with the weights of one that was not, bit for bit, whatever the number of
/// threads.
///
/// Updates are made on `device` where it is not null, several at a time: callbacks come after at
/// most 100 of them or about half a second; validation runs there too. Checkpoints are the same: a
/// run may go on on another device, where rounding differs.
///
/// Throws Error: numeric where training diverges, output where the run directory cannot be
/// written, weights where the student has no fitting teacher, input for images smaller than the
/// patch, device where it fails; the last checkpoint is then where the run can go on.
TrainOutcome train(const TrainConfig& config, const RunDirectory& run, const TrainingData& data,
                   const std::optional<ResumePoint>& resume, const TrainCallbacks& callbacks,
                   kernels::Device* device = nullptr);

/// train() by several ranks, on their CPUs. Rank 0 has `run` (null on the others) and `resume`,
/// writes and reads all files but images, and gives the others the state of each phase at its
/// start. `config` and `data` must be equal on all. Batches are those of one process; losses and
/// weights differ from its by rounding, as sums are added in another order. Where config.threads is
/// 0, a rank has threads_of_rank().
///
/// TrainCallbacks::cancelled is asked on every rank: all stop after the update in which one of them
/// answers true. Where all ranks can end together an error is thrown as AgreedFailure; any other
/// exception leaves the other ranks waiting: Communicator::abort() ends them. A null `ranks` is
/// train().
TrainOutcome train_together(Communicator* ranks, const TrainConfig& config, const RunDirectory* run,
                            const TrainingData& data, const std::optional<ResumePoint>& resume,
                            const TrainCallbacks& callbacks);

/// Throws Error(weights) where `checkpoint` is of another network than `config` asks for, or of a
/// phase that it does not train. Otherwise the differences of the two configurations: with any of
/// them the resumed run is not the one that was stopped.
std::vector<ConfigDifference> check_resume(const TrainConfig& config, const Checkpoint& checkpoint,
                                           const std::string& name);

}  // namespace pisr
