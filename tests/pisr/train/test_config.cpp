#include <cmath>
#include <filesystem>
#include <fstream>
#include <iomanip>
#include <sstream>
#include <string>
#include <variant>

#include "core/error.h"
#include "nn/adam.h"
#include "nn/ema.h"
#include "pisr/model/architectures.h"
#include "pisr/train/config.h"
#include "pisr/train/config_fields.h"
#include "pisr/train/phase_model.h"
#include "tests/catch.h"

namespace pisr {
namespace {

struct Failure {
  std::string message;
  std::string hint;
};

Failure failure(const std::string& json, const std::vector<std::string>& settings = {}) {
  try {
    parse_config(json, "test.json", settings);
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::usage);
    return {error.what(), error.hint()};
  }
  return {"no error", ""};
}

std::string read_text(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

TEST_CASE("config: an empty object is the paper's recipe", "[config]") {
  const TrainConfig config = parse_config("{}", "test.json");
  CHECK(config.network.scale == 2);
  CHECK(title(config.network) == "FSRCNN(56, 12, 4)");
  CHECK(config.train.batch_size == 16);
  CHECK(config.train.gt_size == 192);
  CHECK(config.train.total_iter == 1'000'000);
  CHECK(config.train.learning_rate == 1e-3);
  CHECK(config.train.distillation == Distillation::laplace);
  CHECK(config_differences(config, TrainConfig{}).empty());
}

TEST_CASE("config: comments, lists, choices, overrides and integers written as 1e6", "[config]") {
  const TrainConfig config = parse_config(R"({
    // a line
    "train": { "distillation": "mae", "teacher": {"total_iter": 2.5e3}, /* a block */ "phase": "student" },
    "data": { "train": "one folder", "exclude": ["302003", "a"] },
    "network": { "init": "he" },
    "manual_seed": 18446744073709551615
  })",
                                          "test.json");
  CHECK(config.train.distillation == Distillation::mae);
  CHECK(config.train.phase == PhaseChoice::student);
  CHECK(config.network.init == Initialisation::he);
  CHECK(config.data.train == std::vector<std::string>{"one folder"});
  CHECK(config.data.exclude == std::vector<std::string>{"302003", "a"});
  CHECK(config.manual_seed == 18446744073709551615U);
  CHECK(phase_schedule(config, TrainingPhase::teacher).total_iter == 2500);
  CHECK(phase_schedule(config, TrainingPhase::student).total_iter == 1'000'000);
}

TEST_CASE("config: printing and reading again changes nothing", "[config]") {
  TrainConfig config = parse_config(
      R"({"train": {"learning_rate": 0.1234567890123, "student": {"epoch_iterations": 7}}, "threads": 3,
          "val": {"protocol": "matlab"}, "data": {"train": ["a b", "c\"d\u00e4"]}, "manual_seed": 9223372036854775809})",
      "test.json");
  const std::string printed = config_json(config);
  const TrainConfig again = parse_config(printed, "printed");
  CHECK(config_differences(config, again).empty());
  CHECK(config_json(again) == printed);
  CHECK(again.train.learning_rate == 0.1234567890123);
  CHECK(again.manual_seed == 9223372036854775809U);
}

TEST_CASE("config: differences are named with both values", "[config]") {
  TrainConfig other;
  other.train.batch_size = 8;
  other.train.distillation = Distillation::none;
  const auto differences = config_differences(TrainConfig{}, other);
  REQUIRE(differences.size() == 2);
  CHECK(differences[0].key == "train.batch_size");
  CHECK(differences[0].before == "16");
  CHECK(differences[0].after == "8");
  CHECK(differences[1].key == "train.distillation");
  CHECK(differences[1].after == "\"none\"");
}

TEST_CASE("config: an unknown key suggests the nearest", "[config]") {
  struct Row {
    std::string json;
    std::string key;
    std::string hint;
  };
  const std::string table = "pisr_train --help-config lists all keys";
  for (const Row& row : std::vector<Row>{
           {R"({"train": {"total_iters": 5}})", "train.total_iters",
            "did you mean 'train.total_iter'?"},
           {R"({"tran": {}})", "tran", "did you mean 'train'?"},
           {R"({"batch_size": 5})", "batch_size", "did you mean 'train.batch_size'?"},
           {R"({"train": {"val_freq": 5}})", "train.val_freq", "did you mean 'val.val_freq'?"},
           {R"({"train": {"teacher": {"total_itre": 5}}})", "train.teacher.total_itre",
            "did you mean 'train.teacher.total_iter'?"},
           {R"({"wibble_wobble_woo": 5})", "wibble_wobble_woo", table}}) {
    const Failure got = failure(row.json);
    CHECK(got.message == "test.json: unknown key \"" + row.key + "\"");
    CHECK(got.hint == row.hint);
  }
  CHECK(failure("{}", {"train.gtsize=5"}).hint == "did you mean 'train.gt_size'?");
}

TEST_CASE("config: each wrong value is named with what was wanted", "[config]") {
  struct Row {
    std::string json;
    std::string message;
  };
  for (
      const Row& row : std::vector<Row>{
          {R"({"train": {"batch_size": -3}})",
           "test.json: train.batch_size must be an integer from 1 to 4096, got -3"},
          {R"({"train": {"batch_size": 1.5}})",
           "test.json: train.batch_size must be an integer from 1 to 4096, got 1.5"},
          {R"({"train": {"batch_size": "16"}})",
           "test.json: train.batch_size must be an integer from 1 to 4096, got \"16\""},
          {R"({"train": {"batch_size": null}})",
           "test.json: train.batch_size must be an integer from 1 to 4096, got null"},
          {R"({"train": {"learning_rate": -1}})",
           "test.json: train.learning_rate must be a number of at least 0, got -1"},
          {R"({"train": {"weight_transfer": 1}})",
           "test.json: train.weight_transfer must be true or false, got 1"},
          {R"({"train": {"distillation": "vid"}})",
           "test.json: train.distillation must be one of none, mae, laplace, gaussian, got "
           "\"vid\""},
          {R"({"data": {"train": [1]}})", "test.json: data.train must be a list of texts, got [1]"},
          {R"({"train": {"teacher_weights": {}}})",
           "test.json: train.teacher_weights must be a text, got {}"},
          {R"({"train": 7})", "test.json: train must be an object, got 7"},
          {R"({"network": {"scale": 5}})",
           "test.json: network.scale must be an integer from 2 to 4, got 5"},
          {R"({"manual_seed": -1})",
           "test.json: manual_seed must be an integer of at least 0, got -1"},
          {R"({"manual_seed": 1e30})",
           "test.json: manual_seed must be an integer of at least 0, got 1e+30"},
          {R"({"train": {"student": {"total_iter": 0}}})",
           "test.json: train.student.total_iter must be an integer from 1 to 1000000000000, got 0"},
          {R"({"train": {"gt_size": 97}})",
           "train.gt_size must be a multiple of network.scale 2, got 97"},
          {R"({"train": {"gt_size": 400}})",
           "data.built_in.size must be at least train.gt_size 400, got 384"},
          {R"({"train": {"learning_rate": 1e-9}})",
           "train.final_learning_rate must be at most train.learning_rate 1e-09, got 1e-05 "
           "(baseline)"},
          {R"({"train": {"ema": 1}})",
           "test.json: train.ema must be a number from 0 to 0.999999, got 1"},
          {R"({"threads": 1, "threads": 2})", "test.json: key \"threads\" is given twice"},
          {"[]", "test.json: must be a JSON object, got []"}}) {
    CHECK(failure(row.json).message == row.message);
  }
  CHECK(failure("{\"threads\": }").message.find("test.json: not JSON: parse error at line 1") == 0);
  CHECK(failure("").message.find("test.json: not JSON:") == 0);
  CHECK(failure(R"({"train": {"learning_rate": 1e999}})").message ==
        "test.json: not JSON: a number is too large");
}

TEST_CASE("config: the options are those of the architecture", "[config]") {
  const TrainConfig plain =
      parse_config(R"({"network": {"architecture": "plain", "c": 8, "layers": 2}})", "test.json");
  CHECK(plain.network.architecture == "plain");
  CHECK(number_option(plain.network, "feature_channels") == 8);
  CHECK(number_option(plain.network, "layers") == 2);
  CHECK(config_differences(parse_config(config_json(plain), "printed"), plain).empty());
  const TrainConfig set = parse_config(
      "{}", "test.json", {"network.n=3", "network.architecture=plain", "network.scale=3"});
  CHECK(number_option(set.network, "layers") == 3);
  CHECK(set.network.scale == 3);
  // The letters of the paper, as files have them that are older than the names.
  const TrainConfig old =
      parse_config(R"({"network": {"d": 32, "s": 5, "m": 1}})", "test.json", {"network.s=6"});
  CHECK(number_option(old.network, "feature_channels") == 32);
  CHECK(number_option(old.network, "shrink_channels") == 6);
  CHECK(number_option(old.network, "mapping_layers") == 1);
  // As checkpoints have it from before there were more options.
  const TrainConfig four = parse_config(
      R"({"network": {"architecture": "fsrcnn", "feature_channels": 56, "shrink_channels": 12,
                      "mapping_layers": 4, "slope_per_channel": false, "scale": 2}})",
      "test.json");
  CHECK(config_differences(four, TrainConfig{}).empty());

  // The colours too; where none is named, the first that the network takes.
  CHECK(plain.network.channels == 1);
  const TrainConfig rgb =
      parse_config(R"({"network": {"architecture": "plain", "colour": "rgb"}})", "test.json");
  CHECK(rgb.network.channels == 3);
  CHECK(config_differences(parse_config(config_json(rgb), "printed"), rgb).empty());
  CHECK(validation_protocol(plain) == Protocol::pisr);
  CHECK(validation_protocol(rgb) == Protocol::rgb);
  CHECK(parse_config("{}", "test.json", {"network.architecture=imdn"}).network.channels == 3);
  CHECK(
      parse_config("{}", "a", {"network.architecture=imdn", "network.colour=y"}).network.channels ==
      1);
  CHECK(failure("{}", {"network.architecture=vdsr", "network.colour=rgb"}).message ==
        "--set: network.colour must be one of y, got \"rgb\"");

  CHECK(failure(R"({"network": {"architecture": "edsr"}})").message ==
        "test.json: network.architecture must be one of " + architecture_names() +
            ", got \"edsr\"");
  CHECK(failure("{}", {"network.architecture=7"}).message ==
        "--set: network.architecture must be one of " + architecture_names() + ", got \"7\"");
  CHECK(failure(R"({"network": {"architecture": "plain", "d": 3}})").message ==
        "test.json: unknown key \"network.d\"");
  CHECK(failure(R"({"network": {"d": 3, "feature_channels": 3}})").message ==
        "test.json: network.d and network.feature_channels are the same option");
  CHECK(failure("{}", {"network.d=600"}).message ==
        "--set: network.feature_channels must be an integer from 1 to 512, got 600");
  CHECK(failure(R"({"network": 3})").message == "test.json: network must be an object, got 3");
  const auto differences = config_differences(parse_config("{}", "a"), plain);
  REQUIRE(!differences.empty());
  CHECK(differences[0].key == "network.architecture");
}

TEST_CASE("config: what a range allows can be made", "[config]") {
  TrainConfig defaults;
  for (const ConfigField& field : config_fields(defaults)) {
    const bool is_number =
        std::holds_alternative<int*>(field.member) || std::holds_alternative<double*>(field.member);
    // Of these the memory is the limit.
    const bool is_size = field.key.starts_with("data.") || field.key == "train.batch_size" ||
                         field.key == "train.gt_size" || field.key == "threads";
    if (!is_number || is_size) {
      continue;
    }
    for (const double value : {field.range.low, field.range.high}) {
      if (std::isinf(value)) {
        continue;
      }
      // A learning rate of 0 needs a final one that is not above it.
      const std::string setting = message(field.key, "=", std::setprecision(10), value);
      INFO(setting);
      const TrainConfig config =
          parse_config(R"({"data": {"built_in": {"size": 384}}, "train": {"gt_size": 48,
                           "final_learning_rate": 0}})",
                       "test", {setting});
      const PhaseModel model(config, TrainingPhase::baseline);
      CHECK_NOTHROW(Adam(model.parameters(), {config.train.adam_beta1, config.train.adam_beta2,
                                              config.train.adam_epsilon}));
      CHECK_NOTHROW(ExponentialMovingAverage(model.parameters(), config.train.ema));
    }
  }
}

TEST_CASE("config: --set puts values over the file's", "[config]") {
  const TrainConfig config = parse_config(
      R"({"train": {"batch_size": 4}})", "test.json",
      {"train.batch_size=8", "data.train=a folder", "data.exclude=[\"x\", \"y\"]",
       "train.teacher_weights=7", "train.teacher.total_iter=5", "val.protocol=matlab"});
  CHECK(config.train.batch_size == 8);
  CHECK(config.data.train == std::vector<std::string>{"a folder"});
  CHECK(config.data.exclude == std::vector<std::string>{"x", "y"});
  CHECK(config.train.teacher_weights == "7");
  CHECK(config.train.teacher.total_iter == 5);
  CHECK(config.val.protocol == Protocol::matlab);
  CHECK(failure("{}", {"train.batch_size=many"}).message ==
        "--set: train.batch_size must be an integer from 1 to 4096, got \"many\"");
  CHECK(failure("{}", {"train"}).message == "--set must be key=value, got \"train\"");
  CHECK(failure("{}", {"train=5"}).message == "--set: train is a section, not a value");
}

TEST_CASE("config: a text that is not UTF-8 is an error, not a crash", "[config]") {
  TrainConfig config;
  config.data.train = {"\xff"};
  CHECK_THROWS_WITH(config_json(config), "configuration: a path or name is not UTF-8");
}

TEST_CASE("config: a file that cannot be read", "[config]") {
  CHECK_THROWS_WITH(read_config("/nowhere/x.json"),
                    "cannot read configuration '/nowhere/x.json': No such file or directory");
  CHECK_THROWS_WITH(read_config("/"), "cannot read configuration '/': is a folder");
}

TEST_CASE("config: short phases are annealed in at least a thousand steps", "[config]") {
  TrainConfig config;
  CHECK(phase_schedule(config, TrainingPhase::teacher).epoch_iterations == 1000);
  config.train.total_iter = 5000;
  CHECK(phase_schedule(config, TrainingPhase::teacher).epoch_iterations == 5);
  config.train.total_iter = 10;
  CHECK(phase_schedule(config, TrainingPhase::teacher).epoch_iterations == 1);
  config.train.teacher.epoch_iterations = 3;
  config.train.teacher.total_iter = 1'000'000;
  CHECK(phase_schedule(config, TrainingPhase::teacher).epoch_iterations == 3);
}

TEST_CASE("config: the committed files are valid and hold the paper's values", "[config]") {
  const std::filesystem::path folder = std::filesystem::path(PISR_SOURCE_DIR) / "configs";
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    INFO(entry.path().string());
    CHECK_NOTHROW(read_config(entry.path()));
    ++files;
  }
  CHECK(files >= 4);
  for (const int scale : {2, 3, 4}) {
    TrainConfig paper;
    paper.network.scale = scale;
    paper.data.exclude = {"302003"};
    const auto file = folder / ("fsrcnn_x" + std::to_string(scale) + ".json");
    CHECK(config_differences(paper, read_config(file)).empty());
  }
}

TEST_CASE("config: docs/configuration.md is what --help-config prints", "[config]") {
  CHECK(read_text(std::filesystem::path(PISR_SOURCE_DIR) / "docs/configuration.md") ==
        config_reference());
}

}  // namespace
}  // namespace pisr
