// Every network of the table as PISR's teacher and student, on the CPU and on a device, and the
// configurations of the students of the paper's table 3.

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "pisr/model/weights.h"
#include "pisr/train/device_stepper.h"
#include "pisr/train/stepper.h"
#include "tests/catch.h"
#include "tests/devices.h"
#include "tests/pisr/train/small_run.h"

namespace pisr {
namespace {

namespace fs = std::filesystem;

const TrainingPhase kPisrPhases[] = {TrainingPhase::teacher, TrainingPhase::student};

constexpr int kSize = 8;

/// One image as large as a patch, so that losses of different updates can be compared.
const Dataset& one_image() {
  static const Dataset data = built_in_dataset(1, 0, 1, kSize, 2);
  return data;
}

/// PISR with the network of a row on luminance, of few layers and channels, and with the options
/// that are of training alone or without.
TrainConfig config_of(const Architecture& row, bool of_training) {
  TrainConfig config;
  config.train.imitation_weight = 0.1;
  config.train.distillation_weight = 0.01;
  NetworkSpec spec;
  spec.architecture = row.name;
  spec.channels = 1;
  for (const NetworkOption& option : row.options) {
    if (std::holds_alternative<int>(option.default_value) && option.highest - option.lowest > 1 &&
        (of_training || !option.of_training)) {
      const int wanted = std::string(option.name).ends_with("channels") ? 6 : 1;
      spec.options[option.name] = std::clamp(wanted, option.lowest, option.highest);
    }
  }
  static_cast<NetworkSpec&>(config.network) = completed(spec);
  return config;
}

/// Of all networks that take luminance.
std::vector<TrainConfig> all_configs() {
  std::vector<TrainConfig> configs;
  for (const Architecture& row : architectures()) {
    if (std::ranges::find(row.channels, 1) == row.channels.end()) {
      continue;
    }
    configs.push_back(config_of(row, false));
    if (std::ranges::any_of(row.options, &NetworkOption::of_training)) {
      configs.push_back(config_of(row, true));
    }
  }
  return configs;
}

/// A phase from its initial weights on.
struct Training {
  Training(const TrainConfig& config, TrainingPhase phase, std::unique_ptr<Teacher> teacher)
      : model(config, phase, std::move(teacher)),
        adam(model.parameters()),
        options{.batch_size = 1, .gt_size = kSize} {}

  std::unique_ptr<Stepper> on_cpu() {
    return cpu_stepper({model, adam, nullptr}, schedule, one_image(), pool, options);
  }
  std::unique_ptr<Stepper> on(kernels::Device& device) {
    return device_stepper(device, {model, adam, nullptr}, schedule, one_image(), options);
  }
  std::vector<StepResult> run(Stepper& stepper, std::int64_t count) {
    std::vector<StepResult> results;
    while (static_cast<std::int64_t>(results.size()) < count) {
      const auto done = static_cast<std::int64_t>(results.size());
      for (const StepResult& result : stepper.run(done, count - done, 0)) {
        REQUIRE(result.applied);
        results.push_back(result);
      }
    }
    stepper.update_host();
    return results;
  }

  ThreadPool pool{1};
  PhaseModel model;
  Adam adam;
  CosineSchedule schedule{2e-3, 2e-3, 1, 1};
  StepOptions options;
};

std::unique_ptr<Teacher> copy_of(const Teacher& teacher) {
  auto copy = std::make_unique<Teacher>(teacher.spec());
  copy_parameters(teacher, *copy);
  return copy;
}

/// Means of the first and of the last updates.
std::pair<double, double> ends(const std::vector<StepResult>& results,
                               double kernels::StepValues::*value) {
  constexpr std::size_t kCount = 10;
  double first = 0;
  double last = 0;
  for (std::size_t i = 0; i < kCount; ++i) {
    first += results[i].*value / kCount;
    last += results[results.size() - 1 - i].*value / kCount;
  }
  return {first, last};
}

}  // namespace

TEST_CASE("students: every network of the table is taught and learns", "[students]") {
  for (const TrainConfig& config : all_configs()) {
    CAPTURE(config_json(config));
    std::unique_ptr<Teacher> teacher;
    for (const TrainingPhase phase : kPisrPhases) {
      CAPTURE(phase_name(phase));
      const bool is_student = phase == TrainingPhase::student;
      Training training(config, phase, is_student ? copy_of(*teacher) : nullptr);
      if (is_student) {
        CHECK(furthest(training.model.trained(), teacher->decoder()) == 0);
      }
      const auto stepper = training.on_cpu();
      const std::vector<StepResult> results = training.run(*stepper, 60);
      for (const auto value :
           {&kernels::StepValues::reconstruction, &kernels::StepValues::auxiliary}) {
        const auto [first, last] = ends(results, value);
        CAPTURE(value == &kernels::StepValues::auxiliary, first, last);
        CHECK(last < first);
      }
      if (is_student) {
        CHECK(furthest(*training.model.frozen_teacher(), *teacher) == 0);
        CHECK(furthest(training.model.trained(), teacher->decoder()) > 1e-3);
      } else {
        teacher = copy_of(dynamic_cast<const Teacher&>(training.model.trained()));
      }
    }
  }
}

TEST_CASE("students: a device replays every network's updates", "[students][device]") {
  for_each_device([](kernels::Device& device, CaseSize) {
    for (const TrainConfig& config : all_configs()) {
      CAPTURE(config_json(config));
      Training cpu(config, TrainingPhase::student, drawn_teacher(config));
      Training there(config, TrainingPhase::student, drawn_teacher(config));
      const auto on_cpu = cpu.on_cpu();
      const auto on_device = there.on(device);
      constexpr std::int64_t kUpdates = 2;
      const std::vector<StepResult> wanted = cpu.run(*on_cpu, kUpdates);
      const std::vector<StepResult> got = there.run(*on_device, kUpdates);
      for (std::size_t i = 0; i < kUpdates; ++i) {
        CHECK(got[i].reconstruction == Approx(wanted[i].reconstruction).epsilon(1e-5));
        CHECK(got[i].gradient_norm == Approx(wanted[i].gradient_norm).epsilon(1e-4));
      }
      CHECK(furthest(there.model.trained(), cpu.model.trained()) <= 1e-4);
    }
  });
}

TEST_CASE("students: every configuration of the repository is read", "[students]") {
  const std::map<std::string, std::string> titles = {{"fsrcnn", "FSRCNN(56, 12, 4)"},
                                                     {"fsrcnn_l", "FSRCNN(56, 56, 4)"},
                                                     {"vdsr", "VDSR"},
                                                     {"idn", "IDN"},
                                                     {"carn", "CARN"}};
  std::set<std::string> seen;
  for (const auto& file : fs::directory_iterator(fs::path(PISR_SOURCE_DIR) / "configs")) {
    const std::string name = file.path().stem().string();
    CAPTURE(name);
    const TrainConfig config = read_config(file.path());
    const std::size_t underscore = name.rfind("_x");
    if (underscore == std::string::npos) continue;
    const std::string network = name.substr(0, underscore);
    CHECK(std::to_string(config.network.scale) == name.substr(underscore + 2));
    if (!titles.contains(network)) continue;
    seen.insert(name);
    CHECK(title(config.network) == titles.at(network));
    CHECK(config.network.channels == 1);
    // As PISR trains all of them.
    const TrainConfig paper = parse_config("{}", "defaults");
    for (const ConfigDifference& difference : config_differences(paper, config)) {
      CAPTURE(difference.key, difference.after);
      CHECK((difference.key.starts_with("network.") || difference.key == "data.exclude"));
    }
  }
  for (const auto& [network, whole] : titles) {
    for (const char* const scale : {"_x2", "_x3", "_x4"}) {
      CAPTURE(network, scale);
      CHECK(seen.contains(network + scale));
    }
  }
}

}  // namespace pisr
