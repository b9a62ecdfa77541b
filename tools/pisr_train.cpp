// pisr_train: trains a network alone (baseline), PISR's teacher, and the student it teaches.

#include <ctime>
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/agreement.h"
#include "core/atomic_file.h"
#include "core/context.h"
#include "core/error.h"
#include "core/job/open_communicator.h"
#include "core/parallel.h"
#include "core/printable.h"
#include "core/version.h"
#include "kernels/instruction_set.h"
#include "pisr/report/report_run.h"
#include "pisr/train/ranks.h"
#include "pisr/train/trainer.h"
#include "tools/device_option.h"
#include "tools/interruption.h"
#include "tools/program.h"
#include "tools/progress.h"

namespace {

using namespace pisr;

constexpr const char* kProgram = "pisr_train";

struct Options {
  std::string config;
  std::vector<std::string> data;
  std::vector<std::string> validation;
  std::string out;
  std::vector<std::string> settings;
  std::string phase;
  std::string resume;
  std::string progress = "auto";
  int threads = -1;
  bool overwrite = false;
  bool print_config = false;
  bool help_config = false;
  bool quiet = false;
};

/// The flags that stand for a key of the configuration, as settings "key=value". Those of --set
/// come later and so take precedence.
std::vector<std::string> settings_of(const Options& options, const DeviceOption& device) {
  using Json = nlohmann::json;
  std::vector<std::string> settings;
  const auto set = [&](const char* key, const Json& value) {
    settings.push_back(std::string(key) + "=" +
                       value.dump(-1, ' ', false, Json::error_handler_t::replace));
  };
  const auto set_paths = [&](const char* key, const std::vector<std::string>& paths) {
    std::vector<std::string> texts;
    for (const std::string& path : paths) {
      texts.push_back(path_to_text(path));
    }
    if (!texts.empty()) {
      set(key, texts);
    }
  };
  set_paths("data.train", options.data);
  set_paths("data.validation", options.validation);
  if (!options.phase.empty()) {
    set("train.phase", printable(options.phase));
  }
  if (options.threads >= 0) {
    set("threads", options.threads);
  }
  for (const std::vector<std::string>& more : {device.settings(), options.settings}) {
    for (const std::string& setting : more) {
      settings.push_back(printable(setting));
    }
  }
  return settings;
}

/// The checkpoint that --resume names, or for `auto` the newest valid one in the run directory of
/// any phase; nothing where there is none.
FoundCheckpoint checkpoint_with_configuration(const Options& options) {
  if (options.resume != "auto") {
    return {read_checkpoint(options.resume), options.resume, {}};
  }
  return find_newest_checkpoint(RunDirectory::checkpoints_of(options.out),
                                {std::begin(kTrainingPhases), std::end(kTrainingPhases)});
}

bool is_missing_or_empty(const std::filesystem::path& folder) {
  std::error_code ignored;
  return !std::filesystem::exists(folder, ignored) || std::filesystem::is_empty(folder, ignored);
}

/// What helps where config.json cannot be read.
std::string hint_of_copy(const Options& options) {
  try {
    const FoundCheckpoint found = checkpoint_with_configuration(options);
    return !found.checkpoint ? ""
                             : "the checkpoint '" + found.path.string() +
                                   "' has a copy, which --resume takes if config.json is removed";
  } catch (const Error&) {
    return "";  // It has none that can be read either.
  }
}

/// The configuration of a run that is resumed without --config: its config.json, or the copy in
/// its newest checkpoint where that file is gone.
TrainConfig former_configuration(const Options& options, const std::vector<std::string>& settings) {
  const std::filesystem::path former = RunDirectory::config_of(options.out);
  if (std::filesystem::exists(former)) {
    try {
      return read_config(former, settings);
    } catch (const Error& error) {
      // Where the command line is to blame, the copy would be no help.
      const bool is_damaged = std::string(error.what()).find(former.string()) != std::string::npos;
      const std::string copy = is_damaged ? hint_of_copy(options) : "";
      const std::string both = error.hint().empty() || copy.empty() ? "" : "; ";
      throw Error(error.kind(), error.what(), error.hint() + both + copy);
    }
  }
  const FoundCheckpoint found = checkpoint_with_configuration(options);
  if (found.checkpoint) {
    const std::string name = "checkpoint '" + found.path.string() + "'";
    note(kProgram,
         "the configuration is that of the " + name + ", there is no '" + former.string() + "'");
    return parse_config(found.checkpoint->configuration, name, settings);
  }
  if (!is_missing_or_empty(options.out)) {
    throw Error(ErrorKind::usage,
                "--resume: run directory '" + options.out +
                    "' has neither config.json nor a checkpoint with a copy of it",
                "--config names a configuration, --overwrite starts over");
  }
  return parse_config("{}", "command line", settings);
}

TrainConfig configuration(const Options& options, const DeviceOption& device) {
  const std::vector<std::string> settings = settings_of(options, device);
  if (!options.config.empty()) {
    return read_config(options.config, settings);
  }
  if (!options.resume.empty() && !options.out.empty()) {
    return former_configuration(options, settings);
  }
  return parse_config("{}", "command line", settings);
}

/// --out, or runs/NAME-DATE-TIME after the configuration.
std::filesystem::path run_path(const Options& options) {
  if (!options.out.empty()) {
    return options.out;
  }
  if (!options.resume.empty()) {
    throw Error(ErrorKind::usage, "--resume: needs the run directory too", "name it with --out");
  }
  const std::time_t seconds = std::time(nullptr);
  std::tm parts{};
  localtime_r(&seconds, &parts);
  char date[32];
  std::strftime(date, sizeof(date), "-%Y%m%d-%H%M%S", &parts);
  const std::string name =
      options.config.empty() ? "pisr" : std::filesystem::path(options.config).stem().string();
  return std::filesystem::path("runs") / (name + date);
}

RunMode run_mode(const Options& options) {
  if (options.overwrite && !options.resume.empty()) {
    throw Error(ErrorKind::usage, "--resume and --overwrite exclude each other");
  }
  return options.overwrite        ? RunMode::overwrite
         : options.resume.empty() ? RunMode::fresh
                                  : RunMode::resume;
}

/// The checkpoint that --resume names; none where `auto` finds a run without checkpoints.
std::optional<ResumePoint> find_resume_point(const Options& options, const TrainConfig& config,
                                             const RunDirectory& run) {
  if (options.resume.empty()) {
    return std::nullopt;
  }
  if (options.resume != "auto") {
    return ResumePoint{read_checkpoint(options.resume), options.resume};
  }
  FoundCheckpoint found = find_newest_checkpoint(run.checkpoints(), phases(config));
  for (const std::string& skipped : found.skipped) {
    warn(kProgram, "skipped " + skipped);
  }
  if (!found.checkpoint) {
    return std::nullopt;
  }
  return ResumePoint{std::move(*found.checkpoint), found.path.string()};
}

void print_result(const TrainConfig& config, const RunDirectory& run) {
  for (const TrainingPhase phase : phases(config)) {
    std::cout << phase_name(phase) << ": best weights " << printable(run.best_weights(phase))
              << ", weights of the last iteration " << printable(run.last_weights(phase)) << '\n';
  }
  std::cout << "report: " << printable(run.report()) << std::endl;
}

/// What a run writes only at its end.
void check_results_writable(const TrainConfig& config, const RunDirectory& run) {
  check_writable(run.report());
  for (const TrainingPhase phase : phases(config)) {
    check_writable(run.best_weights(phase));
    check_writable(run.last_weights(phase));
  }
}

bool stop_is_wanted() {
  return Interruption::signal() != 0;
}

int stopped(const RunDirectory& run, const Options& options, int signal) {
  if (!options.quiet) {
    std::cerr << kProgram << ": stopped; '--resume auto --out " << printable(run.path())
              << "' goes on\n";
  }
  return Interruption::exit_code(signal);
}

void make_report(const TrainConfig& config, const RunDirectory& run, const TrainingData& data) {
  ThreadPool pool(config.threads);
  Context context(pool, host_backend(config.backend));
  ReportRequest request;
  request.runs = {run.path()};
  request.sets = {&data.validation, 1};
  request.protocol = config.val.protocol;
  request.stop = stop_is_wanted;
  write_report(run.report(), gather_report(context, pool, request));
}

/// The signal that the lowest rank which got one was stopped by, on all ranks.
int signal_of_all(Communicator* ranks) {
  int number = Interruption::signal();
  const int rank = first_rank_where(ranks, number != 0);
  if (rank >= 0) {
    broadcast_number(ranks, number, rank);
  }
  return number;
}

/// What rank 0 reads before anything is trained.
struct Start {
  TrainConfig config;
  std::unique_ptr<RunDirectory> run;
  std::optional<ResumePoint> resume;
  std::unique_ptr<kernels::Device> device;
};

/// Several ranks share the updates on their CPUs: there is no sum over devices.
std::unique_ptr<kernels::Device> open_device_of(const TrainConfig& config, bool asked,
                                                const Communicator* ranks) {
  DeviceChoice choice = parse_device(config.device);
  choice.cuda.precision = config.precision;
  choice.backend = config.backend;
  if (ranks != nullptr) {
    if (choice.kind == DeviceChoice::Kind::cuda) {
      throw Error(
          ErrorKind::device,
          message("device: several ranks train on CPUs only, got '", printable(config.device), "'"),
          "one process alone trains on a device");
    }
    if (kernels::has_cuda() && choice.kind == DeviceChoice::Kind::automatic) {
      note(kProgram, "several ranks train on CPUs only");
    }
    choice.kind = DeviceChoice::Kind::cpu;
  }
  return open_device(kProgram, choice, asked);
}

Start prepare(const Options& options, const DeviceOption& device_option, const TrainConfig& config,
              const Communicator* ranks) {
  Start start{config, nullptr, {}, nullptr};
  const RunMode mode = run_mode(options);
  start.device = open_device_of(config, !device_option.settings().empty(), ranks);
  start.run = std::make_unique<RunDirectory>(run_path(options), mode);
  start.resume = find_resume_point(options, config, *start.run);
  if (start.resume) {
    for (const ConfigDifference& difference :
         check_resume(config, start.resume->checkpoint, start.resume->name)) {
      warn(kProgram, difference.key + " was " + difference.before + ", now is " + difference.after);
    }
  }
  check_results_writable(config, *start.run);
  return start;
}

/// The images of this rank. Rank 0 warns of them.
TrainingData load_data(const TrainConfig& config, Communicator* ranks) {
  TrainingData data;
  agree(ranks, [&] { data = load_training_data(config); });
  if (is_first(ranks)) {
    for (const std::string& warning : data.warnings) {
      warn(kProgram, warning);
    }
  }
  return data;
}

/// Updates on all ranks. Returns the exit code of all: 0 where they came to the end.
int train_and_tell(const Options& options, const Start& start, const TrainingData& data,
                   ProgressStyle style, Communicator* ranks) {
  TrainOutcome outcome;
  {
    TrainingProgress progress(is_first(ranks) ? style : ProgressStyle::none);
    TrainCallbacks callbacks = progress.callbacks();
    callbacks.cancelled = stop_is_wanted;
    outcome =
        ranks == nullptr
            ? train(start.config, *start.run, data, start.resume, callbacks, start.device.get())
            : train_together(ranks, start.config, start.run.get(), data, start.resume, callbacks);
  }
  if (outcome == TrainOutcome::finished) {
    return 0;
  }
  const int number = signal_of_all(ranks);
  return is_first(ranks) ? stopped(*start.run, options, number) : Interruption::exit_code(number);
}

/// The report, once training has come to its end. Rank 0 alone. Returns the exit code.
int report(const Options& options, const Start& start, const TrainingData& data,
           ProgressStyle style) {
  try {
    make_report(start.config, *start.run, data);
  } catch (const EvaluationStopped&) {
    return stopped(*start.run, options, Interruption::signal());
  }
  if (style != ProgressStyle::json && !options.quiet) {
    print_result(start.config, *start.run);
  }
  forget_gone_reader();
  return 0;
}

int run_training(const Options& options, const DeviceOption& device_option, Communicator* ranks) {
  if (options.help_config) {
    std::cout << config_reference();
    return 0;
  }
  // Rank 0 alone reads configuration and run directory: those of other machines may be others.
  ProgressStyle style = ProgressStyle::none;
  Start start;
  std::string resolved;
  agree(ranks, [&] {
    if (is_first(ranks)) {
      style = options.quiet ? ProgressStyle::none : progress_style_from_name(options.progress);
      start.config = configuration(options, device_option);
      resolved = config_json(start.config);
      if (!options.print_config) {
        start = prepare(options, device_option, start.config, ranks);
      }
    }
  });
  if (options.print_config) {
    std::cout << resolved;
    return 0;
  }
  broadcast_text(ranks, resolved);
  if (!is_first(ranks)) {
    start.config = parse_config(resolved, "configuration of rank 0");
  }
  check_same_lines(ranks, {version(), kernels::instruction_set()}, "version or instruction set",
                   ErrorKind::usage,
                   "the environment variable PISR_ISA chooses an instruction set");
  const TrainingData data = load_data(start.config, ranks);

  outlive_readers();
  const Interruption interruption;
  int code = train_and_tell(options, start, data, style, ranks);
  if (code == 0 && is_first(ranks)) {
    code = report(options, start, data, style);
  }
  broadcast_number(ranks, code);
  return code;
}

}  // namespace

// NOLINTNEXTLINE(bugprone-exception-escape): before run_program only memory can run out.
int main(int argc, char** argv) {
  Options options;
  CLI::App app("Trains super-resolution networks: a baseline, PISR's teacher and its student",
               kProgram);
  app.add_option("-c,--config", options.config,
                 "Configuration, JSON with comments (docs/configuration.md); the paper's values "
                 "without one")
      ->type_name("FILE");
  app.add_option("-d,--data", options.data,
                 "Folders of training images; built-in images without one")
      ->type_name("FOLDER");
  app.add_option("--val", options.validation, "Folders of validation images")->type_name("FOLDER");
  app.add_option("-o,--out", options.out, "Run directory; runs/NAME-DATE-TIME by default")
      ->type_name("FOLDER");
  app.add_option("--set", options.settings, "Set a key of the configuration: train.batch_size=8")
      ->type_name("KEY=VALUE");
  app.add_option("--phase", options.phase,
                 "What to train: baseline, teacher, student, or all (teacher, then student)")
      ->type_name("{baseline,teacher,student,all}");
  app.add_option("--resume", options.resume,
                 "Go on from the newest valid checkpoint (auto), or from this one")
      ->type_name("PATH");
  app.add_flag("--overwrite", options.overwrite, "Start over in a run directory that is in use");
  app.add_option("-j,--threads", options.threads, "Threads; 0 = all")->check(CLI::Range(0, 1024));
  app.add_flag("--print-config", options.print_config, "Print the whole configuration and stop");
  app.add_flag("--help-config", options.help_config,
               "Print all keys of the configuration and stop");
  app.add_option("--progress", options.progress, "auto, line, log, json (on stdout) or none")
      ->type_name("{auto,line,log,json,none}")
      ->capture_default_str();
  app.add_flag("-q,--quiet", options.quiet, "Print errors and warnings only");
  const DeviceOption device_option(app);
  std::unique_ptr<Communicator> ranks;
  try {
    ranks = open_communicator();
  } catch (...) {
    return report_failure(kProgram, std::current_exception());
  }
  return run_program(app, argc, argv, ranks.get(),
                     [&] { return run_training(options, device_option, ranks.get()); });
}
