// What a phase minimises and where it starts: every term of its loss with its own weight, and the
// weights that the configuration asks for.

#include <cmath>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "pisr/data/sampler.h"
#include "pisr/model/weights.h"
#include "tests/catch.h"
#include "tests/pisr/train/small_run.h"

namespace pisr {
namespace {

// Neither is the other, nor near 1 or 0.
constexpr double kImitationWeight = 0.3;
constexpr double kDistillationWeight = 0.07;

TrainConfig weighted_config(const std::vector<std::string>& more = {}) {
  std::vector<std::string> settings{"train.imitation_weight=0.3", "train.distillation_weight=0.07"};
  settings.insert(settings.end(), more.begin(), more.end());
  return smallest_config(settings);
}

/// The first `count` patches of the training data as one batch.
struct Batch {
  Batch(const TrainConfig& config, std::int64_t count)
      : data(training_images(config)),
        high(Tensor::empty({count, 1, config.train.gt_size, config.train.gt_size})),
        low(Tensor::empty({count, 1, config.train.gt_size / 2, config.train.gt_size / 2})) {
    const BatchSampler sampler(data.train, 9, config.train.gt_size);
    for (std::int64_t i = 0; i < count; ++i) {
      sampler.sample(i, high.data<float>() + i * high.count() / count,
                     low.data<float>() + i * low.count() / count);
    }
  }
  const TrainingData& data;
  Tensor high;
  Tensor low;
};

double mean_difference(const Tensor& a, const Tensor& b) {
  REQUIRE(a.shape() == b.shape());
  double sum = 0;
  for (std::int64_t i = 0; i < a.count(); ++i) {
    sum += std::abs(static_cast<double>(a.data<float>()[i]) - b.data<float>()[i]);
  }
  return sum / static_cast<double>(a.count());
}

struct Values {
  double total, reconstruction, auxiliary;
};

Values values_of(const PhaseModel& model, const Batch& batch) {
  Context context;
  Tape tape(context);
  const PhaseModel::Losses losses = model.losses(tape, batch.high, batch.low);
  return {losses.total.value().item(), losses.reconstruction.value().item(),
          losses.auxiliary.defined() ? losses.auxiliary.value().item() : NAN};
}

/// The model's estimator, which it does not show, from its parameters.
std::unique_ptr<Estimator> estimator_of(const PhaseModel& model, int channels) {
  std::map<std::string, Tensor> tensors;
  for (const FlatParameters::Entry& entry : model.parameters().entries()) {
    if (entry.name.starts_with("estimator.")) {
      tensors.emplace(entry.name, FlatParameters::part(model.parameters().values(), entry));
    }
  }
  auto estimator = std::make_unique<Estimator>(channels);
  load_parameters(*estimator, tensors, "estimator", "test");
  return estimator;
}

TEST_CASE("phase model: a teacher minimises reconstruction and the weighted imitation",
          "[phase_model]") {
  const TrainConfig config = weighted_config();
  const Batch batch(config, 2);
  const PhaseModel model(config, TrainingPhase::teacher);
  const Values got = values_of(model, batch);
  Context context;
  Tape tape(context);
  const auto& teacher = dynamic_cast<const Teacher&>(model.trained());
  const Teacher::Result result = teacher.forward(tape.constant(batch.high));
  const double reconstruction = mean_difference(result.image.value(), batch.high);
  const double imitation = mean_difference(result.compact.value(), batch.low);
  CHECK(got.reconstruction == Approx(reconstruction).epsilon(1e-5));
  CHECK(got.auxiliary == Approx(imitation).epsilon(1e-5));
  CHECK(got.total == Approx(reconstruction + kImitationWeight * imitation).epsilon(1e-5));
  CHECK(std::string(model.auxiliary_name()) == "imitation");
}

TEST_CASE("phase model: a student minimises reconstruction and the weighted distillation",
          "[phase_model]") {
  for (const std::string kind : {"none", "mae", "laplace", "gaussian"}) {
    CAPTURE(kind);
    const TrainConfig config = weighted_config({"train.distillation=" + kind});
    const Batch batch(config, 2);
    const PhaseModel model(config, TrainingPhase::student, drawn_teacher(config));
    const Values got = values_of(model, batch);
    Context context;
    Tape tape(context);
    const auto& student = dynamic_cast<const SrNetwork&>(model.trained());
    const SrNetwork::Result result = student.forward(tape.constant(batch.low));
    const double reconstruction = mean_difference(result.image.value(), batch.high);
    CHECK(got.reconstruction == Approx(reconstruction).epsilon(1e-5));
    if (kind == "none") {
      CHECK(std::isnan(got.auxiliary));
      CHECK(got.total == Approx(reconstruction).epsilon(1e-5));
      CHECK(std::string(model.auxiliary_name()).empty());
      continue;
    }
    CHECK(std::string(model.auxiliary_name()) == "distillation");
    // What the drawn teacher, not the student's start, makes of the truth.
    const Tensor target =
        drawn_teacher(config)->feature_of(tape.constant(batch.high)).value().clone();
    double distillation = 0;
    if (kind == "mae") {
      distillation = mean_difference(result.feature.value(), target);
    } else {
      const bool laplace = kind == "laplace";
      const auto estimator = estimator_of(model, student.feature_channels());
      const Estimator::Result estimate = estimator->forward(
          result.feature, laplace ? Distribution::laplace : Distribution::gaussian);
      const float* location = estimate.location.value().data<float>();
      const float* spread = estimate.spread.value().data<float>();
      for (std::int64_t i = 0; i < target.count(); ++i) {
        const double away = static_cast<double>(target.data<float>()[i]) - location[i];
        distillation += laplace ? std::log(2.0 * spread[i]) + std::abs(away) / spread[i]
                                : std::log(1.0 * spread[i]) / 2 + away * away / (2.0 * spread[i]);
      }
      distillation /= static_cast<double>(target.count());
    }
    CHECK(got.auxiliary == Approx(distillation).epsilon(1e-4));
    CHECK(got.total == Approx(reconstruction + kDistillationWeight * distillation).epsilon(1e-4));
    CHECK(std::abs(distillation) > 1e-3);
  }
}

TEST_CASE("phase model: a baseline minimises reconstruction alone", "[phase_model]") {
  const TrainConfig config = weighted_config({"train.distillation=laplace"});
  const Batch batch(config, 2);
  const PhaseModel model(config, TrainingPhase::baseline);
  const Values got = values_of(model, batch);
  CHECK(std::isnan(got.auxiliary));
  CHECK(got.total == got.reconstruction);
  CHECK(std::string(model.auxiliary_name()).empty());
}

TEST_CASE("phase model: a copy has the same losses", "[phase_model]") {
  for (const TrainingPhase phase : kTrainingPhases) {
    CAPTURE(phase_name(phase));
    const TrainConfig config = weighted_config();
    const Batch batch(config, 1);
    const PhaseModel model(config, phase,
                           phase == TrainingPhase::student ? drawn_teacher(config) : nullptr);
    const Values wanted = values_of(model, batch);
    const Values got = values_of(PhaseModel(model, nullptr), batch);
    CHECK(got.total == wanted.total);
    CHECK(got.reconstruction == wanted.reconstruction);
    CHECK((got.auxiliary == wanted.auxiliary || phase == TrainingPhase::baseline));
  }
}

TEST_CASE("phase model: weight transfer is what decides where a student starts", "[phase_model]") {
  for (const std::string kind : {"none", "mae", "laplace"}) {
    CAPTURE(kind);
    const auto student_of = [&](const char* transfer) {
      const TrainConfig config = smallest_config(
          {"train.distillation=" + kind, std::string("train.weight_transfer=") + transfer});
      return PhaseModel(config, TrainingPhase::student, drawn_teacher(config));
    };
    const TrainConfig config = smallest_config();
    const auto teacher = drawn_teacher(config);
    const PhaseModel baseline(config, TrainingPhase::baseline);
    REQUIRE(furthest(baseline.trained(), teacher->decoder()) > 0.01);
    const PhaseModel transferred = student_of("true");
    CHECK(furthest(transferred.trained(), teacher->decoder()) == 0);
    // Without it the student is a baseline's equal.
    CHECK(furthest(student_of("false").trained(), baseline.trained()) == 0);
    if (kind == "none") {
      CHECK(transferred.frozen_teacher() == nullptr);
    } else {
      CHECK(furthest(*transferred.frozen_teacher(), *teacher) == 0);
    }
  }
}

TEST_CASE("phase model: who needs a teacher", "[phase_model]") {
  for (const bool transfer : {false, true}) {
    for (const std::string kind : {"none", "mae", "laplace", "gaussian"}) {
      CAPTURE(transfer, kind);
      CHECK(needs_teacher(smallest_config(
                {"train.distillation=" + kind,
                 std::string("train.weight_transfer=") + (transfer ? "true" : "false")})) ==
            (transfer || kind != "none"));
    }
  }
}

TEST_CASE("phase model: initial weights are those of the seed and the way that are named",
          "[phase_model]") {
  for (const TrainingPhase phase : {TrainingPhase::baseline, TrainingPhase::teacher}) {
    for (const std::string init : {"uniform", "he"}) {
      for (const std::uint64_t seed : {std::uint64_t{5}, std::uint64_t{6}}) {
        CAPTURE(phase_name(phase), init, seed);
        const TrainConfig config =
            smallest_config({"network.init=" + init, "manual_seed=" + std::to_string(seed)});
        const PhaseModel model(config, phase);
        std::unique_ptr<ImageModel> wanted;
        if (phase == TrainingPhase::teacher) {
          wanted = std::make_unique<Teacher>(config.network);
        } else {
          wanted = make_network(config.network);
        }
        initialise(*wanted, seed, init == "he" ? Initialisation::he : Initialisation::uniform);
        CHECK(furthest(model.trained(), *wanted) == 0);
      }
    }
  }
  // The estimator is drawn from another seed than the student.
  const TrainConfig config = smallest_config({"train.weight_transfer=false"});
  const PhaseModel model(config, TrainingPhase::student, drawn_teacher(config));
  Estimator alike(4);
  initialise(alike, 5);
  CHECK(furthest(*estimator_of(model, 4), alike) > 0.01);
}

}  // namespace
}  // namespace pisr
