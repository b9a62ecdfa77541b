#include "pisr/train/trainer.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "core/agreement.h"
#include "core/atomic_file.h"
#include "core/error.h"
#include "core/parallel.h"
#include "core/printable.h"
#include "pisr/model/weights.h"
#include "pisr/train/phase_run.h"

namespace pisr {

namespace {

using Clock = std::chrono::steady_clock;

/// Of the updates that are made before anybody is asked whether to stop.
constexpr double kSecondsAtOnce = 0.5;

/// Sums since the last report.
struct Interval {
  int steps = 0;
  int applied = 0;
  double seconds = 0;
  double data_seconds = 0;
  kernels::StepValues sums;  ///< of the steps that were applied

  void add(const StepResult& result, double step_seconds) {
    ++steps;
    seconds += step_seconds;
    data_seconds += result.data_seconds;
    if (result.applied) {
      ++applied;
      sums.loss += result.loss;
      sums.reconstruction += result.reconstruction;
      sums.auxiliary += result.auxiliary;
      sums.gradient_norm += result.gradient_norm;
    }
  }
  kernels::StepValues means() const {
    const double n = std::max(1, applied);
    return {sums.loss / n, sums.reconstruction / n, sums.auxiliary / n, sums.gradient_norm / n};
  }
  void put_speed(StepReport& report) const {
    const double time = std::max(seconds, 1e-9);
    report.iterations_per_second = steps / time;
    report.eta_seconds =
        static_cast<double>(report.total_iter - report.iteration) * time / std::max(1, steps);
    report.data_share = data_seconds / time;
  }
};

struct FoundTeacher {
  std::unique_ptr<Teacher> teacher;  ///< null where none is needed
  std::int64_t updates = 0;          ///< that were made for it
};

/// The teacher of a student that is trained alone.
FoundTeacher find_teacher(const TrainConfig& config, const RunDirectory& run) {
  if (!needs_teacher(config) || phases(config).front() != TrainingPhase::student) {
    return {};
  }
  const std::filesystem::path path = config.train.teacher_weights.empty()
                                         ? run.best_weights(TrainingPhase::teacher)
                                         : path_from_text(config.train.teacher_weights);
  if (!std::filesystem::exists(path)) {
    throw Error(ErrorKind::weights,
                "student: needs a trained teacher, there is no '" + path.string() + "'",
                "train it first with --phase teacher, or name it in train.teacher_weights");
  }
  std::unique_ptr<Teacher> teacher = load_teacher(path, config.network.scale);
  check_teacher(*teacher, config);
  return {std::move(teacher), count_updates(path).in_all()};
}

/// What phases start from in place of the weights of the seed, where the configuration names it.
std::optional<InitialWeights> find_initial_weights(const TrainConfig& config) {
  if (config.train.init_weights.empty()) {
    return std::nullopt;
  }
  return read_initial_weights(path_from_text(config.train.init_weights),
                              config.network.architecture);
}

/// Makes what the later phases of the run need, so that what cannot be made is known at the start.
void check_later_phases(const TrainConfig& config, TrainingPhase first,
                        const std::optional<InitialWeights>& initial) {
  for (const TrainingPhase phase : phases(config)) {
    if (phase > first) {
      PhaseModel model(config, phase, needs_teacher(config) ? make_teacher(config) : nullptr);
      if (initial) {
        model.start_from(*initial);
      }
    }
  }
}

class Trainer {
 public:
  /// `run` is null on the ranks that write nothing.
  Trainer(const TrainConfig& config, const RunDirectory* run, const TrainingData& data,
          const Validation& validation, const TrainCallbacks& callbacks, ThreadPool& pool,
          kernels::Device* device, const Crew& crew)
      : config_(config),
        run_(run),
        data_(data),
        validation_(validation),
        callbacks_(callbacks),
        pool_(pool),
        device_(device),
        crew_(crew) {}

  /// Begins to write the log; `first_step` as for TrainingLog. Before run(), where there is a run
  /// directory.
  void open_log(std::int64_t first_step) { log_.emplace(*run_, first_step); }
  /// The phase of rank 0 becomes that of all ranks, where `state` is null before.
  void share(std::unique_ptr<PhaseRun>& state) const;

  /// `first` is the phase to begin with, or to go on with where `resumed`. Later ones start from
  /// `initial`; of the first, `start` says what it starts from.
  TrainOutcome run(std::unique_ptr<PhaseRun> first, bool resumed, const std::string& start,
                   const std::optional<InitialWeights>& initial, const EvaluationResult& bicubic);

 private:
  TrainOutcome run_phase(PhaseRun& phase);
  void describe(const EvaluationResult& bicubic);
  void line(const std::string& text);
  std::int64_t steps_to_pause(const PhaseRun& phase) const;
  void after_step(const PhaseRun& phase, std::int64_t iteration, const StepResult& result);
  void validate(PhaseRun& phase);
  void save(PhaseRun& phase);
  TrainOutcome stop(PhaseRun& phase);
  void validate_and_save(PhaseRun& phase);
  bool cancelled() const { return callbacks_.cancelled && callbacks_.cancelled(); }

  const TrainConfig& config_;
  const RunDirectory* run_;
  const TrainingData& data_;
  const Validation& validation_;
  const TrainCallbacks& callbacks_;
  ThreadPool& pool_;
  kernels::Device* device_;
  Crew crew_;
  std::optional<TrainingLog> log_;
  Interval interval_;
  std::int64_t saved_ = 0;  ///< iteration of the phase's newest checkpoint
  Score bicubic_;
};

void Trainer::line(const std::string& text) {
  if (log_) {
    log_->line(text);
  }
  if (callbacks_.line) {
    callbacks_.line(text);
  }
}

void Trainer::describe(const EvaluationResult& bicubic) {
  for (const std::string& source : data_.train.sources) {
    line("training data: " + source);
  }
  for (const std::string& excluded : data_.train.excluded) {
    line("left out: " + excluded);
  }
  for (const std::string& source : data_.validation.data.sources) {
    line("validation data: " + source);
  }
  for (const std::string& warning : data_.warnings) {
    log_->line("warning: " + warning);
  }
  line(message(
      "seed ", config_.manual_seed, ", ", pool_.threads(),
      pool_.threads() == 1 ? " thread" : " threads",
      device_ == nullptr ? "" : ", updates on " + device_->name(),
      crew_.ranks == nullptr ? "" : message(" on the first of ", crew_.ranks->size(), " ranks")));
  bicubic_ = bicubic.mean;
  log_->bicubic(bicubic_);
  const std::string odd = compare_with_known(bicubic, config_.network.scale, bicubic.protocol);
  if (!odd.empty()) {
    line(odd);
  }
}

void Trainer::validate(PhaseRun& phase) {
  ValidationReport report;
  report.phase = phase.phase();
  report.iteration = phase.iteration();
  report.set = data_.validation.name;
  report.bicubic = bicubic_;
  report.best = phase.validate(validation_, report.score, callbacks_.cancelled);
  if (log_) {
    if (report.best) {
      phase.save_best(run_->best_weights(phase.phase()));
    }
    log_->validation(report);
  }
  if (callbacks_.validation) {
    callbacks_.validation(report);
  }
}

void Trainer::save(PhaseRun& phase) {
  if (run_ != nullptr) {
    write_checkpoint(run_->checkpoints() / checkpoint_name(phase.phase(), phase.iteration()),
                     phase.checkpoint());
    prune_checkpoints(run_->checkpoints(), phase.phase(), config_.train.keep_checkpoints,
                      phase.total_iterations());
  }
  saved_ = phase.iteration();
}

TrainOutcome Trainer::stop(PhaseRun& phase) {
  if (phase.iteration() != saved_) {
    save(phase);
  }
  return TrainOutcome::cancelled;
}

void Trainer::share(std::unique_ptr<PhaseRun>& state) const {
  if (crew_.ranks == nullptr) {
    return;
  }
  Checkpoint start;
  if (is_first(crew_.ranks)) {
    start = state->checkpoint();
  }
  broadcast_checkpoint(crew_.ranks, start);
  agree(crew_.ranks, [&] {
    if (!is_first(crew_.ranks)) {
      state = std::make_unique<PhaseRun>(config_, start, "of rank 0", data_, pool_, device_, crew_);
    }
  });
}

/// What is to be done at this iteration.
void Trainer::validate_and_save(PhaseRun& phase) {
  const bool done = phase.done();
  if (phase.iteration() % config_.val.val_freq == 0 || done || phase.validation_due()) {
    validate(phase);
  }
  if (phase.iteration() % config_.train.save_checkpoint_freq == 0 || done) {
    save(phase);
  }
}

/// How many updates there are until something else has to be done.
std::int64_t Trainer::steps_to_pause(const PhaseRun& phase) const {
  std::int64_t end = phase.total_iterations();
  for (const std::int64_t period :
       {config_.train.print_freq, config_.val.val_freq, config_.train.save_checkpoint_freq}) {
    end = std::min(end, (phase.iteration() / period + 1) * period);
  }
  return end - phase.iteration();
}

/// `iteration` counts the updates up to this one.
void Trainer::after_step(const PhaseRun& phase, std::int64_t iteration, const StepResult& result) {
  if (!result.applied) {
    line(
        message(phase_name(phase.phase()), " iteration ", iteration, " skipped: ", result.failure));
  }
  StepReport report;
  report.phase = phase.phase();
  report.iteration = iteration;
  report.total_iter = phase.total_iterations();
  report.auxiliary_name = phase.model().auxiliary_name();
  report.learning_rate = phase.learning_rate(iteration - 1);
  interval_.put_speed(report);
  if (callbacks_.step) {
    report.values = static_cast<const kernels::StepValues&>(result);
    callbacks_.step(report);
  }
  if (iteration % config_.train.print_freq == 0 || iteration == phase.total_iterations()) {
    report.values = interval_.means();
    interval_ = {};
    if (log_) {
      log_->step(report);
    }
    if (callbacks_.report) {
      callbacks_.report(report);
    }
  }
}

TrainOutcome Trainer::run_phase(PhaseRun& phase) {
  interval_ = {};
  saved_ = phase.iteration();
  std::int64_t at_once = 1;
  try {
    if (phase.validation_due()) {
      validate_and_save(phase);
    }
    while (!phase.done()) {
      if (crew_.ranks == nullptr && cancelled()) {
        return stop(phase);
      }
      const auto before = Clock::now();
      std::int64_t iteration = phase.iteration();
      const std::span<const StepResult> results =
          phase.run(std::min(at_once, steps_to_pause(phase)));
      const double seconds = std::chrono::duration<double>(Clock::now() - before).count() /
                             static_cast<double>(results.size());
      at_once = static_cast<std::int64_t>(std::max(1.0, kSecondsAtOnce / std::max(seconds, 1e-9)));
      for (const StepResult& result : results) {
        interval_.add(result, seconds);
        after_step(phase, ++iteration, result);
      }
      const bool stop_wanted = results.back().stop_wanted;
      phase.check_progress();
      validate_and_save(phase);
      if (stop_wanted && !phase.done()) {
        return stop(phase);
      }
    }
  } catch (const EvaluationStopped&) {
    save(phase);
    return TrainOutcome::cancelled;
  }
  if (run_ != nullptr) {
    phase.save_best(run_->best_weights(phase.phase()));
    phase.save_last(run_->last_weights(phase.phase()));
  }
  return TrainOutcome::finished;
}

TrainOutcome Trainer::run(std::unique_ptr<PhaseRun> first, bool resumed, const std::string& start,
                          const std::optional<InitialWeights>& initial,
                          const EvaluationResult& bicubic) {
  if (run_ != nullptr) {
    write_file_atomically(run_->config(), std::string_view(config_json(config_)));
    describe(bicubic);
  }
  const TrainingPhase begin = first->phase();
  std::unique_ptr<Teacher> teacher;  // the student's
  std::int64_t teacher_updates = 0;
  for (const TrainingPhase phase : phases(config_)) {
    if (phase < begin) {
      continue;
    }
    std::unique_ptr<PhaseRun> state = std::move(first);
    std::string started = state ? start : "";
    if (!state) {
      agree(crew_.ranks, [&] {
        if (is_first(crew_.ranks)) {
          state = std::make_unique<PhaseRun>(config_, phase, std::move(teacher), data_, pool_,
                                             device_, crew_);
          state->add_earlier_updates(teacher_updates);
          started = initial ? state->start_from(*initial) : "";
        }
      });
      share(state);
    }
    if (resumed && phase == begin) {
      line(message("resumed ", phase_name(phase), " at iteration ", state->iteration(), " of ",
                   state->total_iterations()));
      const std::string again = state->measure_best_again(validation_, callbacks_.cancelled);
      if (!again.empty()) {
        line(again);
      }
    } else {
      line(message(phase_name(phase), ": ", state->model().parameters().count(),
                   " parameters to train, ", state->total_iterations(), " iterations"));
    }
    if (!started.empty()) {
      line(started);
    }
    if (run_phase(*state) == TrainOutcome::cancelled) {
      line(message("stopped at ", phase_name(phase), " iteration ", state->iteration()));
      return TrainOutcome::cancelled;
    }
    if (phase == TrainingPhase::teacher && needs_teacher(config_)) {
      teacher = state->best_teacher();
      teacher_updates = state->updates_in_all();
    }
  }
  return TrainOutcome::finished;
}

}  // namespace

std::vector<ConfigDifference> check_resume(const TrainConfig& config, const Checkpoint& checkpoint,
                                           const std::string& name) {
  const auto fail = [&](const std::string& why) {
    throw Error(ErrorKind::weights, "checkpoint '" + name + "': " + why);
  };
  const std::vector<TrainingPhase> wanted = phases(config);
  if (std::find(wanted.begin(), wanted.end(), checkpoint.phase) == wanted.end()) {
    fail(message("is of the phase ", phase_name(checkpoint.phase),
                 ", which this run does not train"));
  }
  const TrainConfig before = parse_config(checkpoint.configuration, "checkpoint '" + name + "'");
  std::vector<ConfigDifference> differences = config_differences(before, config);
  for (const ConfigDifference& difference : differences) {
    if (difference.key.compare(0, 8, "network.") == 0) {
      fail(message(difference.key, " is ", difference.before, ", the run has ", difference.after));
    }
  }
  // Which of its phases a run trains and with how many threads changes no weight, and a run may go
  // on on another device.
  std::erase_if(differences, [](const ConfigDifference& difference) {
    return difference.key == "train.phase" || difference.key == "threads" ||
           difference.key == "device" || difference.key == "precision" ||
           difference.key == "backend";
  });
  return differences;
}

namespace {

/// Makes of the run directory what the run begins with, and returns the last step of the curves
/// that are kept.
std::int64_t clear_way(const RunDirectory& run, const std::vector<TrainingPhase>& wanted,
                       const std::optional<ResumePoint>& resume) {
  if (run.mode() == RunMode::overwrite) {
    run.start_over(wanted);
  }
  run.remove_temporaries();
  if (resume) {
    supersede_checkpoints(run.checkpoints(), wanted, resume->checkpoint.phase,
                          resume->checkpoint.iteration);
  }
  const auto keep = [&](const std::string& phase, std::int64_t iteration) {
    for (const TrainingPhase planned : wanted) {
      if (phase != phase_name(planned) || (resume && planned < resume->checkpoint.phase)) {
        continue;
      }
      return resume && planned == resume->checkpoint.phase &&
             iteration <= resume->checkpoint.iteration;
    }
    return true;
  };
  filter_metrics(run.metrics(), keep);
  const std::int64_t last_step = filter_events(run.tensorboard(), keep);
  std::error_code error;
  std::filesystem::create_directories(run.checkpoints(), error);
  if (error) {
    throw Error(ErrorKind::output,
                "cannot make folder '" + run.checkpoints().string() + "': " + error.message());
  }
  return last_step;
}

TrainOutcome train_all(const TrainConfig& config, const RunDirectory* run, const TrainingData& data,
                       const std::optional<ResumePoint>& resume, const TrainCallbacks& callbacks,
                       kernels::Device* device, Communicator* ranks) try {
  // All that can be wrong with configuration and input comes before the first change.
  agree(ranks, [&] { check_config(config); });
  check_same_images(ranks, data);
  const std::vector<TrainingPhase> wanted = phases(config);
  ThreadPool pool(config.threads != 0 ? config.threads : threads_of_rank(ranks));
  const Validation validation = make_validation(data.validation, validation_protocol(config));
  const Crew crew{ranks, callbacks.cancelled};
  Trainer trainer(config, run, data, validation, callbacks, pool, device, crew);
  std::unique_ptr<PhaseRun> first;
  std::optional<InitialWeights> initial;
  std::string start;
  agree(ranks, [&] {
    if (run == nullptr) {
      return;
    }
    // The phase that is resumed does not need them, so the file may be gone where it is the last.
    if (!resume || resume->checkpoint.phase != wanted.back()) {
      initial = find_initial_weights(config);
    }
    if (resume) {
      first = std::make_unique<PhaseRun>(config, resume->checkpoint, resume->name, data, pool,
                                         device, crew);
    } else {
      FoundTeacher found = find_teacher(config, *run);
      first = std::make_unique<PhaseRun>(config, wanted.front(), std::move(found.teacher), data,
                                         pool, device, crew);
      first->add_earlier_updates(found.updates);
      start = initial ? first->start_from(*initial) : "";
    }
  });
  trainer.share(first);
  agree(ranks, [&] { first->prepare(); });
  EvaluationResult bicubic;
  bool resumed = resume.has_value();
  bool stopped = false;
  agree(ranks, [&] {
    if (run == nullptr) {
      return;
    }
    check_later_phases(config, first->phase(), initial);
    try {
      bicubic = evaluate_bicubic(pool, data.validation, validation.protocol, callbacks.cancelled);
    } catch (const EvaluationStopped&) {
      stopped = true;
      return;
    }
    trainer.open_log(clear_way(*run, wanted, resume) + 1);
  });
  broadcast_number(ranks, stopped);
  broadcast_number(ranks, resumed);
  return stopped ? TrainOutcome::cancelled
                 : trainer.run(std::move(first), resumed, start, initial, bicubic);
} catch (const EvaluationStopped&) {
  return TrainOutcome::cancelled;  // while the best weights were measured again
}

}  // namespace

TrainOutcome train(const TrainConfig& config, const RunDirectory& run, const TrainingData& data,
                   const std::optional<ResumePoint>& resume, const TrainCallbacks& callbacks,
                   kernels::Device* device) {
  return train_all(config, &run, data, resume, callbacks, device, nullptr);
}

TrainOutcome train_together(Communicator* ranks, const TrainConfig& config, const RunDirectory* run,
                            const TrainingData& data, const std::optional<ResumePoint>& resume,
                            const TrainCallbacks& callbacks) {
  return train_all(config, run, data, resume, callbacks, nullptr, ranks);
}

}  // namespace pisr
