// Training on a device, by the emulated one: as on the CPU within rounding, and the same bits
// however its steps are launched, stopped and resumed.

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "nn/init.h"
#include "pisr/train/device_stepper.h"
#include "pisr/train/run_directory.h"
#include "pisr/train/run_metrics.h"
#include "pisr/train/trainer.h"
#include "tests/catch.h"
#include "tests/devices.h"
#include "tests/pisr/train/training_images.h"
#include "tests/temporary_folder.h"
#include "tests/tensors.h"
#include "tests/thrown.h"
#include "tests/worse.h"

namespace pisr {
namespace {

namespace fs = std::filesystem;
using kernels::emulator::EmulatedDevice;

const std::string kPlain = "network.architecture=plain";
const std::string kRgb = "network.colour=rgb";

/// FSRCNN unless `settings` hold kPlain.
TrainConfig tiny_config(const std::vector<std::string>& settings = {}) {
  const bool plain = std::ranges::find(settings, kPlain) != settings.end();
  return parse_config(message(R"({
    "network": )",
                              plain ? R"({"c": 6, "n": 1})" : R"({"d": 6, "s": 4, "m": 1})", R"(,
    "data": {"built_in": {"count": 3, "validation_count": 1, "size": 24}},
    "train": {"total_iter": 50, "batch_size": 2, "gt_size": 12, "save_checkpoint_freq": 25,
              "print_freq": 10, "keep_checkpoints": 100},
    "val": {"val_freq": 25}, "manual_seed": 5, "threads": 1})"),
                      "test", settings);
}

/// What a phase is trained with, from its initial weights on.
struct Training {
  Training(const TrainConfig& training_config, TrainingPhase phase, double ema = 0)
      : config(training_config),
        data(training_images(config)),
        model(config, phase, teacher_for(phase)),
        adam(model.parameters()),
        options{config.train.batch_size, config.train.gt_size, 7, config.train.gradient_clip, 3} {
    if (ema > 0) {
      average.emplace(model.parameters(), ema);
    }
  }
  std::unique_ptr<Teacher> teacher_for(TrainingPhase phase) const {
    if (phase != TrainingPhase::student) {
      return nullptr;
    }
    auto teacher = std::make_unique<Teacher>(config.network);
    initialise(*teacher, 3);
    return teacher;
  }
  TrainingState state() { return {model, adam, average ? &*average : nullptr}; }
  std::unique_ptr<Stepper> on_cpu() {
    return cpu_stepper(state(), schedule, data.train, pool, options);
  }
  std::unique_ptr<Stepper> on(kernels::Device& device, Launching launching = Launching::captured) {
    return device_stepper(device, state(), schedule, data.train, options, launching);
  }

  TrainConfig config;
  const TrainingData& data;
  ThreadPool pool{1};
  PhaseModel model;
  Adam adam;
  std::optional<ExponentialMovingAverage> average;
  CosineSchedule schedule{1e-3, 1e-5, 50, 1};
  StepOptions options;
};

/// `count` updates from `first` on, then the host is brought up to date.
std::vector<StepResult> run_steps(Stepper& steps, std::int64_t first, std::int64_t count) {
  std::vector<StepResult> results;
  while (static_cast<std::int64_t>(results.size()) < count) {
    const auto done = static_cast<std::int64_t>(results.size());
    for (const StepResult& result : steps.run(first + done, count - done, 0)) {
      results.push_back(result);
    }
  }
  steps.update_host();
  return results;
}

bool equal_bits(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() &&
         std::memcmp(a.data<float>(), b.data<float>(), a.count() * sizeof(float)) == 0;
}

}  // namespace

namespace {

/// The largest differences of the results of two trainings. Losses and norms are compared relative
/// to their values; a log-likelihood goes through zero, so the auxiliary loss to 1 at least.
struct Differences {
  double loss = 0, auxiliary = 0, norm = 0;
};

Differences differences(const std::vector<StepResult>& got, const std::vector<StepResult>& wanted) {
  REQUIRE(got.size() == wanted.size());
  Differences worst;
  const auto raise = [](double& most, double x, double y, double least) {
    const double error = std::abs(x - y) / std::max(least, std::abs(y));
    most = error <= most ? most : error;
  };
  for (std::size_t i = 0; i < got.size(); ++i) {
    REQUIRE(got[i].applied);
    raise(worst.loss, got[i].loss, wanted[i].loss, 0);
    raise(worst.loss, got[i].reconstruction, wanted[i].reconstruction, 0);
    raise(worst.auxiliary, got[i].auxiliary, wanted[i].auxiliary, 1);
    raise(worst.norm, got[i].gradient_norm, wanted[i].gradient_norm, 0);
  }
  return worst;
}

/// `most` of 50 steps on a device compared with the CPU's in fp32; at the end also of the weights.
struct MostDifferences {
  double loss, norm, weight;
};

Differences compare_50_steps(kernels::Device& device, TrainingPhase phase, const char* distillation,
                             const MostDifferences& most, std::vector<std::string> settings = {}) {
  // So that the distillation has a part in the loss.
  settings.insert(settings.end(), {std::string("train.distillation=") + distillation,
                                   "train.distillation_weight=0.01"});
  const TrainConfig config = tiny_config(settings);
  Training cpu(config, phase), there(config, phase);
  const auto cpu_steps = cpu.on_cpu();
  const std::vector<StepResult> wanted = run_steps(*cpu_steps, 0, 50);
  const auto steps = there.on(device);
  const std::vector<StepResult> got = run_steps(*steps, 0, 50);
  const Differences worst = differences(got, wanted);
  const double weight =
      furthest(there.model.parameters().values(), cpu.model.parameters().values());
  const std::string what =
      message("50 steps on ", device.name(), ", ", phase_name(phase), ' ', distillation,
              ": worst difference of loss ", worst.loss, ", auxiliary loss ", worst.auxiliary,
              ", gradient norm ", worst.norm, ", weight ", weight);
  std::cout << "[report] " << what << std::endl;
  INFO(what);
  CHECK(worst.loss <= most.loss);
  CHECK(worst.auxiliary <= most.loss);
  CHECK(worst.norm <= most.norm);
  CHECK(weight <= most.weight);
  CHECK(wanted.back().loss < wanted.front().loss);
  CHECK(got.back().loss < got.front().loss);
  CHECK(there.adam.steps() == 50);
  return worst;
}

}  // namespace

TEST_CASE("device training: 50 steps have the losses of the CPU", "[device][report]") {
  for_each_device([](kernels::Device& device, CaseSize) {
    const MostDifferences most{1e-5, 1e-4, 1e-4};
    compare_50_steps(device, TrainingPhase::baseline, "none", most);
    compare_50_steps(device, TrainingPhase::teacher, "none", most);
    compare_50_steps(device, TrainingPhase::student, "laplace", most);
    // A network that is no chain.
    compare_50_steps(device, TrainingPhase::baseline, "none", most, {kPlain});
    compare_50_steps(device, TrainingPhase::teacher, "none", most, {kPlain});
    compare_50_steps(device, TrainingPhase::student, "laplace", most, {kPlain});
    // On RGB.
    compare_50_steps(device, TrainingPhase::teacher, "none", most, {kPlain, kRgb});
    compare_50_steps(device, TrainingPhase::student, "laplace", most, {kPlain, kRgb});
  });
}

TEST_CASE("device training: 50 steps in TF32 have nearly the losses of the CPU",
          "[device][report]") {
  for_each_device(
      [](kernels::Device& device, CaseSize) {
        // Both operands of a product are rounded, by 2^-11 of them at most.
        const MostDifferences most{2 * std::ldexp(1, -11), 0.1, 1e-2};
        for (const auto& [phase, distillation] : {std::pair{TrainingPhase::baseline, "none"},
                                                  {TrainingPhase::teacher, "none"},
                                                  {TrainingPhase::student, "laplace"}}) {
          // Channels enough for tensor cores to get all kinds of products.
          const Differences worst =
              compare_50_steps(device, phase, distillation, most, {"network.d=16", "network.s=8"});
          CHECK(worst.loss > 1e-6);  // more than fp32 has
        }
      },
      kernels::Precision::tf32);
}

TEST_CASE("device training: captured and eager steps have the same bits", "[device]") {
  for_each_device([](kernels::Device& device, CaseSize) {
    const std::string network = GENERATE(std::string("network.scale=2"), kPlain);
    CAPTURE(network);
    const TrainConfig config =
        tiny_config({"train.gradient_clip=0.05", "train.distillation=gaussian", network});
    const TrainingPhase phase = TrainingPhase::student;
    Training captured(config, phase, 0.9), eager(config, phase, 0.9), cpu(config, phase, 0.9);
    const auto captured_steps = captured.on(device);
    const auto eager_steps = eager.on(device, Launching::eager);
    const std::vector<StepResult> wanted = run_steps(*eager_steps, 0, 20);
    // In two runs.
    std::vector<StepResult> got = run_steps(*captured_steps, 0, 7);
    for (StepResult& result : run_steps(*captured_steps, 7, 13)) {
      got.push_back(std::move(result));
    }
    const Differences worst = differences(got, wanted);
    CHECK(worst.loss == 0);
    CHECK(worst.auxiliary == 0);
    CHECK(worst.norm == 0);
    CHECK(equal_bits(captured.model.parameters().values(), eager.model.parameters().values()));
    CHECK(equal_bits(captured.adam.first_moment(), eager.adam.first_moment()));
    CHECK(equal_bits(captured.adam.second_moment(), eager.adam.second_moment()));
    CHECK(equal_bits(captured.average->average(), eager.average->average()));
    CHECK(captured.adam.steps() == 20);

    const auto cpu_steps = cpu.on_cpu();
    run_steps(*cpu_steps, 0, 20);
    CHECK(furthest(captured.average->average(), cpu.average->average()) <= 1e-4);
    CHECK(!equal_bits(cpu.average->average(), cpu.model.parameters().values()));
  });
}

TEST_CASE("device training: the frozen teacher stays what it was", "[device]") {
  const TrainConfig config = tiny_config({"network.d=16", "network.s=8", "train.distillation=mae"});
  for_each_device(
      [&](kernels::Device& device, CaseSize) {
        const auto make_teacher = [&](std::uint64_t seed) {
          auto teacher = std::make_unique<Teacher>(config.network);
          initialise(*teacher, seed);
          return teacher;
        };
        const Tensor high = Tensor::full({1, 1, 12, 12}, 0.4).to(&device);
        const Tensor low = Tensor::full({1, 1, 6, 6}, 0.6).to(&device);
        Context context(device);
        const auto loss = [&](const PhaseModel& model) {
          Tape tape(context);
          tape.reset();
          return model.losses(tape, high, low).auxiliary.value().item();
        };
        const PhaseModel model(PhaseModel(config, TrainingPhase::student, make_teacher(3)),
                               &device);
        const double first = loss(model);
        CHECK(loss(model) == first);
        // Other weights are loaded into it.
        const auto other = make_teacher(4);
        const std::vector<NamedParameter> from = other->parameters();
        const std::vector<NamedParameter> to = model.frozen_teacher()->parameters();
        for (std::size_t i = 0; i < to.size(); ++i) {
          to[i].parameter->value.copy_from(from[i].parameter->value);
        }
        CHECK(loss(model) == first);
        CHECK(loss(PhaseModel(PhaseModel(config, TrainingPhase::student, make_teacher(4)),
                              &device)) != first);
      },
      kernels::Precision::tf32);
}

TEST_CASE("device training: kernels of a step", "[device][report]") {
  // The paper's network; neither the batch nor the size of its patches changes the number.
  const TrainConfig config =
      tiny_config({"network.d=56", "network.s=12", "network.m=4", "train.batch_size=1"});
  const auto launches = [&](TrainingPhase phase, kernels::Precision precision) {
    EmulatedDevice device(std::size_t{1} << 30, precision);
    Training training(config, phase);
    const auto steps = training.on(device);
    const long before = device.launches();
    steps->run(0, 1, 0);
    return device.launches() - before;
  };
  const auto check = [&](TrainingPhase phase, long in_fp32, long in_tf32) {
    const long fp32 = launches(phase, kernels::Precision::fp32);
    const long tf32 = launches(phase, kernels::Precision::tf32);
    std::cout << "[report] kernels of a step, " << phase_name(phase) << ": " << fp32 << " in fp32, "
              << tf32 << " in tf32" << std::endl;
    CHECK(fp32 == in_fp32);
    CHECK(tf32 == in_tf32);
  };
  check(TrainingPhase::baseline, 31, 32);
  check(TrainingPhase::teacher, 48, 53);
  check(TrainingPhase::student, 60, 61);
}

TEST_CASE("device training: steps that are not finite change nothing and end a run", "[device]") {
  for_each_device([](kernels::Device& device, CaseSize) {
    const TrainConfig config = tiny_config();
    Training training(config, TrainingPhase::baseline, 0.9);
    // Finite numbers, of which the loss is not.
    const Tensor values = training.model.parameters().values();
    std::fill_n(values.data<float>(), 25, 3e38F);
    const Tensor before = values.clone();
    const Tensor average = training.average->average().clone();
    const auto steps = training.on(device);
    const std::span<const StepResult> results = steps->run(4, 6, 0);
    steps->update_host();
    REQUIRE(results.size() == 3);
    for (const StepResult& result : results) {
      CHECK(!result.applied);
      CHECK(contains(result.failure, " is not finite, batch of image"));
    }
    CHECK(contains(results[0].failure, "the loss"));
    CHECK(contains(results[2].failure, "the gradient of 'student."));
    CHECK(equal_bits(values, before));
    CHECK(equal_bits(training.average->average(), average));
    CHECK(training.adam.steps() == 0);
    CHECK(furthest(training.adam.second_moment(), training.model.parameters().make_gradient()) ==
          0);
    // Two came before this one.
    CHECK(steps->run(7, 3, 2).size() == 1);
  });
}

namespace {

/// `device` null: on the CPU. Stops where `stop_after` updates are done.
TrainOutcome run_training(const TrainConfig& config, const fs::path& out, kernels::Device* device,
                          bool resumed = false, std::int64_t stop_after = 1'000'000) {
  const RunDirectory run(out, resumed ? RunMode::resume : RunMode::fresh);
  std::optional<ResumePoint> resume;
  if (resumed) {
    FoundCheckpoint found = find_newest_checkpoint(run.checkpoints(), phases(config));
    REQUIRE(found.checkpoint);
    resume = ResumePoint{std::move(*found.checkpoint), found.path.string()};
    CHECK(check_resume(config, resume->checkpoint, resume->name).empty());
  }
  const TrainingData& data = training_images(config);
  std::int64_t updates = 0;
  TrainCallbacks callbacks;
  callbacks.step = [&](const StepReport&) { ++updates; };
  callbacks.cancelled = [&] { return updates >= stop_after; };
  return train(config, run, data, resume, callbacks, device);
}

Checkpoint checkpoint_of(const fs::path& run, TrainingPhase phase, std::int64_t iteration) {
  return read_checkpoint(run / "checkpoints" / checkpoint_name(phase, iteration));
}

/// The largest difference of any number of two checkpoints; NaN where they do not fit together.
double largest_difference(const Checkpoint& a, const Checkpoint& b) {
  if (a.tensors.size() != b.tensors.size() || a.adam_steps != b.adam_steps) {
    return NAN;
  }
  double worst = 0;
  for (const auto& [key, tensor] : a.tensors) {
    worst = worse(worst, furthest(tensor, b.tensors.at(key)));
  }
  return worst;
}

}  // namespace

TEST_CASE("device training: a run goes on on the same and on another device", "[device]") {
  const TemporaryFolder folder;
  const std::string network = GENERATE(std::string("network.scale=2"), kPlain);
  CAPTURE(network);
  const TrainConfig config = tiny_config(
      {"train.phase=baseline", "train.ema=0.9", "train.total_iter=20", "train.print_freq=4",
       "train.save_checkpoint_freq=10", "val.val_freq=10", network});
  EmulatedDevice device;
  const auto whole = [&](const char* run, kernels::Device* on) {
    REQUIRE(run_training(config, folder.path() / run, on) == TrainOutcome::finished);
    return checkpoint_of(folder.path() / run, TrainingPhase::baseline, 20);
  };
  const auto parts = [&](const char* run, kernels::Device* first, kernels::Device* second) {
    REQUIRE(run_training(config, folder.path() / run, first, false, 10) == TrainOutcome::cancelled);
    REQUIRE(run_training(config, folder.path() / run, second, true) == TrainOutcome::finished);
    return checkpoint_of(folder.path() / run, TrainingPhase::baseline, 20);
  };
  const Checkpoint on_cpu = whole("cpu", nullptr), on_device = whole("device", &device);
  CHECK(largest_difference(parts("device twice", &device, &device), on_device) == 0);
  const double to_device = largest_difference(parts("cpu first", nullptr, &device), on_cpu);
  const double to_cpu = largest_difference(parts("device first", &device, nullptr), on_cpu);
  const double always = largest_difference(on_device, on_cpu);
  INFO("largest difference to 20 steps on the CPU: cpu then device "
       << to_device << ", device then cpu " << to_cpu << ", device " << always);
  CHECK(to_device <= 1e-4);
  CHECK(to_cpu <= 1e-4);
  CHECK(always <= 1e-4);
  const auto rows = read_metrics(folder.path() / "device/metrics.csv");
  CHECK(rows.size() == 1 + 5 + 2);
}

TEST_CASE("device training: a run on a slow device stops without long waiting", "[device]") {
  const TemporaryFolder folder;
  EmulatedDevice device;
  device.slow_down(std::chrono::milliseconds(300));
  const TrainConfig config = tiny_config({"train.phase=baseline"});
  CHECK(run_training(config, folder.path() / "run", &device, false, 2) == TrainOutcome::cancelled);
  CHECK(list_checkpoints(folder.path() / "run/checkpoints", {TrainingPhase::baseline})
            .back()
            .iteration == 2);
}

TEST_CASE("device training: all phases on a device", "[device]") {
  const TemporaryFolder folder;
  EmulatedDevice device;
  const std::string network = GENERATE(std::string("network.scale=2"), kPlain);
  CAPTURE(network);
  const TrainConfig config = tiny_config({"train.total_iter=3", "val.val_freq=2", network});
  CHECK(run_training(config, folder.path() / "run", &device) == TrainOutcome::finished);
  CHECK(fs::exists(folder.path() / "run/student.safetensors"));
  CHECK(device.used() == 0);
}

TEST_CASE("device training: a device that fails ends the run and leaves the last checkpoint",
          "[device]") {
  const TemporaryFolder folder;
  const TrainConfig config = tiny_config({"train.phase=baseline", "train.save_checkpoint_freq=4",
                                          "val.val_freq=1000", "train.total_iter=12"});
  const fs::path out = folder.path() / "run";
  {
    EmulatedDevice device;
    const RunDirectory run(out, RunMode::fresh);
    const TrainingData& data = training_images(config);
    TrainCallbacks callbacks;
    callbacks.step = [&](const StepReport& report) {
      if (report.iteration == 8) {
        device.fail_after(7);
      }
    };
    const Error error = thrown([&] { train(config, run, data, {}, callbacks, &device); });
    CHECK(error.kind() == ErrorKind::device);
    CHECK(contains(error.what(), "the device is gone"));
  }
  CHECK(list_checkpoints(out / "checkpoints", {TrainingPhase::baseline}).back().iteration == 8);
  EmulatedDevice other;
  CHECK(run_training(config, out, &other, true) == TrainOutcome::finished);
  CHECK(run_training(config, folder.path() / "whole", &other) == TrainOutcome::finished);
  CHECK(largest_difference(checkpoint_of(out, TrainingPhase::baseline, 12),
                           checkpoint_of(folder.path() / "whole", TrainingPhase::baseline, 12)) ==
        0);

  // Too little memory for the training is an error, for the frames of the validation it is not.
  EmulatedDevice small(1000);
  const Error error = thrown([&] { run_training(config, folder.path() / "small", &small); });
  CHECK(error.kind() == ErrorKind::memory);
  std::vector<double> psnr;
  for (const std::size_t bytes : {std::size_t{64} << 20, std::size_t{1} << 20}) {
    EmulatedDevice device(bytes);
    Training training(tiny_config({"data.built_in.size=192"}), TrainingPhase::teacher, 0.9);
    const auto steps = training.on(device);
    steps->run(0, 1, 0);
    const EvaluationSet& set = training.data.validation;
    psnr.push_back(steps->evaluate(training.pool, set, Protocol::pisr).mean.psnr);
    // On the CPU the host's weights were brought up to date first.
    CHECK((training.adam.steps() == 1) == (bytes == std::size_t{1} << 20));
  }
  CHECK(std::abs(psnr[0] - psnr[1]) <= 1e-4);
}

}  // namespace pisr
