// train.init_weights: what a phase starts from, and what of it fits.

#include <filesystem>
#include <string>
#include <vector>

#include "core/atomic_file.h"
#include "nn/init.h"
#include "pisr/model/weights.h"
#include "pisr/train/initial_weights.h"
#include "pisr/train/phase_run.h"
#include "tests/catch.h"
#include "tests/pisr/train/small_run.h"
#include "tests/temporary_folder.h"
#include "tests/thrown.h"

namespace pisr {
namespace {

namespace fs = std::filesystem;

/// Plain, whose last layer alone depends on the scale.
TrainConfig plain_config(int scale, const std::vector<std::string>& more = {}) {
  std::vector<std::string> settings{"network.architecture=plain",
                                    "network.c=4",
                                    "network.n=1",
                                    "train.total_iter=1",
                                    message("network.scale=", scale),
                                    "train.gt_size=12",
                                    "data.built_in.size=36",
                                    "train.learning_rate=0",
                                    "train.final_learning_rate=0"};
  settings.insert(settings.end(), more.begin(), more.end());
  return parse_config(R"({
    "data": {"built_in": {"count": 2, "validation_count": 1}},
    "train": {"phase": "baseline", "batch_size": 1}, "threads": 1})",
                      "test", settings);
}

std::unique_ptr<SrNetwork> drawn_network(const TrainConfig& config, std::uint64_t seed) {
  auto network = make_network(config.network);
  initialise(*network, seed);
  return network;
}

const Tensor& value_of(const Module& module, const std::string& name) {
  for (const NamedParameter& named : module.parameters()) {
    if (named.name == name) {
      return named.parameter->value;
    }
  }
  throw std::out_of_range(name);
}

}  // namespace

TEST_CASE("initial weights: x3 starts from x2 but for its last layer", "[init_weights]") {
  const TemporaryFolder folder;
  const fs::path x2 = folder.path() / "x2.safetensors";
  const auto source = drawn_network(plain_config(2), 8);
  save_weights(x2, *source);
  const TrainConfig config = plain_config(3, {"train.init_weights=" + x2.string()});
  const Told told = told_by_training(config, folder.path() / "run");
  CHECK(std::ranges::count(told.lines, "baseline: starts from '" + x2.string() +
                                           "', but for tail.weight, tail.bias") == 1);
  // The rate is 0, so what it started from is what it ends with.
  const auto trained = load_network(folder.path() / "run/baseline_last.safetensors");
  const auto seeded = drawn_network(config, config.manual_seed);
  for (const NamedParameter& named : trained->parameters()) {
    CAPTURE(named.name);
    const bool fits = !named.name.starts_with("tail.");
    CHECK(furthest(named.parameter->value, value_of(fits ? *source : *seeded, named.name)) == 0);
  }
}

TEST_CASE("initial weights: teachers, networks and checkpoints start each other",
          "[init_weights]") {
  const TemporaryFolder folder;
  const TrainConfig config = plain_config(2);
  const fs::path path = folder.path() / "w.safetensors";
  const auto network = drawn_network(config, 8);
  const auto teacher = drawn_teacher(config, 9);

  save_weights(path, *network);
  Teacher from_network(config.network);
  const auto kept = start_from(read_initial_weights(path, "plain"), from_network);
  CHECK(furthest(from_network.decoder(), *network) == 0);
  CHECK(std::ranges::all_of(kept,
                            [](const std::string& name) { return name.starts_with("encoder."); }));
  CHECK(kept.size() == from_network.encoder()->parameters().size());

  save_weights(path, *teacher);
  const auto student = make_network(config.network);
  CHECK(start_from(read_initial_weights(path, "plain"), *student).empty());
  CHECK(furthest(*student, teacher->decoder()) == 0);
  Teacher same(config.network);
  CHECK(start_from(read_initial_weights(path, "plain"), same).empty());
  CHECK(furthest(same, *teacher) == 0);

  // A checkpoint has the form that is trained; weights for use are merged and fit no more.
  const TrainConfig expanded = plain_config(2, {"network.expanded_channels=8"});
  told_by_training(expanded, folder.path() / "run");
  const fs::path checkpoint =
      folder.path() / "run/checkpoints" / checkpoint_name(TrainingPhase::baseline, 1);
  const auto again = make_network(expanded.network);
  CHECK(start_from(read_initial_weights(checkpoint, "plain"), *again).empty());
  CHECK(furthest(*again, *drawn_network(expanded, expanded.manual_seed)) == 0);
}

TEST_CASE("initial weights: a phase of its own start, and its moving average", "[init_weights]") {
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "w.safetensors";
  const TrainConfig plain = plain_config(2);
  save_weights(path, *drawn_teacher(plain, 9));
  const std::string init = "train.init_weights=" + path.string();
  const auto start_of = [&](TrainingPhase phase, const std::vector<std::string>& settings) {
    std::vector<std::string> all{init, "train.ema=0.5"};
    all.insert(all.end(), settings.begin(), settings.end());
    const TrainConfig config = plain_config(2, all);
    ThreadPool pool(1);
    PhaseRun run(config, phase,
                 phase == TrainingPhase::student ? drawn_teacher(config, 4) : nullptr,
                 training_images(config), pool, nullptr);
    const std::string line = run.start_from(read_initial_weights(path, "plain"));
    const Checkpoint checkpoint = run.checkpoint();
    CHECK(furthest(checkpoint.tensors.at("ema"), run.model().parameters().values()) == 0);
    return line;
  };
  const std::string whole = ": starts from '" + path.string() + "'";
  CHECK(start_of(TrainingPhase::baseline, {}) == "baseline" + whole);
  CHECK(start_of(TrainingPhase::teacher, {}) == "teacher" + whole);
  CHECK(start_of(TrainingPhase::student, {"train.weight_transfer=false"}) == "student" + whole);
  CHECK(start_of(TrainingPhase::student, {}).empty());
}

TEST_CASE("initial weights: what is refused, before anything is written", "[init_weights]") {
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "w.safetensors";
  const auto failure = [&](const TrainConfig& config) {
    const fs::path out = folder.path() / "run";
    const Error error = thrown([&] { told_by_training(config, out); });
    CHECK(error.kind() == ErrorKind::weights);
    CHECK(!fs::exists(out / "config.json"));
    return std::string(error.what());
  };
  const std::string init = "train.init_weights=" + path.string();
  CHECK(failure(plain_config(2, {init})).find(path.string()) != std::string::npos);
  write_file_atomically(path, std::string_view("text"));
  CHECK(failure(plain_config(2, {init})).find(path.string()) != std::string::npos);

  save_weights(path, *drawn_network(plain_config(2), 8));
  CHECK(failure(plain_config(2, {init, "network.expanded_channels=3"})) ==
        "'" + path.string() + "': no weight has name and shape of one to train");

  const auto damaged = drawn_network(plain_config(2), 8);
  value_of(*damaged, "head.bias").data<float>()[1] = NAN;
  save_weights(path, *damaged);
  CHECK(failure(plain_config(3, {init})) ==
        "'" + path.string() + "': tensor of 'head.bias' must hold finite values, has others");
}

TEST_CASE("initial weights: updates are counted through all that came before", "[init_weights]") {
  const TemporaryFolder folder;
  const auto count_of = [&](const std::string& file) {
    return count_updates(folder.path() / file);
  };
  const auto run = [&](const std::string& name, const std::vector<std::string>& settings) {
    std::vector<std::string> all{"train.save_checkpoint_freq=1"};
    all.insert(all.end(), settings.begin(), settings.end());
    told_by_training(plain_config(2, all), folder.path() / name);
  };
  run("first", {"train.total_iter=3"});
  CHECK(count_of("first/baseline_last.safetensors").of_phase == 3);
  CHECK(count_of("first/baseline_last.safetensors").earlier == 0);

  const std::string init =
      "train.init_weights=" + (folder.path() / "first/baseline_last.safetensors").string();
  run("second", {"train.phase=all", init, "train.teacher.total_iter=2", "train.total_iter=4"});
  CHECK(count_of("second/teacher_last.safetensors").earlier == 3);
  CHECK(count_of("second/student_last.safetensors").of_phase == 4);
  CHECK(count_of("second/student_last.safetensors").earlier == 3 + 2);
  CHECK(count_of("second/student.safetensors").in_all() == 3 + 2 + 4);
  const std::string checkpoint = "second/checkpoints/" + checkpoint_name(TrainingPhase::student, 1);
  CHECK(count_of(checkpoint).in_all() == 3 + 2 + 1);

  // A student whose teacher is a file, and a run that goes on from a checkpoint.
  run("third",
      {"train.phase=student", "train.total_iter=5",
       "train.teacher_weights=" + (folder.path() / "second/teacher.safetensors").string()});
  CHECK(count_of("third/student.safetensors").earlier == 3 + 2);
  run("fourth", {"train.init_weights=" + (folder.path() / checkpoint).string()});
  CHECK(count_of("fourth/baseline.safetensors").earlier == 3 + 2 + 1);
  const TrainConfig student = plain_config(2, {"train.phase=student", "train.total_iter=2"});
  train(student, RunDirectory(folder.path() / "resumed", RunMode::resume), training_images(student),
        ResumePoint{read_checkpoint(folder.path() / checkpoint), "checkpoint"}, {});
  CHECK(count_of("resumed/student_last.safetensors").earlier == 3 + 2);

  // Weights that do not tell.
  save_weights(folder.path() / "other.safetensors", *drawn_network(plain_config(2), 8),
               {{"total_iterations", "many"}, {kEarlierUpdates, "-1"}});
  CHECK(count_of("other.safetensors").of_phase == 0);
  CHECK(!count_of("other.safetensors").earlier);
}

TEST_CASE("initial weights: a resumed run needs the file no more", "[init_weights]") {
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "w.safetensors";
  save_weights(path, *drawn_network(plain_config(2), 8));
  const TrainConfig config =
      plain_config(2, {"train.init_weights=" + path.string(), "train.total_iter=3",
                       "train.save_checkpoint_freq=1"});
  told_by_training(config, folder.path() / "run");
  fs::remove(path);
  const fs::path checkpoint =
      folder.path() / "run/checkpoints" / checkpoint_name(TrainingPhase::baseline, 1);
  const RunDirectory run(folder.path() / "run", RunMode::resume);
  CHECK(train(config, run, training_images(config),
              ResumePoint{read_checkpoint(checkpoint), "checkpoint"},
              {}) == TrainOutcome::finished);
}

}  // namespace pisr
