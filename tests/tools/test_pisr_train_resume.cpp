#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "pisr/train/checkpoint.h"
#include "pisr/train/run_metrics.h"
#include "tests/catch.h"
#include "tests/tools/training_workplace.h"

using namespace pisr;

namespace {

namespace fs = std::filesystem;

/// All files below a folder with their contents.
std::map<std::string, std::string> contents_of(const fs::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) {
      files[entry.path().string()] = read_whole(entry.path());
    }
  }
  return files;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// A baseline run of 20 iterations in `run`.
void train_baseline(const Workplace& place) {
  REQUIRE(place.run({"-c", "small.json", "--out", "run", "-q"}).code == 0);
}

}  // namespace

TEST_CASE("pisr_train: what is refused leaves the former run as it was", "[tools]") {
  const Workplace place;
  train_baseline(place);
  const auto before = contents_of(place.path() / "run");
  struct Row {
    std::vector<std::string> arguments;
    int code;
  };
  const std::vector<Row> rows{
      {{"--overwrite", "--set", "network.d=600"}, 2},
      {{"--overwrite", "--set", "network.m=65"}, 2},
      {{"--overwrite", "--set", "train.ema=1"}, 2},
      {{"--overwrite", "--set", "train.adam_beta1=1"}, 2},
      {{"--overwrite", "--set", "train.gt_size=17"}, 2},
      {{"--overwrite", "--set", "train.final_learning_rate=1"}, 2},
      {{"--overwrite", "--set", "data.built_in.size=8"}, 2},
      {{"--overwrite", "--device", "tpu"}, 2},
      {{"--overwrite", "--data", "garbled"}, 3},
      {{"--overwrite", "--data", "photos", "--set", "train.gt_size=32"}, 3},
      {{"--overwrite", "--val", "empty"}, 3},
      {{"--overwrite", "--val", "tiny"}, 3},
      {{"--overwrite", "--phase", "student"}, 5},
      {{"--resume", "auto", "--set", "network.d=7"}, 5},
      {{"--resume", "run/checkpoints/baseline_000000015.safetensors", "--set", "train.ema=0.9"}, 5},
      {{"--resume", "run/checkpoints/baseline_000000015.safetensors", "--phase", "teacher"}, 5}};
  for (const Row& row : rows) {
    std::vector<std::string> arguments{"-c", "small.json", "--out", "run"};
    arguments.insert(arguments.end(), row.arguments.begin(), row.arguments.end());
    const ProgramRun run = place.run(arguments);
    INFO(row.arguments[1] << ' ' << row.arguments.back() << '\n' << run.err);
    CHECK(run.code == row.code);
    CHECK(contents_of(place.path() / "run") == before);
  }
}

TEST_CASE("pisr_train: a run that is refused leaves no folder, nor those above it", "[tools]") {
  const Workplace place;
  CHECK(place.run({"-c", "small.json", "--out", "a/b/c", "--data", "garbled"}).code == 3);
  CHECK(!fs::exists(place.path() / "a"));
  fs::create_directory(place.path() / "a");
  CHECK(place.run({"-c", "small.json", "--out", "a/b/c", "--data", "garbled"}).code == 3);
  CHECK(fs::is_empty(place.path() / "a"));
}

TEST_CASE("pisr_train: without config.json a run goes on with the checkpoint's copy", "[tools]") {
  const Workplace place;
  train_baseline(place);
  const fs::path config = place.path() / "run/config.json";
  const std::string good = read_whole(config);
  fs::remove(config);
  const ProgramRun run = place.run({"--out", "run", "--resume", "auto"});
  INFO(run.err);
  CHECK(run.code == 0);
  CHECK(contains(run.err,
                 "note: the configuration is that of the checkpoint "
                 "'run/checkpoints/baseline_000000020.safetensors', there is no "
                 "'run/config.json'"));
  CHECK(read_whole(config) == good);

  // An older checkpoint by name; the command line takes precedence.
  fs::remove(config);
  CHECK(place
            .run({"--out", "run", "--resume", "run/checkpoints/baseline_000000015.safetensors",
                  "--set", "train.print_freq=2", "-q"})
            .code == 0);
  CHECK(contains(read_whole(config), "\"print_freq\": 2"));
  CHECK(contains(read_whole(config), "\"feature_channels\": 6"));

  // Damaged: the hint tells where the copy is.
  std::ofstream(config) << good.substr(0, good.size() / 2);
  const ProgramRun damaged = place.run({"--out", "run", "--resume", "auto"});
  CHECK(damaged.code == 2);
  CHECK(contains(damaged.err, "error: run/config.json: not JSON"));
  CHECK(contains(damaged.err,
                 "hint: the checkpoint 'run/checkpoints/baseline_000000020.safetensors'"
                 " has a copy, which --resume takes if config.json is removed"));
  std::ofstream(config) << "{\"train\": {\"total_iters\": 20}}";
  CHECK(contains(place.run({"--out", "run", "--resume", "auto"}).err, " has a copy"));
  // Where the command line is wrong, the file is not to blame.
  std::ofstream(config) << good;
  CHECK(!contains(place.run({"--out", "run", "--resume", "auto", "--set", "threads=-1"}).err,
                  " has a copy"));

  // Neither: refused, for the default configuration is another run.
  fs::remove(config);
  fs::remove_all(place.path() / "run/checkpoints");
  const auto before = contents_of(place.path() / "run");
  const ProgramRun neither =
      place.run({"--out", "run", "--resume", "auto", "--set", "train.total_iter=1"});
  CHECK(neither.code == 2);
  CHECK(contains(neither.err, "run directory 'run' has neither config.json nor a checkpoint"));
  CHECK(contents_of(place.path() / "run") == before);
  // Nothing at all is no former run: it begins, which scripts rely on.
  CHECK(place.run({"--out", "fresh", "--resume", "auto", "--set", "network.s=600"}).code == 2);
  CHECK(!fs::exists(place.path() / "fresh"));
}

TEST_CASE("pisr_train: data.exclude takes what a person types, and says what it did", "[tools]") {
  const Workplace place;
  fs::create_directory(place.path() / "set");
  for (const char* name : {"1", "2", "302003", "woman"}) {
    write_image(place.path() / "set" / (std::string(name) + ".png"), dead_leaves(5, 0, 24, 24));
  }
  write_image(place.path() / "set" / "3,4.png", dead_leaves(5, 1, 24, 24));
  struct Row {
    std::string value;
    std::string log;
    std::string warning;
  };
  for (const Row& row : std::vector<Row>{
           {"302003", "left out: 302003: 1 image\n", ""},
           {"1,2", "left out: 1: 1 image\n", ""},
           {"[1, 302003]", "left out: 302003: 1 image\n", ""},
           {"[\"woman.png\"]", "left out: woman.png: 1 image\n", ""},
           {"woman.png, 2", "left out: 2: 1 image\n", ""},
           {"set/woman.png", "left out: woman.png: 1 image\n", ""},
           {"3,4", "left out: 3,4: 1 image\n", ""},
           {"01", "", "warning: excluded '01': no image has this name\n"},
           {"1e5", "", "warning: excluded '1e5': no image has this name\n"},
           {"wooman,1", "left out: 1: 1 image\n", "excluded 'wooman': no image has this name\n"}}) {
    const ProgramRun run = place.run({"-c", "small.json", "--out", "run", "--overwrite", "--data",
                                      "set", "--set", "data.exclude=" + row.value, "--set",
                                      "train.total_iter=1", "--progress", "log"});
    INFO(row.value << '\n' << run.err);
    CHECK(run.code == 0);
    CHECK(contains(run.err, row.log));
    CHECK(contains(run.err, row.warning));
    CHECK(contains(run.err, "warning: excluded") == !row.warning.empty());
  }
  // The built-in images have no names to leave out.
  CHECK(contains(place
                     .run({"-c", "small.json", "--out", "run", "--overwrite", "--set",
                           "data.exclude=1", "--set", "train.total_iter=1", "-q"})
                     .err,
                 "warning: data.exclude leaves out images of data.train alone"));
  std::ofstream(place.path() / "digits.json") << "{\"data\": {\"exclude\": [302003, \"1\"]}}";
  CHECK(contains(place.run({"-c", "digits.json", "--print-config"}).out, "\"302003\""));
}

TEST_CASE("pisr_train: images that are trained and validated on are a warning", "[tools]") {
  const Workplace place;
  fs::create_directory(place.path() / "other");
  write_image(place.path() / "other/renamed.png", dead_leaves(1, 0, 40, 30));
  write_image(place.path() / "other/new.png", dead_leaves(1, 2, 40, 30));
  const auto train = [&](const std::string& validation) {
    return place
        .run({"-c", "small.json", "--out", "run", "--overwrite", "--data", "photos", "--val",
              validation, "--set", "train.total_iter=1", "-q"})
        .err;
  };
  CHECK(contains(train("photos/a.png"), "1 of 1 validation image is trained on too (image a)"));
  CHECK(contains(train("other"),
                 "warning: 1 of 2 validation images are trained on too (image renamed)"));
  CHECK(train("other/new.png").empty());
}
