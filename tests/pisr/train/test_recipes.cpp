// Ways to train that are not PISR's own: without the hourglass, distilling images, another start.

#include <filesystem>
#include <string>
#include <vector>

#include "nn/init.h"
#include "pisr/model/weights.h"
#include "tests/catch.h"
#include "tests/pisr/train/small_run.h"
#include "tests/temporary_folder.h"
#include "tests/thrown.h"

namespace pisr {
namespace {

namespace fs = std::filesystem;

Checkpoint checkpoint_of(const fs::path& run, TrainingPhase phase, std::int64_t iteration) {
  return read_checkpoint(run / "checkpoints" / checkpoint_name(phase, iteration));
}

}  // namespace

TEST_CASE("recipes: the last layer begins as zero, so Plain begins as its input repeated",
          "[recipes]") {
  for (const char* const expanded : {"0", "8"}) {
    CAPTURE(expanded);
    const TrainConfig plain =
        parse_config(R"({"network": {"architecture": "plain", "c": 4, "n": 1, "zero_last": true}})",
                     "test", {std::string("network.expanded_channels=") + expanded});
    const PhaseModel model(plain, TrainingPhase::baseline);
    Context context;
    Tape tape(context, Tape::Mode::inference);
    const Tensor low = Tensor::empty({1, 1, 2, 3});
    float next = 0.1F;
    for (float& value : low.values<float>()) {
      value = next;
      next += 0.1F;
    }
    const Tensor image = model.trained().image(tape.constant(low)).value();
    for (std::int64_t y = 0; y < 4; ++y) {
      for (std::int64_t x = 0; x < 6; ++x) {
        CHECK(image.data<float>()[y * 6 + x] == low.data<float>()[y / 2 * 3 + x / 2]);
      }
    }
    // All layers before it are drawn, and it learns.
    Tape training(context);
    const Tensor high = Tensor::full({1, 1, 4, 6}, 0.5F);
    const Tensor gradient = model.parameters().make_gradient();
    training.backward(model.losses(training, high, low).total, gradient);
    std::int64_t drawn = 0;
    for (const FlatParameters::Entry& entry : model.parameters().entries()) {
      CAPTURE(entry.name);
      const auto largest = [](const Tensor& tensor) {
        return furthest(tensor, Tensor::zeros(tensor.shape()));
      };
      const bool last = entry.name == "student.tail.weight" || entry.name == "student.tail.bias" ||
                        entry.name == "student.tail.projection";
      CHECK((largest(FlatParameters::part(model.parameters().values(), entry)) == 0) == last);
      CHECK((!last || largest(FlatParameters::part(gradient, entry)) > 0));
      drawn += last ? 0 : 1;
    }
    CHECK(drawn > 0);
  }
}

TEST_CASE("recipes: a teacher without the hourglass, and a student of it, resumed too",
          "[recipes]") {
  const TemporaryFolder folder;
  const fs::path whole = folder.path() / "whole";
  const std::vector<std::string> settings{"train.phase=all", "train.hourglass=false",
                                          "train.weight_transfer=false", "train.distillation=mae",
                                          "train.save_checkpoint_freq=2"};
  const TrainConfig config = smallest_config(settings);
  const Told told = told_by_training(config, whole);
  for (const StepReport& report : told.reports) {
    CHECK(std::string(report.auxiliary_name) ==
          (report.phase == TrainingPhase::teacher ? "" : "distillation"));
  }
  CHECK(!load_teacher(whole / "teacher.safetensors")->hourglass());
  for (const TrainingPhase phase : {TrainingPhase::teacher, TrainingPhase::student}) {
    CAPTURE(phase_name(phase));
    const fs::path parts = folder.path() / phase_name(phase);
    const RunDirectory run(parts, RunMode::fresh);
    train(config, run, training_images(config), ResumePoint{checkpoint_of(whole, phase, 2), "c"},
          {});
    const Checkpoint wanted = checkpoint_of(whole, TrainingPhase::student, 6);
    const Checkpoint got = checkpoint_of(parts, TrainingPhase::student, 6);
    REQUIRE(got.tensors.size() == wanted.tensors.size());
    for (const auto& [name, tensor] : wanted.tensors) {
      CAPTURE(name);
      CHECK(furthest(got.tensors.at(name), tensor) == 0);
    }
  }
}

TEST_CASE("recipes: what does not go without the hourglass is refused at the start", "[recipes]") {
  const TemporaryFolder folder;
  const auto failure = [&](const std::vector<std::string>& settings, ErrorKind kind) {
    const fs::path out = folder.path() / "run";
    const Error error = thrown([&] { told_by_training(smallest_config(settings), out); });
    CHECK(error.kind() == kind);
    CHECK(!fs::exists(out / "config.json"));
    return std::string(error.what());
  };
  CHECK(failure({"train.phase=all", "train.hourglass=false"}, ErrorKind::usage) ==
        "student: train.weight_transfer must be false where train.hourglass is: a teacher that "
        "keeps the size has no decoder");
  const TrainConfig idn = parse_config(
      R"({"network": {"architecture": "idn", "blocks": 1}, "train": {"hourglass": false}})", "t");
  CHECK_THROWS_WITH(PhaseModel(idn, TrainingPhase::teacher),
                    "idn: has no form that keeps the size of the image");
  CHECK_NOTHROW(PhaseModel(smallest_config({"train.hourglass=false"}), TrainingPhase::baseline));

  const fs::path path = folder.path() / "teacher.safetensors";
  save_weights(path, *drawn_teacher(smallest_config()));
  CHECK(failure({"train.phase=student", "train.hourglass=false", "train.weight_transfer=false",
                 "train.teacher_weights=" + path.string()},
                ErrorKind::weights) ==
        "student: its teacher must be one without the hourglass, as train.hourglass says");
  save_weights(path, *drawn_teacher(smallest_config({"train.hourglass=false"})));
  CHECK(failure({"train.phase=student", "train.teacher_weights=" + path.string()},
                ErrorKind::weights) ==
        "student: its teacher must be one with the hourglass, as train.hourglass says");
}

TEST_CASE("recipes: a student learns from the teacher's image", "[recipes]") {
  for (const bool hourglass : {true, false}) {
    const TrainConfig config = smallest_config(
        {"train.distillation=mae", "train.distillation_place=image", "train.weight_transfer=false",
         std::string("train.hourglass=") + (hourglass ? "true" : "false")});
    const PhaseModel model(config, TrainingPhase::student, drawn_teacher(config));
    Context context;
    Tape tape(context);
    const Tensor high = Tensor::full({1, 1, 8, 8}, 0.7F);
    const Tensor low = Tensor::full({1, 1, 4, 4}, 0.7F);
    const PhaseModel::Losses losses = model.losses(tape, high, low);
    const Tensor taught = drawn_teacher(config)->image(tape.constant(high)).value();
    const Tensor image = model.trained().image(tape.constant(low)).value();
    double wanted = 0;
    for (std::int64_t i = 0; i < 64; ++i) {
      wanted +=
          std::abs(static_cast<double>(taught.data<float>()[i]) - image.data<float>()[i]) / 64;
    }
    CHECK(losses.auxiliary.value().item() == Approx(wanted).epsilon(1e-4));
    // An estimator of an image has its one channel.
    const TrainConfig estimated = smallest_config({"train.distillation_place=image"});
    const PhaseModel with_estimator(estimated, TrainingPhase::student, drawn_teacher(estimated));
    const auto& entries = with_estimator.parameters().entries();
    CHECK(std::ranges::any_of(entries, [](const FlatParameters::Entry& entry) {
      return entry.name == "estimator.location.0.weight" && entry.shape == Shape{1, 1, 1, 1};
    }));
  }
}

}  // namespace pisr
