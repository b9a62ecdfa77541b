#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <sys/mount.h>
#include <unistd.h>

#include "core/atomic_file.h"
#include "core/safetensors.h"
#include "pisr/model/weights.h"
#include "pisr/train/run_directory.h"
#include "pisr/train/run_metrics.h"
#include "pisr/train/stepper.h"
#include "pisr/train/trainer.h"
#include "tests/catch.h"
#include "tests/pisr/train/training_images.h"
#include "tests/skipped.h"
#include "tests/temporary_folder.h"
#include "tests/thrown.h"

namespace pisr {
namespace {

namespace fs = std::filesystem;

constexpr CosineSchedule kConstantRate{1e-3, 1e-3, 1, 1};

const std::string kPlain = "network.architecture=plain";
const std::string kExpanded = "network.expanded_channels=8";
const std::string kRgb = "network.colour=rgb";

/// A network and images so small that twenty updates take no time; FSRCNN unless `settings` hold
/// kPlain, kExpanded or kRgb.
TrainConfig small_config(const std::vector<std::string>& settings = {}) {
  const bool plain = std::ranges::any_of(settings, [](const std::string& setting) {
    return setting == kPlain || setting == kExpanded || setting == kRgb;
  });
  return parse_config(message(R"({
    "network": )",
                              plain ? R"({"architecture": "plain", "c": 6, "n": 1})"
                                    : R"({"d": 6, "s": 4, "m": 1})",
                              R"(,
    "data": {"built_in": {"count": 3, "validation_count": 1, "size": 40}},
    "train": {"total_iter": 20, "batch_size": 3, "gt_size": 16, "save_checkpoint_freq": 5,
              "print_freq": 4, "keep_checkpoints": 100},
    "val": {"val_freq": 8}, "manual_seed": 5, "threads": 1})"),
                      "test", settings);
}

struct RunOptions {
  /// The newest checkpoint is continued where mode is resume and none is named.
  explicit RunOptions(RunMode run_mode = RunMode::fresh, std::optional<fs::path> from = {},
                      std::int64_t updates = 1'000'000'000)
      : mode(run_mode), resume(std::move(from)), stop_after(updates) {}
  RunMode mode;
  std::optional<fs::path> resume;
  std::int64_t stop_after;  ///< updates of this call
};

TrainOutcome run_training(const TrainConfig& config, const fs::path& out,
                          const RunOptions& options = RunOptions()) {
  const RunDirectory run(out, options.mode);
  std::optional<ResumePoint> resume;
  if (options.resume) {
    resume = ResumePoint{read_checkpoint(*options.resume), options.resume->string()};
  } else if (options.mode == RunMode::resume) {
    FoundCheckpoint found = find_newest_checkpoint(run.checkpoints(), phases(config));
    if (found.checkpoint) {
      resume = ResumePoint{std::move(*found.checkpoint), found.path.string()};
    }
  }
  if (resume) {
    check_resume(config, resume->checkpoint, resume->name);
  }
  const TrainingData& data = training_images(config);
  std::int64_t updates = 0;
  TrainCallbacks callbacks;
  callbacks.step = [&](const StepReport&) { ++updates; };
  callbacks.cancelled = [&] { return updates >= options.stop_after; };
  return train(config, run, data, resume, callbacks);
}

std::string read_text(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

/// TrainingPhase, iteration and losses of each row; not the speed, which differs from run to run.
std::vector<std::string> metrics(const fs::path& run) {
  std::vector<std::string> rows;
  for (const MetricsRow& row : read_metrics(run / "metrics.csv")) {
    rows.push_back(
        message(row.phase, ' ', row.iteration, ' ', row.loss, ' ', row.auxiliary, ' ', row.psnr));
  }
  return rows;
}

/// Phase and step of each point of the TensorBoard curves.
std::multiset<std::pair<std::string, std::int64_t>> points(const fs::path& folder) {
  std::multiset<std::pair<std::string, std::int64_t>> seen;
  filter_events(folder, [&](const std::string& phase, std::int64_t step) {
    seen.emplace(phase, step);
    return true;
  });
  return seen;
}

/// Compares all that a checkpoint holds but the configuration.
void check_equal(const Checkpoint& a, const Checkpoint& b) {
  CHECK(a.phase == b.phase);
  CHECK(a.iteration == b.iteration);
  CHECK(a.adam_steps == b.adam_steps);
  CHECK(a.best_iteration == b.best_iteration);
  CHECK(a.best_psnr == b.best_psnr);
  CHECK(a.best_ssim == b.best_ssim);
  CHECK(a.validation == b.validation);
  REQUIRE(a.tensors.size() == b.tensors.size());
  for (const auto& [name, tensor] : a.tensors) {
    INFO(name);
    const Tensor& other = b.tensors.at(name);
    REQUIRE(tensor.shape() == other.shape());
    const auto* x = reinterpret_cast<const char*>(tensor.data<float>());
    const auto* y = reinterpret_cast<const char*>(other.data<float>());
    CHECK(std::equal(x, x + tensor.count() * 4, y));
  }
}

Checkpoint last_checkpoint(const fs::path& run, TrainingPhase phase, std::int64_t iteration = 20) {
  return read_checkpoint(run / "checkpoints" / checkpoint_name(phase, iteration));
}

TEST_CASE("trainer: a validation that is stopped is made when the run is resumed", "[trainer]") {
  const TemporaryFolder folder;
  const TrainConfig config = small_config({"train.phase=all", "data.built_in.validation_count=3"});
  const fs::path whole = folder.path() / "whole";
  const fs::path cut = folder.path() / "cut";
  REQUIRE(run_training(config, whole) == TrainOutcome::finished);
  const std::vector<std::string> rows = metrics(whole);

  // Stopped while the validation of each iteration is under way, in both phases; 20 is the last.
  int stops = 0;
  for (const TrainingPhase phase : {TrainingPhase::teacher, TrainingPhase::student}) {
    for (const std::int64_t iteration : {8, 16, 20}) {
      INFO(phase_name(phase) << ' ' << iteration);
      const RunDirectory run(cut, stops == 0 ? RunMode::fresh : RunMode::resume);
      std::optional<ResumePoint> resume;
      FoundCheckpoint found = find_newest_checkpoint(run.checkpoints(), phases(config));
      if (found.checkpoint) {
        resume = ResumePoint{std::move(*found.checkpoint), found.path.string()};
      }
      const TrainingData data = load_training_data(config);
      TrainCallbacks callbacks;
      bool reached = false;
      int asked = 0;
      callbacks.step = [&](const StepReport& report) {
        reached = report.phase == phase && report.iteration == iteration;
      };
      // Not before its second image.
      callbacks.cancelled = [&] { return reached && ++asked > 2; };
      REQUIRE(train(config, run, data, resume, callbacks) == TrainOutcome::cancelled);
      const Checkpoint stopped = last_checkpoint(cut, phase, iteration);
      CHECK(stopped.validation_due);
      CHECK(stopped.best_iteration < iteration);
      for (const MetricsRow& row : read_metrics(cut / "metrics.csv")) {
        CHECK(!(row.phase == phase_name(phase) && row.iteration == iteration &&
                std::isfinite(row.psnr)));
      }
      ++stops;
    }
  }
  REQUIRE(run_training(config, cut, RunOptions(RunMode::resume)) == TrainOutcome::finished);
  CHECK(metrics(cut) == rows);
  for (const TrainingPhase phase : {TrainingPhase::teacher, TrainingPhase::student}) {
    const std::string last = "checkpoints/" + checkpoint_name(phase, 20);
    CHECK(read_text(cut / last) == read_text(whole / last));
    CHECK(!last_checkpoint(cut, phase).validation_due);
    for (const char* ending : {".safetensors", "_last.safetensors"}) {
      const std::string weights = phase_name(phase) + std::string(ending);
      CHECK(read_text(cut / weights) == read_text(whole / weights));
    }
  }
}

TEST_CASE("trainer: stopped and resumed is uninterrupted, bit for bit, with 1 and 2 threads",
          "[trainer][threads]") {
  const std::string extra =
      GENERATE(std::string("train.ema=0"), std::string("train.ema=0.9"), kPlain, kExpanded, kRgb,
               std::string("train.distillation_decay=cosine"), std::string("train.last_loss=l2"));
  for (const TrainingPhase phase :
       {TrainingPhase::baseline, TrainingPhase::teacher, TrainingPhase::student}) {
    INFO(phase_name(phase) << ' ' << extra);
    const TemporaryFolder folder;
    std::vector<std::string> settings{extra, std::string("train.phase=") + phase_name(phase)};
    if (phase == TrainingPhase::student) {
      const fs::path teacher = folder.path() / "teacher";
      run_training(small_config({"train.phase=teacher", extra}), teacher);
      settings.push_back("train.teacher_weights=" + (teacher / "teacher.safetensors").string());
    }
    const fs::path whole = folder.path() / "whole";
    CHECK(run_training(small_config(settings), whole) == TrainOutcome::finished);
    const Checkpoint reference = last_checkpoint(whole, phase);

    // Stopped between two checkpoints, and once more; the second part with two threads.
    const fs::path parts = folder.path() / "parts";
    CHECK(run_training(small_config(settings), parts, RunOptions(RunMode::fresh, {}, 7)) ==
          TrainOutcome::cancelled);
    settings.emplace_back("threads=2");
    CHECK(run_training(small_config(settings), parts, RunOptions(RunMode::resume, {}, 6)) ==
          TrainOutcome::cancelled);
    CHECK(run_training(small_config(settings), parts, RunOptions(RunMode::resume)) ==
          TrainOutcome::finished);
    check_equal(last_checkpoint(parts, phase), reference);
    for (const char* end : {".safetensors", "_last.safetensors"}) {
      const std::string file = phase_name(phase) + std::string(end);
      CHECK(read_text(parts / file) == read_text(whole / file));
    }

    // Killed: the run goes on from an older checkpoint than its last rows of metrics.
    const fs::path killed = folder.path() / "killed";
    fs::create_directories(killed / "checkpoints");
    for (const char* file : {"metrics.csv", "train.log", "tb"}) {
      fs::copy(whole / file, killed / file);
    }
    fs::copy(whole / "checkpoints" / checkpoint_name(phase, 10), killed / "checkpoints");
    write_file_atomically(killed / "checkpoints" / ".pisr-1-1.tmp", std::string_view("half"));
    CHECK(run_training(small_config(settings), killed, RunOptions(RunMode::resume)) ==
          TrainOutcome::finished);
    check_equal(last_checkpoint(killed, phase), reference);
    CHECK(metrics(killed).size() == metrics(whole).size());
    CHECK(points(killed / "tb") == points(whole / "tb"));
    CHECK(!fs::exists(killed / "checkpoints" / ".pisr-1-1.tmp"));
  }
}

TEST_CASE("trainer: another validation at resume measures the best weights again", "[trainer]") {
  const TemporaryFolder folder;
  const auto other = GENERATE(as<std::string>(), "val.protocol=matlab",
                              "data.built_in.validation_count=2", "data.built_in.seed=9");
  INFO(other);
  const fs::path run = folder.path() / "run";
  const std::string phase = "train.phase=baseline";
  run_training(small_config({phase}), run, RunOptions(RunMode::fresh, {}, 13));
  const Checkpoint before = last_checkpoint(run, TrainingPhase::baseline, 13);
  REQUIRE(before.best_iteration == 8);
  // Nothing but the measure changes: no update is applied, so no later weights are better.
  const TrainConfig config =
      small_config({phase, other, "train.learning_rate=0", "train.final_learning_rate=0"});
  run_training(config, run, RunOptions(RunMode::resume, {}, 1));
  CHECK(read_text(run / "train.log").find("are measured again") != std::string::npos);
  const Checkpoint after = last_checkpoint(run, TrainingPhase::baseline, 14);
  CHECK(after.best_iteration == 8);
  CHECK(after.best_psnr != before.best_psnr);
  CHECK(after.validation != before.validation);
  const std::unique_ptr<SrNetwork> best = load_network(run / "baseline.safetensors");
  Context context;
  ThreadPool pool(1);
  const Score score =
      evaluate(context, pool, load_validation_set(config), config.val.protocol, "", *best).mean;
  CHECK(after.best_psnr == score.psnr);
  CHECK(after.best_ssim == score.ssim);

  // The same validation, read from elsewhere or with other threads, is not measured again.
  fs::remove(run / "train.log");
  run_training(small_config({phase, other, "threads=2"}), run, RunOptions(RunMode::resume, {}, 1));
  CHECK(read_text(run / "train.log").find("are measured again") == std::string::npos);
}

TEST_CASE("trainer: the loss falls, and the best and the last weights are there", "[trainer]") {
  const TemporaryFolder folder;
  const TrainConfig config = small_config({"train.phase=baseline", "train.total_iter=60",
                                           "train.learning_rate=0.005", "train.print_freq=10"});
  run_training(config, folder.path() / "run");
  const auto rows = read_metrics(folder.path() / "run/metrics.csv");
  REQUIRE(rows.size() == 1 + 6 + 8);
  CHECK(rows.front().phase == "bicubic");
  CHECK(rows.front().psnr > 15);
  double first = NAN;
  double last = NAN;
  for (const MetricsRow& row : rows) {
    if (!std::isnan(row.loss)) {
      first = std::isnan(first) ? row.loss : first;
      last = row.loss;
    }
  }
  CHECK(last < 0.6 * first);
  const auto best = load_network(folder.path() / "run/baseline.safetensors", 2);
  CHECK(best->feature_channels() == 6);
  CHECK_NOTHROW(load_network(folder.path() / "run/baseline_last.safetensors", 2));
}

TEST_CASE("trainer: all phases; the student starts from the best teacher", "[trainer]") {
  const TemporaryFolder folder;
  const fs::path whole = folder.path() / "whole";
  // With so high a rate the last teacher is not the best one.
  const std::vector<std::string> settings{"train.teacher.learning_rate=0.05",
                                          "train.teacher.final_learning_rate=0.05",
                                          "val.val_freq=1", "train.student.total_iter=12"};
  const TrainConfig config = small_config(settings);
  run_training(config, whole);
  const Checkpoint teacher = last_checkpoint(whole, TrainingPhase::teacher);
  REQUIRE(teacher.best_iteration < 20);
  const Checkpoint student = last_checkpoint(whole, TrainingPhase::student, 12);
  for (const auto& [key, tensor] : student.tensors) {
    if (key.rfind("weights.teacher.", 0) == 0) {
      const Tensor& best = teacher.tensors.at("best." + key.substr(16));
      CHECK(std::equal(tensor.data<float>(), tensor.data<float>() + tensor.count(),
                       best.data<float>()));
    }
  }
  CHECK(student.tensors.count("weights.estimator.location.0.weight") == 1);

  // Stopped in the teacher, at its end, and in the student.
  for (const std::int64_t stop : {13, 20, 27}) {
    const fs::path parts = folder.path() / ("parts" + std::to_string(stop));
    CHECK(run_training(config, parts, RunOptions(RunMode::fresh, {}, stop)) ==
          TrainOutcome::cancelled);
    CHECK(run_training(config, parts, RunOptions(RunMode::resume)) == TrainOutcome::finished);
    check_equal(last_checkpoint(parts, TrainingPhase::student, 12), student);
    CHECK(metrics(parts).size() == metrics(whole).size());
  }

  // TrainingPhase by phase in one run directory, resuming where nothing is to be resumed.
  const fs::path steps = folder.path() / "steps";
  for (const char* phase : {"teacher", "student", "baseline"}) {
    std::vector<std::string> one = settings;
    one.push_back(std::string("train.phase=") + phase);
    CHECK(run_training(small_config(one), steps, RunOptions(RunMode::resume)) ==
          TrainOutcome::finished);
  }
  check_equal(last_checkpoint(steps, TrainingPhase::student, 12), student);
  CHECK(fs::exists(steps / "baseline.safetensors"));

  // A finished run that is resumed stays as it is.
  const std::vector<std::string> before = metrics(whole);
  CHECK(run_training(config, whole, RunOptions(RunMode::resume)) == TrainOutcome::finished);
  CHECK(metrics(whole) == before);
  check_equal(last_checkpoint(whole, TrainingPhase::student, 12), student);
}

TEST_CASE("trainer: every kind of distillation and no weight transfer", "[trainer]") {
  const TemporaryFolder folder;
  run_training(small_config({"train.phase=teacher"}), folder.path() / "teacher");
  const std::string teacher =
      "train.teacher_weights=" + (folder.path() / "teacher/teacher.safetensors").string();
  for (const char* distillation : {"laplace", "gaussian", "mae", "none"}) {
    for (const char* transfer : {"true", "false"}) {
      const TrainConfig config = small_config({"train.phase=student", teacher, "train.total_iter=4",
                                               std::string("train.distillation=") + distillation,
                                               std::string("train.weight_transfer=") + transfer});
      const fs::path out = folder.path() / (std::string(distillation) + transfer);
      CHECK(run_training(config, out, RunOptions(RunMode::fresh, {}, 2)) ==
            TrainOutcome::cancelled);
      CHECK(run_training(config, out, RunOptions(RunMode::resume)) == TrainOutcome::finished);
      const Checkpoint last = last_checkpoint(out, TrainingPhase::student, 4);
      const bool estimated =
          distillation == std::string("laplace") || distillation == std::string("gaussian");
      CHECK((last.tensors.count("weights.estimator.location.0.weight") == 1) == estimated);
    }
  }
}

TEST_CASE("trainer: the student needs a teacher of its size", "[trainer]") {
  const TemporaryFolder folder;
  const Error absent =
      thrown([&] { run_training(small_config({"train.phase=student"}), folder.path() / "a"); });
  CHECK(absent.kind() == ErrorKind::weights);
  CHECK(contains(absent.what(), "needs a trained teacher"));
  run_training(small_config({"train.phase=teacher", "network.d=5"}), folder.path() / "b");
  const Error other = thrown([&] {
    run_training(small_config({"train.phase=student",
                               "train.teacher_weights=" +
                                   (folder.path() / "b/teacher.safetensors").string()}),
                 folder.path() / "c");
  });
  CHECK(other.kind() == ErrorKind::weights);
  CHECK(contains(other.what(), "its teacher's decoder must be x2 FSRCNN(6, 4, 1), got x2 FSRCNN("));
  CHECK(!fs::exists(folder.path() / "a"));
  CHECK(!fs::exists(folder.path() / "c"));
}

TEST_CASE("trainer: a network on RGB is validated under protocol rgb", "[trainer]") {
  const TemporaryFolder folder;
  const TrainConfig config = small_config({kRgb, "val.protocol=matlab"});
  REQUIRE(run_training(config, folder.path()) == TrainOutcome::finished);
  ThreadPool pool(1);
  Context context;
  const EvaluationSet set = load_validation_set(config);
  const auto rows = read_metrics(folder.path() / "metrics.csv");
  const Score bicubic = evaluate_bicubic(pool, set, Protocol::rgb).mean;
  CHECK(rows.front().phase == "bicubic");
  CHECK(rows.front().psnr == Approx(bicubic.psnr).epsilon(1e-6));
  for (const TrainingPhase phase : {TrainingPhase::teacher, TrainingPhase::student}) {
    const auto model =
        load_model(folder.path() / (std::string(phase_name(phase)) + ".safetensors"));
    CHECK(model->spec().channels == 3);
    const Score score = evaluate(context, pool, set, Protocol::rgb, "", *model).mean;
    const Checkpoint last = last_checkpoint(folder.path(), phase);
    CHECK(last.best_psnr == score.psnr);
    CHECK(last.best_ssim == score.ssim);
    CHECK(last.validation.starts_with("rgb "));
    CHECK(last.tensors
              .at("best." + std::string(phase == TrainingPhase::teacher ? "encoder.feature.weight"
                                                                        : "head.weight"))
              .shape()[1] == 3);
  }
  CHECK(last_checkpoint(folder.path(), TrainingPhase::teacher)
            .tensors.at("best.encoder.compact.weight")
            .shape()[0] == 3);
}

TEST_CASE("trainer: another colour is refused, in a checkpoint and in a teacher", "[trainer]") {
  const TemporaryFolder folder;
  const fs::path out = folder.path() / "rgb";
  run_training(small_config({kRgb, "train.phase=teacher"}), out);
  const Checkpoint checkpoint = last_checkpoint(out, TrainingPhase::teacher);
  const Error resumed = thrown([&] {
    check_resume(small_config({kPlain, "train.phase=teacher"}), checkpoint, "x");
  });
  CHECK(resumed.kind() == ErrorKind::weights);
  CHECK(std::string(resumed.what()) ==
        "checkpoint 'x': network.colour is \"rgb\", the run has \"y\"");
  const Error taught = thrown([&] {
    run_training(small_config({kPlain, "train.phase=student",
                               "train.teacher_weights=" + (out / "teacher.safetensors").string()}),
                 folder.path() / "y");
  });
  CHECK(taught.kind() == ErrorKind::weights);
  CHECK(std::string(taught.what()) ==
        "student: its teacher's decoder must be x2 Plain(6, 1), got x2 Plain(6, 1) on RGB");
  CHECK(!fs::exists(folder.path() / "y"));
}

TEST_CASE("trainer: resuming with another configuration", "[trainer]") {
  const TemporaryFolder folder;
  const fs::path out = folder.path() / "run";
  run_training(small_config({"train.phase=baseline"}), out);
  const Checkpoint checkpoint = last_checkpoint(out, TrainingPhase::baseline);
  CHECK(check_resume(small_config({"train.phase=baseline", "threads=2"}), checkpoint, "x").empty());
  const auto differences =
      check_resume(small_config({"train.phase=baseline", "train.batch_size=2"}), checkpoint, "x");
  REQUIRE(differences.size() == 1);
  CHECK(differences[0].key == "train.batch_size");
  const Error size = thrown([&] {
    check_resume(small_config({"train.phase=baseline", "network.s=5"}), checkpoint, "x");
  });
  CHECK(size.kind() == ErrorKind::weights);
  CHECK(std::string(size.what()) == "checkpoint 'x': network.shrink_channels is 4, the run has 5");
  CHECK(thrown([&] { check_resume(small_config(), checkpoint, "x"); }).kind() ==
        ErrorKind::weights);
}

TEST_CASE("trainer: an older checkpoint by name sets the later ones aside", "[trainer]") {
  const TemporaryFolder folder;
  const fs::path out = folder.path() / "run";
  const TrainConfig config = small_config({"train.phase=baseline"});
  run_training(config, out);
  const Checkpoint reference = last_checkpoint(out, TrainingPhase::baseline);
  const fs::path older = out / "checkpoints" / checkpoint_name(TrainingPhase::baseline, 5);
  CHECK(run_training(config, out, RunOptions(RunMode::resume, older, 3)) ==
        TrainOutcome::cancelled);
  CHECK(list_checkpoints(out / "checkpoints", {TrainingPhase::baseline}).back().iteration == 8);
  CHECK(run_training(config, out, RunOptions(RunMode::resume)) == TrainOutcome::finished);
  check_equal(last_checkpoint(out, TrainingPhase::baseline), reference);
}

TEST_CASE("trainer: a loss that is not finite is skipped, and stops the run in the end",
          "[trainer]") {
  const TemporaryFolder folder;
  const fs::path out = folder.path() / "run";
  const Error error = thrown([&] {
    run_training(small_config({"train.phase=baseline", "train.learning_rate=1e30",
                               "train.max_bad_steps=3", "val.val_freq=1000"}),
                 out);
  });
  CHECK(error.kind() == ErrorKind::numeric);
  INFO(error.what());
  CHECK(contains(error.what(), "baseline iteration "));
  CHECK(contains(error.what(), "3 such steps in a row"));
  CHECK(contains(error.what(), "is not finite"));
  CHECK(contains(error.what(), "image"));
  CHECK(contains(read_text(out / "train.log"), "skipped: "));
  // Whatever was saved before is finite.
  for (const CheckpointFile& file :
       list_checkpoints(out / "checkpoints", {TrainingPhase::baseline})) {
    CHECK_NOTHROW(read_checkpoint(file.path));
  }
}

TEST_CASE("trainer: a step that is not finite changes nothing", "[trainer]") {
  const TrainConfig config = small_config({"train.phase=baseline"});
  const TrainingData& data = training_images(config);
  ThreadPool pool(2);
  PhaseModel model(config, TrainingPhase::baseline);
  Adam adam(model.parameters());
  const auto stepper =
      cpu_stepper({model, adam, nullptr}, kConstantRate, data.train, pool, {3, 16, 1, 0});
  REQUIRE(stepper->run(0, 1, 0).front().applied);
  const Tensor values = model.parameters().values();
  // Finite numbers, of which the loss is not.
  std::fill_n(values.data<float>(), 25, 3e38F);
  const Tensor before = values.clone();
  const Tensor moment = adam.second_moment().clone();
  const StepResult& result = stepper->run(1, 1, 0).front();
  CHECK(!result.applied);
  CHECK(std::equal(before.data<float>(), before.data<float>() + before.count(),
                   values.data<float>()));
  CHECK(std::equal(moment.data<float>(), moment.data<float>() + moment.count(),
                   adam.second_moment().data<float>()));
  CHECK(adam.steps() == 1);
  CHECK(contains(result.failure, "image"));
}

TEST_CASE("trainer: the update does not depend on the number of threads", "[trainer][threads]") {
  const TrainConfig config = small_config({"train.phase=teacher", "train.batch_size=7"});
  const TrainingData& data = training_images(config);
  std::vector<float> reference;
  for (const int threads : {1, 2, 3, 8}) {
    ThreadPool pool(threads);
    PhaseModel model(config, TrainingPhase::teacher);
    Adam adam(model.parameters());
    const auto stepper =
        cpu_stepper({model, adam, nullptr}, kConstantRate, data.train, pool, {7, 16, 1, 0.5});
    for (int i = 0; i < 3; ++i) {
      REQUIRE(stepper->run(i, 1, 0).front().applied);
    }
    const auto values = model.parameters().values().values<float>();
    if (threads == 1) {
      reference.assign(values.begin(), values.end());
    }
    CHECK(std::equal(reference.begin(), reference.end(), values.begin(), values.end()));
  }
}

TEST_CASE("trainer: gradient clipping bounds what Adam sees", "[trainer]") {
  const TrainConfig config = small_config();
  const TrainingData& data = training_images(config);
  ThreadPool pool(1);
  PhaseModel model(config, TrainingPhase::baseline);
  Adam adam(model.parameters());
  const auto stepper =
      cpu_stepper({model, adam, nullptr}, kConstantRate, data.train, pool, {3, 16, 1, 1e-3});
  CHECK(stepper->run(0, 1, 0).front().gradient_norm > 1e-3);
  double squares = 0;  // The first moment is 0.1 times the clipped gradient.
  for (const float value : adam.first_moment().values<float>()) {
    squares += 100.0 * value * value;
  }
  CHECK(std::abs(std::sqrt(squares) - 1e-3) < 1e-5);
}

TEST_CASE("trainer: a full disk leaves the last checkpoint, and the run can go on", "[trainer]") {
  const TemporaryFolder folder;
  const fs::path disk = folder.path() / "disk";
  fs::create_directory(disk);
  if (::mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=512k") != 0) {
    skipped("a small file system cannot be mounted (not root)");
    return;
  }
  struct Unmount {
    fs::path path;
    ~Unmount() { ::umount2(path.c_str(), MNT_DETACH); }
  } const unmount{disk};
  const TrainConfig config = small_config({"train.phase=baseline"});
  const fs::path out = disk / "run";
  run_training(config, out, RunOptions(RunMode::fresh, {}, 10));
  const std::string good =
      read_text(out / "checkpoints" / checkpoint_name(TrainingPhase::baseline, 10));
  {
    std::ofstream filler(disk / "filler", std::ios::binary);
    while (filler << std::string(4096, 'x') << std::flush) {
    }
  }
  const Error error = thrown([&] { run_training(config, out, RunOptions(RunMode::resume)); });
  CHECK(error.kind() == ErrorKind::output);
  CHECK(contains(error.what(), "No space left on device"));
  CHECK(read_text(out / "checkpoints" / checkpoint_name(TrainingPhase::baseline, 10)) == good);
  fs::remove(disk / "filler");
  CHECK(run_training(config, out, RunOptions(RunMode::resume)) == TrainOutcome::finished);
  run_training(config, folder.path() / "whole");
  check_equal(last_checkpoint(out, TrainingPhase::baseline),
              last_checkpoint(folder.path() / "whole", TrainingPhase::baseline));
}

TEST_CASE("run directory: what may be in it", "[trainer]") {
  const TemporaryFolder folder;
  const fs::path out = folder.path() / "a/b";
  {
    const RunDirectory fresh(out, RunMode::fresh);
    CHECK(fs::exists(out));
    const Error busy = thrown([&] { RunDirectory(out, RunMode::resume); });
    CHECK(busy.kind() == ErrorKind::output);
    CHECK(contains(busy.what(), "another run is using it"));
  }
  CHECK(!fs::exists(out));  // Nothing came of it.
  fs::create_directories(out / "checkpoints");
  write_file_atomically(out / "train.log", std::string_view("x"));
  write_file_atomically(out / "teacher_last.safetensors", std::string_view("x"));
  write_file_atomically(out / "thesis.txt", std::string_view("x"));
  write_file_atomically(out / "checkpoints" / checkpoint_name(TrainingPhase::teacher, 1),
                        std::string_view("x"));
  const Error full = thrown([&] { RunDirectory(out, RunMode::fresh); });
  CHECK(full.kind() == ErrorKind::output);
  CHECK(contains(full.what(), "is not empty"));
  CHECK(contains(full.hint(), "--overwrite"));
  const RunDirectory run(out, RunMode::overwrite);
  CHECK(fs::exists(out / "train.log"));
  run.start_over({TrainingPhase::student});
  CHECK(fs::exists(out / "train.log"));
  CHECK(fs::exists(out / "teacher_last.safetensors"));
  run.start_over({TrainingPhase::teacher, TrainingPhase::student});
  CHECK(!fs::exists(out / "train.log"));
  CHECK(!fs::exists(out / "teacher_last.safetensors"));
  CHECK(!fs::exists(out / "checkpoints"));
  CHECK(fs::exists(out / "thesis.txt"));
  CHECK(thrown([&] { RunDirectory(out / "thesis.txt", RunMode::fresh); }).kind() ==
        ErrorKind::output);
}

TEST_CASE("metrics: rows to be written again are dropped, and a row cut short", "[trainer]") {
  const TemporaryFolder folder;
  const fs::path out = folder.path() / "run";
  run_training(small_config({"train.phase=baseline"}), out);
  const std::string whole = read_text(out / "metrics.csv");
  const auto keep_all = [](const std::string&, std::int64_t) { return true; };
  filter_metrics(out / "metrics.csv", keep_all);
  CHECK(read_text(out / "metrics.csv") == whole);
  write_file_atomically(out / "metrics.csv", std::string_view(whole + "baseline,24,0.1"));
  filter_metrics(out / "metrics.csv", keep_all);
  CHECK(read_text(out / "metrics.csv") == whole);
  filter_metrics(out / "metrics.csv", [](const std::string& phase, std::int64_t iteration) {
    return phase == "bicubic" || iteration <= 8;
  });
  CHECK(metrics(out).size() == 1 + 2 + 1);
  CHECK_NOTHROW(filter_metrics(out / "absent.csv", keep_all));
}

}  // namespace
}  // namespace pisr
