// The loss of each update: the last ones' own, and a distillation that falls or ends.

#include <cmath>
#include <numbers>
#include <string>
#include <vector>

#include "pisr/train/loss_schedule.h"
#include "pisr/train/phase_run.h"
#include "tests/catch.h"
#include "tests/devices.h"
#include "tests/pisr/train/small_run.h"
#include "tests/temporary_folder.h"

namespace pisr {
namespace {

LossSchedule schedule_of(TrainingPhase phase, const std::vector<std::string>& more) {
  std::vector<std::string> settings{"train.total_iter=4000", "train.distillation_weight=2",
                                    "train.epoch_iterations=4"};
  settings.insert(settings.end(), more.begin(), more.end());
  return {smallest_config(settings), phase};
}

Tensor image(double first) {
  const Tensor result = Tensor::empty({1, 1, 4, 4}, DType::f64);
  double value = first;
  for (double& pixel : result.values<double>()) {
    pixel = value;
    value = std::fmod(value * 1.7 + 0.13, 1.0);
  }
  return result;
}

}  // namespace

TEST_CASE("loss schedule: by default every update has the same loss", "[loss_schedule]") {
  for (const TrainingPhase phase : kTrainingPhases) {
    const LossSchedule schedule = schedule_of(phase, {});
    const bool student = phase == TrainingPhase::student;
    for (const std::int64_t iteration : {0, 1, 2000, 3999}) {
      const LossSettings settings = schedule.at(iteration);
      CHECK(settings.reconstruction == Reconstruction::l1);
      CHECK(settings.distils == student);
      CHECK(settings.distillation_weight == (student ? 2 : 0));
    }
  }
  CHECK(!schedule_of(TrainingPhase::student, {"train.distillation=none"}).at(0).distils);
}

TEST_CASE("loss schedule: the last updates have a loss of their own", "[loss_schedule]") {
  for (const TrainingPhase phase : kTrainingPhases) {
    const LossSchedule schedule =
        schedule_of(phase, {"train.last_loss=l2", "train.last_loss_share=0.25"});
    CHECK(schedule.at(2999).reconstruction == Reconstruction::l1);
    CHECK(schedule.at(3000).reconstruction == Reconstruction::l2);
    CHECK(schedule.at(3999).reconstruction == Reconstruction::l2);
  }
  CHECK(schedule_of(TrainingPhase::baseline,
                    {"train.last_loss=charbonnier", "train.last_loss_share=1"})
            .at(0)
            .reconstruction == Reconstruction::charbonnier);
  CHECK(schedule_of(TrainingPhase::baseline, {"train.last_loss=l2", "train.last_loss_share=0"})
            .at(3999)
            .reconstruction == Reconstruction::l1);
}

TEST_CASE("loss schedule: the distillation ends, and falls until then", "[loss_schedule]") {
  const auto weight = [](const std::string& decay, std::int64_t iteration) {
    const LossSettings settings =
        schedule_of(TrainingPhase::student,
                    {"train.distillation_until=0.5", "train.distillation_decay=" + decay})
            .at(iteration);
    CHECK(settings.distils == (iteration < 2000));
    return settings.distillation_weight;
  };
  for (const std::string decay : {"none", "linear", "cosine"}) {
    CAPTURE(decay);
    CHECK(weight(decay, 0) == 2);
    CHECK(weight(decay, 2000) == 0);
    CHECK(weight(decay, 3999) == 0);
    // In steps of 4 updates.
    CHECK(weight(decay, 1003) == weight(decay, 1000));
  }
  CHECK(weight("none", 1999) == 2);
  CHECK(weight("linear", 1000) == Approx(1));
  CHECK(weight("linear", 1500) == Approx(0.5));
  CHECK(weight("cosine", 1000) == Approx(1));
  CHECK(weight("cosine", 1500) == Approx(1 + std::cos(std::numbers::pi * 0.75)));
  const LossSchedule never = schedule_of(TrainingPhase::student, {"train.distillation_until=0"});
  CHECK(!never.at(0).distils);
}

TEST_CASE("reconstruction losses are what they say, and so are their sums", "[loss_schedule]") {
  Context context(Backend::naive);
  Tape tape(context);
  const Tensor got = image(0.1);
  const Tensor high = image(0.6);
  const SrNetwork::Result student{tape.leaf(got), tape.leaf(image(0.3))};
  const Tensor taught = image(0.8);
  double l1 = 0;
  double l2 = 0;
  double charbonnier = 0;
  double distillation = 0;
  for (int i = 0; i < 16; ++i) {
    const double d = got.data<double>()[i] - high.data<double>()[i];
    l1 += std::abs(d) / 16;
    l2 += d * d / 16;
    charbonnier += std::sqrt(d * d + 1e-6) / 16;
    distillation +=
        std::abs(student.feature.value().data<double>()[i] - taught.data<double>()[i]) / 16;
  }
  for (const auto& [kind, wanted] : {std::pair{Reconstruction::l1, l1},
                                     {Reconstruction::l2, l2},
                                     {Reconstruction::charbonnier, charbonnier}}) {
    const StudentLoss alone =
        student_loss(student, tape.constant(high), Distillation::none, {}, nullptr, 0, kind);
    CHECK(alone.total.value().item() == Approx(wanted));
    CHECK(alone.reconstruction.value().item() == Approx(wanted));
    CHECK(!alone.distillation.defined());
    const StudentLoss both = student_loss(student, tape.constant(high), Distillation::mae,
                                          tape.constant(taught), nullptr, 0.3, kind);
    CHECK(both.total.value().item() == Approx(wanted + 0.3 * distillation));
    CHECK(both.reconstruction.value().item() == Approx(wanted));
    CHECK(both.distillation.value().item() == Approx(distillation));
  }
}

TEST_CASE("loss schedule: updates have the loss of their iteration, on a device too",
          "[loss_schedule][device]") {
  const std::vector<std::string> settings{
      "train.total_iter=6",           "train.last_loss=l2",
      "train.last_loss_share=0.34",   "train.distillation=mae",
      "train.distillation_until=0.7", "train.distillation_decay=linear",
      "train.distillation_weight=0.5"};
  const TrainConfig config = smallest_config(settings);
  const auto steps_of = [](const TrainConfig& of, kernels::Device* device) {
    const TrainingData& data = training_images(of);
    ThreadPool pool(1);
    PhaseRun run(of, TrainingPhase::student, drawn_teacher(of), data, pool, device);
    std::vector<StepResult> steps;
    while (!run.done()) {
      for (const StepResult& step : run.run(run.total_iterations() - run.iteration())) {
        REQUIRE(step.applied);
        steps.push_back(step);
      }
    }
    return steps;
  };
  const std::vector<StepResult> wanted = steps_of(config, nullptr);
  REQUIRE(wanted.size() == 6);
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    CAPTURE(i);
    const LossSettings loss =
        LossSchedule(config, TrainingPhase::student).at(static_cast<std::int64_t>(i));
    CHECK(wanted[i].loss ==
          Approx(wanted[i].reconstruction + loss.distillation_weight * wanted[i].auxiliary));
    CHECK((wanted[i].auxiliary > 0) == (i < 4));
  }
  // Up to there it is what it is without the other loss; of differences below 1 the squares are
  // smaller, but their mean is not below the square of the mean.
  std::vector<std::string> without = settings;
  without.emplace_back("train.last_loss=l1");
  const std::vector<StepResult> l1 = steps_of(smallest_config(without), nullptr);
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(l1[i].loss == wanted[i].loss);
  }
  CHECK(wanted[4].reconstruction < l1[4].reconstruction);
  CHECK(wanted[4].reconstruction >= l1[4].reconstruction * l1[4].reconstruction);
  for_each_device([&](kernels::Device& device, CaseSize) {
    const std::vector<StepResult> got = steps_of(config, &device);
    REQUIRE(got.size() == wanted.size());
    for (std::size_t i = 0; i < got.size(); ++i) {
      CAPTURE(i);
      CHECK(got[i].loss == Approx(wanted[i].loss).epsilon(1e-4));
      CHECK(got[i].reconstruction == Approx(wanted[i].reconstruction).epsilon(1e-4));
      CHECK(got[i].auxiliary == Approx(wanted[i].auxiliary).epsilon(1e-4));
    }
  });
}

}  // namespace pisr
