// Updates against a second, slow account of them: the formulas of the paper in double, with the
// numbers of the configuration put in by hand. A key that is ignored, or stands where its neighbour
// should, gives other weights.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <iostream>
#include <numbers>
#include <span>
#include <string>
#include <vector>

#include "kernels/emulator/emulated_device.h"
#include "pisr/data/sampler.h"
#include "pisr/train/phase_run.h"
#include "tests/catch.h"
#include "tests/pisr/train/small_run.h"
#include "tests/worse.h"

namespace pisr {
namespace {

constexpr int kUpdates = 4;

/// What training has come to.
struct Account {
  std::vector<double> weights, first_moment, second_moment, average;
  std::vector<kernels::StepValues> steps;
  std::vector<double> rates;
};

const PhaseOverride& own_values(const TrainConfig& config, TrainingPhase phase) {
  return phase == TrainingPhase::baseline  ? config.train.baseline
         : phase == TrainingPhase::teacher ? config.train.teacher
                                           : config.train.student;
}

double rate_of(const TrainConfig& config, TrainingPhase phase, std::int64_t iteration) {
  const PhaseOverride& own = own_values(config, phase);
  const double total = static_cast<double>(own.total_iter.value_or(config.train.total_iter));
  const double first = own.learning_rate.value_or(config.train.learning_rate);
  const double last = own.final_learning_rate.value_or(config.train.final_learning_rate);
  const double epoch =
      std::min(static_cast<double>(own.epoch_iterations.value_or(config.train.epoch_iterations)),
               std::max(1.0, std::floor(total / 1000)));
  const double done = std::floor(static_cast<double>(iteration) / epoch) * epoch / total;
  return last + (first - last) * (1 + std::cos(std::numbers::pi * done)) / 2;
}

std::unique_ptr<Teacher> teacher_for(const TrainConfig& config, TrainingPhase phase) {
  return phase == TrainingPhase::student ? drawn_teacher(config) : nullptr;
}

Account account_of(const TrainConfig& config, TrainingPhase phase) {
  const TrainingData& data = training_images(config);
  const PhaseModel model(config, phase, teacher_for(config, phase));
  // A teacher sees other batches than its student.
  const BatchSampler sampler(
      data.train, phase == TrainingPhase::teacher ? ~config.manual_seed : config.manual_seed,
      config.train.gt_size);
  const std::int64_t batch = config.train.batch_size;
  const Tensor high = Tensor::empty({batch, 1, sampler.gt_size(), sampler.gt_size()});
  const Tensor low = Tensor::empty({batch, 1, sampler.low_size(), sampler.low_size()});
  const std::span<float> values = model.parameters().values().values<float>();
  Account account;
  account.weights.assign(values.begin(), values.end());
  account.average = account.weights;
  account.first_moment.assign(values.size(), 0);
  account.second_moment.assign(values.size(), 0);
  Context context;
  Tape tape(context);
  for (int update = 0; update < kUpdates; ++update) {
    for (std::int64_t i = 0; i < batch; ++i) {
      sampler.sample(update * batch + i, high.data<float>() + i * high.count() / batch,
                     low.data<float>() + i * low.count() / batch);
    }
    std::copy(account.weights.begin(), account.weights.end(), values.begin());
    tape.reset();
    const PhaseModel::Losses losses = model.losses(tape, high, low);
    const Tensor gradient = model.parameters().make_gradient();
    tape.backward(losses.total, gradient);
    double squares = 0;
    for (const float g : gradient.values<float>()) {
      squares += static_cast<double>(g) * g;
    }
    const double norm = std::sqrt(squares);
    account.steps.push_back({losses.total.value().item(), losses.reconstruction.value().item(),
                             losses.auxiliary.defined() ? losses.auxiliary.value().item() : 0,
                             norm});
    const double longest = config.train.gradient_clip;
    const double shrink = longest > 0 && norm > longest ? longest / norm : 1;
    const double rate = rate_of(config, phase, update);
    account.rates.push_back(rate);
    const double beta1 = config.train.adam_beta1;
    const double beta2 = config.train.adam_beta2;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const double g = shrink * gradient.values<float>()[i];
      double& m = account.first_moment[i];
      double& v = account.second_moment[i];
      m = beta1 * m + (1 - beta1) * g;
      v = beta2 * v + (1 - beta2) * g * g;
      const double m_hat = m / (1 - std::pow(beta1, update + 1));
      const double v_hat = v / (1 - std::pow(beta2, update + 1));
      account.weights[i] -= rate * m_hat / (std::sqrt(v_hat) + config.train.adam_epsilon);
      if (config.train.ema > 0) {
        account.average[i] =
            config.train.ema * account.average[i] + (1 - config.train.ema) * account.weights[i];
      }
    }
  }
  if (config.train.ema == 0) {
    account.average.clear();
  }
  return account;
}

Account training_of(const TrainConfig& config, TrainingPhase phase, kernels::Device* device) {
  const TrainingData& data = training_images(config);
  ThreadPool pool(config.threads);
  PhaseRun run(config, phase, teacher_for(config, phase), data, pool, device);
  Account account;
  while (run.iteration() < kUpdates) {
    for (const StepResult& result : run.run(kUpdates - run.iteration())) {
      CHECK(result.applied);
      account.steps.push_back(result);
    }
  }
  for (int update = 0; update < kUpdates; ++update) {
    account.rates.push_back(run.learning_rate(update));
  }
  const Checkpoint checkpoint = run.checkpoint();
  CHECK(checkpoint.adam_steps == kUpdates);
  const auto numbers = [](const Tensor& tensor) {
    return std::vector<double>(tensor.values<float>().begin(), tensor.values<float>().end());
  };
  account.weights = numbers(run.model().parameters().values());
  account.first_moment = numbers(checkpoint.tensors.at("adam.first"));
  account.second_moment = numbers(checkpoint.tensors.at("adam.second"));
  if (checkpoint.tensors.contains("ema")) {
    account.average = numbers(checkpoint.tensors.at("ema"));
  }
  return account;
}

double furthest(const std::vector<double>& a, const std::vector<double>& b) {
  if (a.size() != b.size()) {
    return INFINITY;
  }
  double worst = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    worst = worse(worst, std::abs(a[i] - b[i]));
  }
  return worst;
}

/// The largest difference of two accounts, in units of what fp32 makes of such numbers: below 1
/// they are the same.
double difference(const Account& a, const Account& b) {
  double worst = std::max(
      {furthest(a.weights, b.weights) / 2e-6, furthest(a.average, b.average) / 2e-6,
       furthest(a.first_moment, b.first_moment) / 1e-6,
       furthest(a.second_moment, b.second_moment) / 1e-6, furthest(a.rates, b.rates) / 1e-12});
  for (std::size_t i = 0; i < a.steps.size(); ++i) {
    for (const auto value :
         {&kernels::StepValues::loss, &kernels::StepValues::reconstruction,
          &kernels::StepValues::auxiliary, &kernels::StepValues::gradient_norm}) {
      worst = worse(worst, std::abs(a.steps[i].*value - b.steps[i].*value) / 2e-5);
    }
  }
  return worst;
}

/// Numbers that are far from each other, and an epsilon that is larger than the rounding of a
/// gradient.
TrainConfig config_with(const std::vector<std::string>& more) {
  std::vector<std::string> settings{
      "train.learning_rate=0.004",  "train.final_learning_rate=0.0005",
      "train.adam_epsilon=0.001",   "train.distillation_weight=0.02",
      "train.imitation_weight=0.2", "train.weight_transfer=false"};
  settings.insert(settings.end(), more.begin(), more.end());
  return smallest_config(settings);
}

TEST_CASE("updates: each key that they depend on does what it says", "[updates]") {
  const std::vector<std::string> of_all = {"train.batch_size=3",
                                           "train.gt_size=12",
                                           "train.learning_rate=0.008",
                                           "train.final_learning_rate=0.002",
                                           "train.total_iter=9",
                                           "train.adam_beta1=0.6",
                                           "train.adam_beta2=0.9",
                                           "train.adam_epsilon=0.1",
                                           "train.gradient_clip=0.01",
                                           "train.ema=0.7",
                                           "manual_seed=6",
                                           "network.init=he",
                                           "network.zero_last=true",
                                           "network.d=5",
                                           "network.s=2",
                                           "network.m=2",
                                           "network.slope_per_channel=true",
                                           "network.architecture=plain",
                                           "network.scale=4",
                                           "data.built_in.seed=1",
                                           "data.built_in.count=2",
                                           "data.built_in.size=28"};
  for (const TrainingPhase phase : kTrainingPhases) {
    const std::string own = "train." + std::string(phase_name(phase)) + ".";
    std::vector<std::string> settings = of_all;
    settings.insert(settings.end(), {own + "total_iter=5", own + "learning_rate=0.006",
                                     own + "final_learning_rate=0.001"});
    if (phase == TrainingPhase::teacher) {
      settings.emplace_back("train.imitation_weight=0.9");
      settings.emplace_back("train.hourglass=false");
    }
    if (phase == TrainingPhase::student) {
      settings.insert(
          settings.end(),
          {"train.distillation=none", "train.distillation=mae", "train.distillation=gaussian",
           "train.distillation_place=image", "train.hourglass=false",
           "train.distillation_weight=0.2", "train.weight_transfer=true"});
    }
    const Account base = account_of(config_with({}), phase);
    for (const std::string& setting : settings) {
      CAPTURE(phase_name(phase), setting);
      const bool plain = setting == "network.architecture=plain";
      const TrainConfig config =
          plain ? parse_config(R"({"network": {"architecture": "plain", "c": 5, "n": 1},
                    "data": {"built_in": {"count": 3, "validation_count": 1, "size": 32}},
                    "train": {"batch_size": 2, "gt_size": 8, "total_iter": 6}, "threads": 1})",
                               "test", {"train.adam_epsilon=0.001"})
                : config_with({setting});
      const Account wanted = account_of(config, phase);
      const Account got = training_of(config, phase, nullptr);
      CHECK(difference(got, wanted) < 1);
      CHECK(difference(wanted, base) > 5);  // so the key is seen at all
    }
    // What is said of another phase, or of what this one has not, changes nothing.
    for (const TrainingPhase other : kTrainingPhases) {
      if (other == phase) {
        continue;
      }
      const std::string its = "train." + std::string(phase_name(other)) + ".";
      CAPTURE(phase_name(phase), its);
      CHECK(difference(training_of(config_with({its + "total_iter=5", its + "learning_rate=0.006",
                                                its + "final_learning_rate=0.001",
                                                its + "epoch_iterations=1"}),
                                   phase, nullptr),
                       base) < 1);
    }
    if (phase != TrainingPhase::teacher) {
      CHECK(difference(training_of(config_with({"train.imitation_weight=0.9"}), phase, nullptr),
                       base) < 1);
    }
    if (phase != TrainingPhase::student) {
      CHECK(difference(training_of(config_with({"train.distillation=gaussian",
                                                "train.distillation_weight=0.2",
                                                "train.weight_transfer=true"}),
                                   phase, nullptr),
                       base) < 1);
    }
  }
}

TEST_CASE("updates: a device makes them by the same numbers", "[updates][device]") {
  kernels::emulator::EmulatedDevice device;
  for (const TrainingPhase phase : kTrainingPhases) {
    for (const std::vector<std::string>& settings : std::vector<std::vector<std::string>>{
             {"train.adam_beta1=0.6", "train.adam_beta2=0.9", "train.adam_epsilon=0.01",
              "train.ema=0.7", "train.batch_size=3"},
             {"train.gradient_clip=0.01", "train.gt_size=12", "manual_seed=6", "train.total_iter=9",
              "train.distillation=mae"}}) {
      CAPTURE(phase_name(phase), settings.front());
      const TrainConfig config = config_with(settings);
      CHECK(difference(training_of(config, phase, &device), account_of(config, phase)) < 1);
    }
  }
}

TEST_CASE("updates: the learning rate of a phase from its first to its last iteration",
          "[updates]") {
  const TrainConfig config = smallest_config(
      {"train.total_iter=7000", "train.learning_rate=0.01", "train.final_learning_rate=0.001",
       "train.epoch_iterations=5", "train.teacher.total_iter=4000",
       "train.teacher.learning_rate=0.02", "train.student.final_learning_rate=0.002",
       "train.student.epoch_iterations=3", "train.weight_transfer=false",
       "train.distillation=none"});
  const TrainingData& data = training_images(config);
  ThreadPool pool(1);
  for (const TrainingPhase phase : kTrainingPhases) {
    CAPTURE(phase_name(phase));
    const PhaseRun run(config, phase, nullptr, data, pool, nullptr);
    const bool teacher = phase == TrainingPhase::teacher;
    const bool student = phase == TrainingPhase::student;
    CHECK(run.total_iterations() == (teacher ? 4000 : 7000));
    CHECK(run.learning_rate(0) == Approx(teacher ? 0.02 : 0.01).epsilon(1e-12));
    CHECK(run.learning_rate(run.total_iterations()) == (student ? 0.002 : 0.001));
    const std::int64_t epoch = teacher ? 4 : student ? 3 : 5;
    CHECK(run.learning_rate(epoch - 1) == run.learning_rate(0));
    CHECK(run.learning_rate(epoch) < run.learning_rate(0));
    for (const std::int64_t iteration : {1, 4, 5, 6, 999, 2000, 3500, 3999}) {
      CHECK(run.learning_rate(iteration) ==
            Approx(rate_of(config, phase, iteration)).epsilon(1e-12));
    }
  }
}

}  // namespace
}  // namespace pisr
