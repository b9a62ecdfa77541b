// What a run writes when, and from which weights: every key of the configuration that decides it.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/safetensors.h"
#include "kernels/emulator/emulated_device.h"
#include "pisr/eval/evaluate.h"
#include "pisr/model/weights.h"
#include "pisr/train/run_metrics.h"
#include "tests/catch.h"
#include "tests/pisr/train/small_run.h"
#include "tests/temporary_folder.h"
#include "tests/thrown.h"
#include "tests/worse.h"

namespace pisr {
namespace {

namespace fs = std::filesystem;

Checkpoint checkpoint_of(const fs::path& run, TrainingPhase phase, std::int64_t iteration) {
  return read_checkpoint(run / "checkpoints" / checkpoint_name(phase, iteration));
}

/// The largest difference of a weight file's tensors and those of a checkpoint.
double furthest(const fs::path& file, const Checkpoint& checkpoint) {
  double worst = 0;
  const SafeTensors weights = read_safetensors(file);
  REQUIRE(!weights.tensors.empty());
  for (const auto& [name, tensor] : weights.tensors) {
    const std::string key = message(
        "weights.",
        phase_name(checkpoint.phase) == std::string("teacher") ? "teacher." : "student.", name);
    worst = worse(worst, pisr::furthest(tensor, checkpoint.tensors.at(key)));
  }
  return worst;
}

/// `checkpoint` with its moving average in the place of its weights.
Checkpoint averaged(Checkpoint checkpoint, const TrainConfig& config) {
  const PhaseModel model(config, checkpoint.phase);
  for (const FlatParameters::Entry& entry : model.parameters().entries()) {
    checkpoint.tensors.at("weights." + entry.name) =
        FlatParameters::part(checkpoint.tensors.at("ema"), entry);
  }
  return checkpoint;
}

double psnr_of(const fs::path& weights, const TrainConfig& config) {
  ThreadPool pool(1);
  Context context(pool);
  return evaluate(context, pool, training_images(config).validation, config.val.protocol, "x",
                  *load_model(weights))
      .mean.psnr;
}

void check_average(kernels::Device* device, double rounding) {
  const TemporaryFolder folder;
  for (const char* const phase : {"baseline", "teacher"}) {
    for (const std::string ema : {"0", "0.7"}) {
      CAPTURE(phase, ema);
      // Every validation is the best so far, or the last is not: both kinds of file are checked.
      const TrainConfig config =
          smallest_config({"train.ema=" + ema, "train.save_checkpoint_freq=1", "val.val_freq=2",
                           std::string("train.phase=") + phase, "train.learning_rate=0.05"});
      const TrainingPhase trained = phases(config).front();
      const fs::path out = folder.path() / (phase + ema);
      const Told told = told_by_training(config, out, device);
      REQUIRE(told.validations.size() == 3);
      std::int64_t best = 0;
      double highest = 0;
      for (const ValidationReport& report : told.validations) {
        CHECK(report.best == (report.score.psnr > highest || best == 0));
        if (report.best) {
          best = report.iteration;
          highest = report.score.psnr;
        }
      }
      const auto used = [&](std::int64_t iteration) {
        const Checkpoint checkpoint = checkpoint_of(out, trained, iteration);
        CHECK(checkpoint.tensors.contains("ema") == (ema != "0"));
        return ema == "0" ? checkpoint : averaged(checkpoint, config);
      };
      const RunDirectory run(out, RunMode::resume);
      CHECK(furthest(run.best_weights(trained), used(best)) == 0);
      CHECK(furthest(run.last_weights(trained), used(6)) == 0);
      if (ema != "0") {
        CHECK(furthest(run.last_weights(trained), checkpoint_of(out, trained, 6)) > 1e-4);
      }
      CHECK(std::abs(psnr_of(run.best_weights(trained), config) - highest) <= rounding);
      CHECK(std::abs(psnr_of(run.last_weights(trained), config) -
                     told.validations.back().score.psnr) <= rounding);
      const auto notes = read_safetensors(run.best_weights(trained)).metadata;
      CHECK(notes.at("phase") == phase);
      CHECK(notes.at("iterations") == std::to_string(best));
      CHECK(notes.at("total_iterations") == "6");
      CHECK(notes.at("manual_seed") == "5");
      CHECK(read_safetensors(run.last_weights(trained)).metadata.at("iterations") == "6");
      const Checkpoint last = checkpoint_of(out, trained, 6);
      CHECK(last.best_iteration == best);
      CHECK(last.best_psnr == highest);
    }
  }
}

TEST_CASE("run: with a moving average it is the average that is measured and saved", "[run]") {
  check_average(nullptr, 0);
}

TEST_CASE("run: with a moving average on a device too", "[run][device]") {
  kernels::emulator::EmulatedDevice device;
  check_average(&device, 1e-3);
}

TEST_CASE("run: the best weights are those of the highest PSNR, the last those of the end",
          "[run]") {
  const TemporaryFolder folder;
  // At so high a rate the last validation is the worst.
  const TrainConfig config =
      smallest_config({"train.learning_rate=0.5", "val.val_freq=1", "train.save_checkpoint_freq=1",
                       "train.final_learning_rate=0.5"});
  const Told told = told_by_training(config, folder.path() / "run");
  const auto best = std::ranges::max_element(
      told.validations, {}, [](const ValidationReport& report) { return report.score.psnr; });
  REQUIRE(best->iteration < 6);
  CHECK(furthest(folder.path() / "run/baseline.safetensors",
                 checkpoint_of(folder.path() / "run", TrainingPhase::baseline, best->iteration)) ==
        0);
  CHECK(furthest(folder.path() / "run/baseline_last.safetensors",
                 checkpoint_of(folder.path() / "run", TrainingPhase::baseline, 6)) == 0);
}

using Numbers = std::vector<std::int64_t>;

TEST_CASE("run: its configuration stands in its folder and in its checkpoints", "[run]") {
  const TemporaryFolder folder;
  const TrainConfig config =
      smallest_config({"train.total_iter=1", "train.ema=0.5", "train.student.learning_rate=0.5"});
  told_by_training(config, folder.path() / "run");
  CHECK(config_differences(config, read_config(folder.path() / "run/config.json")).empty());
  const Checkpoint checkpoint = checkpoint_of(folder.path() / "run", TrainingPhase::baseline, 1);
  CHECK(config_differences(config, parse_config(checkpoint.configuration, "checkpoint")).empty());
}

TEST_CASE("run: how often it reports, validates and saves, and what it keeps", "[run]") {
  struct Row {
    std::vector<std::string> settings;
    Numbers reports, validations, checkpoints;
  };
  const TemporaryFolder folder;
  int number = 0;
  for (const Row& row : std::vector<Row>{
           {{}, {4, 7}, {5, 7}, {6, 7}},
           {{"train.print_freq=2"}, {2, 4, 6, 7}, {5, 7}, {6, 7}},
           {{"val.val_freq=3"}, {4, 7}, {3, 6, 7}, {6, 7}},
           {{"train.save_checkpoint_freq=2"}, {4, 7}, {5, 7}, {2, 4, 6, 7}},
           {{"train.save_checkpoint_freq=2", "train.keep_checkpoints=2"},
            {4, 7},
            {5, 7},
            {4, 6, 7}},
           {{"train.save_checkpoint_freq=1", "train.keep_checkpoints=1"}, {4, 7}, {5, 7}, {6, 7}},
           {{"train.total_iter=5"}, {4, 5}, {5}, {5}},
           {{"train.baseline.total_iter=6"}, {4, 6}, {5, 6}, {6}}}) {
    std::vector<std::string> settings{"train.total_iter=7", "train.print_freq=4", "val.val_freq=5",
                                      "train.save_checkpoint_freq=6"};
    settings.insert(settings.end(), row.settings.begin(), row.settings.end());
    CAPTURE(row.settings);
    const fs::path out = folder.path() / std::to_string(number++);
    const Told told = told_by_training(smallest_config(settings), out);
    const auto iterations = [](const auto& reports) {
      Numbers numbers;
      for (const auto& report : reports) {
        numbers.push_back(report.iteration);
      }
      return numbers;
    };
    CHECK(iterations(told.reports) == row.reports);
    CHECK(iterations(told.validations) == row.validations);
    CHECK(told.steps.size() == static_cast<std::size_t>(row.reports.back()));
    CHECK(iterations(list_checkpoints(out / "checkpoints", {TrainingPhase::baseline})) ==
          row.checkpoints);
  }
}

TEST_CASE("run: the phases that are asked for", "[run]") {
  const TemporaryFolder folder;
  const auto files = [&](const std::string& phase, const fs::path& out) {
    told_by_training(
        smallest_config(
            {"train.phase=" + phase, "train.total_iter=1",
             "train.teacher_weights=" +
                 (phase == "student" ? (folder.path() / "all/teacher.safetensors").string() : "")}),
        out);
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(out)) {
      if (entry.path().extension() == ".safetensors") {
        names.insert(entry.path().stem().string());
      }
    }
    return names;
  };
  using Names = std::set<std::string>;
  CHECK(files("all", folder.path() / "all") ==
        Names{"teacher", "teacher_last", "student", "student_last"});
  CHECK(files("baseline", folder.path() / "b") == Names{"baseline", "baseline_last"});
  CHECK(files("teacher", folder.path() / "t") == Names{"teacher", "teacher_last"});
  CHECK(files("student", folder.path() / "s") == Names{"student", "student_last"});
}

TEST_CASE("run: a student trained alone has the teacher that is named, or the run's best one",
          "[run]") {
  const TemporaryFolder folder;
  const fs::path named = folder.path() / "named.safetensors";
  const fs::path out = folder.path() / "run";
  const std::vector<std::string> settings{"train.phase=student", "train.total_iter=1",
                                          "train.learning_rate=0", "train.final_learning_rate=0"};
  const TrainConfig config = smallest_config(settings);
  fs::create_directory(out);
  save_weights(named, *drawn_teacher(config, 1));
  save_weights(out / "teacher.safetensors", *drawn_teacher(config, 2));
  save_weights(out / "teacher_last.safetensors", *drawn_teacher(config, 3));
  const auto teacher_of_run = [&](const TrainConfig& of) {
    told_by_training(of, out);
    const Checkpoint checkpoint = checkpoint_of(out, TrainingPhase::student, 1);
    Teacher teacher(config.network);
    load_parameters(teacher, checkpoint.tensors, "weights.teacher", "test");
    // Nothing was learnt, so the student is still what it was given.
    CHECK(pisr::furthest(*load_network(out / "student_last.safetensors"), teacher.decoder()) == 0);
    for (int seed = 1; seed <= 3; ++seed) {
      if (pisr::furthest(teacher, *drawn_teacher(config, static_cast<std::uint64_t>(seed))) == 0) {
        return seed;
      }
    }
    return 0;
  };
  CHECK(teacher_of_run(config) == 2);
  std::vector<std::string> with_name = settings;
  with_name.push_back("train.teacher_weights=" + named.string());
  CHECK(teacher_of_run(smallest_config(with_name)) == 1);
}

TEST_CASE("run: validation is under the protocol that is named, on the images that are named",
          "[run]") {
  const TemporaryFolder folder;
  std::map<std::string, Score> scores;
  for (const std::string protocol : {"pisr", "matlab"}) {
    CAPTURE(protocol);
    const TrainConfig config = smallest_config({"val.protocol=" + protocol});
    const fs::path out = folder.path() / protocol;
    const Told told = told_by_training(config, out);
    ThreadPool pool(1);
    Context context(pool);
    const EvaluationSet& set = training_images(config).validation;
    const Protocol wanted = protocol == "pisr" ? Protocol::pisr : Protocol::matlab;
    const Score bicubic = evaluate_bicubic(pool, set, wanted).mean;
    const Score score =
        evaluate(context, pool, set, wanted, "x", *load_model(out / "baseline.safetensors")).mean;
    REQUIRE(told.validations.size() == 1);
    const ValidationReport& report = told.validations.front();
    CHECK(report.set == "built-in held-out");
    CHECK(report.phase == TrainingPhase::baseline);
    CHECK(report.bicubic.psnr == bicubic.psnr);
    CHECK(report.bicubic.ssim == bicubic.ssim);
    CHECK(report.score.psnr == score.psnr);
    CHECK(report.score.ssim == score.ssim);
    scores[protocol] = bicubic;
  }
  CHECK(scores["pisr"].psnr != scores["matlab"].psnr);
}

TEST_CASE("run: threads and back end are those that are named", "[run]") {
  const TemporaryFolder folder;
  const auto train_as = [&](const std::string& name, const std::vector<std::string>& settings,
                            kernels::Device* device = nullptr) {
    return told_by_training(smallest_config(settings), folder.path() / name, device);
  };
  const auto says = [](const Told& told, const std::string& line) {
    return std::ranges::count(told.lines, line) == 1;
  };
  CHECK(says(train_as("one", {"threads=1"}), "seed 5, 1 thread"));
  CHECK(says(train_as("three", {"threads=3", "manual_seed=17"}), "seed 17, 3 threads"));
  train_as("eigen", {"backend=eigen"});
  const Checkpoint own = checkpoint_of(folder.path() / "one", TrainingPhase::baseline, 6);
  const double away = furthest(folder.path() / "eigen/baseline_last.safetensors", own);
  CHECK(away > 0);  // its sums are in another order
  CHECK(away < 1e-4);
  kernels::emulator::EmulatedDevice device;
  CHECK(says(train_as("device", {}, &device), "seed 5, 1 thread, updates on " + device.name()));
}

}  // namespace
}  // namespace pisr
