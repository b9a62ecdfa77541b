// Updates whose loss or gradient is not finite: what they leave alone, and when they end a run.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pisr/train/device_stepper.h"
#include "pisr/train/phase_run.h"
#include "tests/catch.h"
#include "tests/devices.h"
#include "tests/pisr/train/small_run.h"
#include "tests/thrown.h"

namespace pisr {
namespace {

constexpr CosineSchedule kConstantRate{1e-3, 1e-3, 1, 1};

void fill(const FlatParameters& parameters, const std::string& name, float value) {
  for (const FlatParameters::Entry& entry : parameters.entries()) {
    if (entry.name == name) {
      const Tensor part = FlatParameters::part(parameters.values(), entry);
      std::fill_n(part.data<float>(), part.count(), value);
      return;
    }
  }
  FAIL("no parameter " << name);
}

/// Finite numbers, of which the loss is not.
void make_loss_infinite(const FlatParameters& parameters) {
  fill(parameters, "student.feature.weight", 3e38F);
  fill(parameters, "student.shrink.weight", 3e38F);
}

/// The first feature is as small as a float can be and the next layer makes up for it: the image is
/// finite, its derivative by that feature is not.
void make_gradient_infinite(const FlatParameters& parameters) {
  fill(parameters, "student.feature.weight", 0);
  fill(parameters, "student.feature.bias", 1e-37F);
  fill(parameters, "student.shrink.weight", 1e37F);
  for (const char* weight : {"mapping.0", "expand", "deconvolution"}) {
    fill(parameters, std::string("student.") + weight + ".weight", 10);
  }
}

/// The image is infinite, each of its derivatives is not.
void make_only_loss_infinite(const FlatParameters& parameters) {
  fill(parameters, "student.deconvolution.bias", INFINITY);
}

struct Training {
  explicit Training(const TrainConfig& config)
      : data(training_images(config)),
        model(config, TrainingPhase::baseline),
        adam(model.parameters()),
        average(model.parameters(), 0.5) {}
  std::unique_ptr<Stepper> stepper(kernels::Device* device) {
    const StepOptions options{2, 8, 1, 0, 3};
    const TrainingState state{model, adam, &average};
    return device == nullptr ? cpu_stepper(state, kConstantRate, data.train, pool, options)
                             : device_stepper(*device, state, kConstantRate, data.train, options,
                                              Launching::captured);
  }
  const TrainingData& data;
  ThreadPool pool{1};
  PhaseModel model;
  Adam adam;
  ExponentialMovingAverage average;
};

struct Fault {
  void (*make)(const FlatParameters&);
  bool loss_is_finite, gradient_is_finite;
};

void check_nothing_changes(kernels::Device* device) {
  for (const Fault& fault :
       {Fault{make_loss_infinite, false, false}, Fault{make_gradient_infinite, true, false},
        Fault{make_only_loss_infinite, false, true}}) {
    CAPTURE(fault.loss_is_finite, fault.gradient_is_finite);
    Training training(smallest_config());
    const Tensor values = training.model.parameters().values();
    {
      const auto good = training.stepper(device);
      REQUIRE(good->run(0, 1, 0).front().applied);
      good->update_host();
    }
    const Tensor average = training.average.average().clone();
    const Tensor first = training.adam.first_moment().clone();
    const Tensor second = training.adam.second_moment().clone();
    fault.make(training.model.parameters());
    const Tensor before = values.clone();
    const auto stepper = training.stepper(device);
    const StepResult& result = stepper->run(1, 1, 0).front();
    stepper->update_host();
    CHECK(!result.applied);
    CHECK(std::isfinite(result.loss) == fault.loss_is_finite);
    CHECK(std::isfinite(result.gradient_norm) == fault.gradient_is_finite);
    CHECK(contains(result.failure,
                   fault.gradient_is_finite ? "the loss is not" : "the gradient of 'student."));
    CHECK(contains(result.failure, "image"));
    CHECK(std::equal(before.values<float>().begin(), before.values<float>().end(),
                     values.values<float>().begin()));
    CHECK(furthest(training.average.average(), average) == 0);
    CHECK(furthest(training.adam.first_moment(), first) == 0);
    CHECK(furthest(training.adam.second_moment(), second) == 0);
    CHECK(training.adam.steps() == 1);
  }
}

TEST_CASE("skipped updates: where loss or gradient is not finite, nothing changes", "[skipped]") {
  check_nothing_changes(nullptr);
}

TEST_CASE("skipped updates: neither do they on a device", "[skipped][device]") {
  for_each_device([](kernels::Device& device, CaseSize) { check_nothing_changes(&device); });
}

/// A phase whose next update can be made to be skipped.
class Poisoned {
 public:
  explicit Poisoned(int max_bad_steps)
      : config_(smallest_config(
            {"train.total_iter=100", "train.max_bad_steps=" + std::to_string(max_bad_steps)})),
        data_(training_images(config_)),
        run_(config_, TrainingPhase::baseline, nullptr, data_, pool_, nullptr) {}
  void good() {
    REQUIRE(run_.run(1).front().applied);
    run_.check_progress();
  }
  void bad() {
    const Tensor values = run_.model().parameters().values();
    const Tensor before = values.clone();
    make_loss_infinite(run_.model().parameters());
    REQUIRE(!run_.run(1).front().applied);
    values.copy_from(before);
    run_.check_progress();
  }
  PhaseRun& run() { return run_; }
  const TrainConfig& config() const { return config_; }
  const TrainingData& data() const { return data_; }
  ThreadPool& pool() { return pool_; }

 private:
  TrainConfig config_;
  const TrainingData& data_;
  ThreadPool pool_{1};
  PhaseRun run_;
};

TEST_CASE("skipped updates: only so many in a row end a run", "[skipped]") {
  for (const int most : {1, 2, 3}) {
    CAPTURE(most);
    Poisoned phase(most);
    for (int round = 0; round < 3; ++round) {
      for (int i = 1; i < most; ++i) {
        CHECK_NOTHROW(phase.bad());
      }
      CHECK_NOTHROW(phase.good());
    }
    for (int i = 1; i < most; ++i) {
      CHECK_NOTHROW(phase.bad());
    }
    const std::int64_t done = phase.run().iteration();
    const Error error = thrown([&] { phase.bad(); });
    CHECK(error.kind() == ErrorKind::numeric);
    CHECK(contains(error.what(), message("baseline iteration ", done + 1, ": ")));
    CHECK(contains(error.what(), message("; ", most, " such steps in a row")));
    CHECK(phase.run().checkpoint().adam_steps == 3);
  }
}

TEST_CASE("skipped updates: those before a checkpoint count in the resumed run, also on a device",
          "[skipped][device]") {
  Poisoned phase(3);
  phase.good();
  phase.bad();
  phase.bad();
  Checkpoint checkpoint = phase.run().checkpoint();
  CHECK(checkpoint.bad_steps == 2);
  CHECK(checkpoint.iteration == 3);
  CHECK(checkpoint.adam_steps == 1);
  for (const std::string name :
       {"weights.student.feature.weight", "weights.student.shrink.weight"}) {
    const Tensor bad = Tensor::full(checkpoint.tensors.at(name).shape(), 3e38);
    checkpoint.tensors.at(name) = bad;
  }
  kernels::emulator::EmulatedDevice emulated;
  for (kernels::Device* const device :
       std::vector<kernels::Device*>{nullptr, static_cast<kernels::Device*>(&emulated)}) {
    CAPTURE(device != nullptr);
    PhaseRun resumed(phase.config(), checkpoint, "x", phase.data(), phase.pool(), device);
    CHECK(resumed.run(10).size() == 1);
    CHECK(contains(thrown([&] { resumed.check_progress(); }).what(), "3 such steps in a row"));
    checkpoint.bad_steps = 0;
    PhaseRun fresh(phase.config(), checkpoint, "x", phase.data(), phase.pool(), device);
    const std::size_t made = fresh.run(2).size();
    CHECK(made == (device == nullptr ? 1 : 2));
    CHECK_NOTHROW(fresh.check_progress());
    checkpoint.bad_steps = 2;
  }
}

}  // namespace
}  // namespace pisr
