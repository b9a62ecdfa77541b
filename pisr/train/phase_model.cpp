#include "pisr/train/phase_model.h"

#include <array>
#include <utility>
#include <vector>

#include "nn/init.h"
#include "pisr/model/architectures.h"
#include "pisr/model/distillation.h"
#include "pisr/model/weights.h"

namespace pisr {
namespace {

/// "x2 NAME(56, 12, 4)", with all options where the title alone does not tell two apart.
std::string text(const NetworkSpec& spec, bool all) {
  std::string result =
      message("x", spec.scale, " ", title(spec), spec.channels == 3 ? " on RGB" : "");
  if (all) {
    for (const auto& [name, value] : spec.options) {
      const bool* const flag = std::get_if<bool>(&value);
      result += message(", ", name, " ",
                        flag == nullptr ? std::to_string(std::get<int>(value))
                        : *flag         ? "true"
                                        : "false");
    }
  }
  return result;
}

}  // namespace

bool needs_teacher(const TrainConfig& config) {
  return config.train.weight_transfer || config.train.distillation != Distillation::none;
}

std::unique_ptr<Teacher> make_teacher(const TrainConfig& config) {
  return std::make_unique<Teacher>(config.network, config.train.hourglass);
}

void check_teacher(const Teacher& teacher, const TrainConfig& config) {
  if (teacher.hourglass() != config.train.hourglass) {
    throw Error(ErrorKind::weights, message("student: its teacher must be one with",
                                            config.train.hourglass ? "" : "out",
                                            " the hourglass, as train.hourglass says"));
  }
  const NetworkSpec& wanted = config.network;
  const NetworkSpec& got = teacher.spec();
  if (got != wanted) {
    const bool all = text(got, false) == text(wanted, false);
    throw Error(ErrorKind::weights, message("student: its teacher's decoder must be ",
                                            text(wanted, all), ", got ", text(got, all)));
  }
}

PhaseModel::PhaseModel(const TrainConfig& config, TrainingPhase phase,
                       std::unique_ptr<Teacher> teacher)
    : phase_(phase),
      hourglass_(config.train.hourglass),
      imitation_weight_(config.train.imitation_weight),
      distillation_(phase == TrainingPhase::student ? config.train.distillation
                                                    : Distillation::none),
      place_(config.train.distillation_place),
      loss_schedule_(config, phase) {
  make_networks(config.network);
  Module& trained = phase == TrainingPhase::teacher ? static_cast<Module&>(*teacher_) : *student_;
  initialise(trained, config.manual_seed, config.network.init);
  if (config.network.zero_last) {
    zero_last_layer(trained);
  }
  if (config.network.start_as_interpolation) {
    phase == TrainingPhase::teacher ? teacher_->start_as_interpolation()
                                    : student_->start_as_interpolation();
  }
  if (estimator_ != nullptr) {
    // Another seed than the student's, so that no two layers start alike.
    initialise(*estimator_, ~config.manual_seed, config.network.init);
  }
  if (phase == TrainingPhase::student && config.train.weight_transfer && !hourglass_) {
    throw Error(ErrorKind::usage,
                "student: train.weight_transfer must be false where train.hourglass is: a teacher "
                "that keeps the size has no decoder");
  }
  if (phase == TrainingPhase::student && teacher != nullptr) {
    check_teacher(*teacher, config);
    if (config.train.weight_transfer) {
      copy_parameters(teacher->decoder(), *student_);
    }
  }
  if (distillation_ != Distillation::none) {
    if (teacher == nullptr) {
      throw Error(ErrorKind::weights, "student: distillation needs a teacher, there is none");
    }
    copy_parameters(*teacher, *teacher_);
  }
  gather(nullptr);
}

PhaseModel::PhaseModel(const PhaseModel& other, kernels::Device* device)
    : phase_(other.phase_),
      hourglass_(other.hourglass_),
      imitation_weight_(other.imitation_weight_),
      distillation_(other.distillation_),
      place_(other.place_),
      loss_schedule_(other.loss_schedule_) {
  make_networks(other.trained().spec());
  const auto copy = [](const Module* from, Module* to) {
    if (from != nullptr) {
      copy_parameters(*from, *to);
    }
  };
  copy(other.student_.get(), student_.get());
  copy(other.teacher_.get(), teacher_.get());
  copy(other.estimator_.get(), estimator_.get());
  gather(device);
}

void PhaseModel::make_networks(const NetworkSpec& spec) {
  if (phase_ != TrainingPhase::teacher) {
    student_ = make_network(spec);
  }
  if (phase_ == TrainingPhase::teacher || distillation_ != Distillation::none) {
    teacher_ = std::make_unique<Teacher>(spec, hourglass_);
  }
  if (needs_estimator(distillation_)) {
    estimator_ = std::make_unique<Estimator>(place_ == DistillationPlace::feature
                                                 ? student_->feature_channels()
                                                 : student_->spec().channels);
  }
}

/// Puts all parameters where they are used, those that are trained into one buffer.
void PhaseModel::gather(kernels::Device* device) {
  for (Module* const module :
       std::array<Module*, 3>{student_.get(), teacher_.get(), estimator_.get()}) {
    if (module != nullptr) {
      module->move_to(device);
    }
  }
  std::vector<NamedModule> trained;
  if (student_ != nullptr) {
    trained.push_back({"student", student_.get()});
  } else {
    trained.push_back({"teacher", teacher_.get()});
  }
  if (estimator_ != nullptr) {
    trained.push_back({"estimator", estimator_.get()});
  }
  if (frozen_teacher() != nullptr) {
    teacher_->set_trainable(false);
    frozen_ = teacher_->chain(place_ == DistillationPlace::feature ? NetworkEnd::feature
                                                                   : NetworkEnd::image);
  }
  parameters_ = std::make_unique<FlatParameters>(trained);
}

const ImageModel& PhaseModel::trained() const noexcept {
  if (phase_ == TrainingPhase::teacher) {
    return *teacher_;
  }
  return *student_;
}

std::vector<std::string> PhaseModel::start_from(const InitialWeights& weights) {
  return pisr::start_from(
      weights, phase_ == TrainingPhase::teacher ? static_cast<Module&>(*teacher_) : *student_);
}

/// Of the frozen teacher.
Variable PhaseModel::what_is_taught(Tape& tape, const Tensor& high) const {
  if (!frozen_) {
    return place_ == DistillationPlace::feature ? teacher_->feature_of(tape.constant(high))
                                                : teacher_->image(tape.constant(high));
  }
  const Tensor result = tape.result(frozen_->output_shape(high.shape()), high.dtype());
  frozen_->run(tape.context(), high, result);
  return tape.constant(result);
}

PhaseModel::Losses PhaseModel::losses(Tape& tape, const Tensor& high, const Tensor& low,
                                      const LossSettings& settings) const {
  const Variable y = tape.constant(high);
  const Variable x = tape.constant(low);
  if (phase_ == TrainingPhase::teacher) {
    const TeacherLoss loss =
        teacher_loss(teacher_->forward(y), y, x, imitation_weight_, settings.reconstruction);
    return {loss.total, loss.reconstruction, loss.imitation};
  }
  SrNetwork::Result student = student_->forward(x);
  if (!settings.distils) {
    const StudentLoss loss =
        student_loss(student, y, Distillation::none, {}, nullptr, 0, settings.reconstruction);
    return {loss.total, loss.reconstruction, {}};
  }
  if (place_ == DistillationPlace::image) {
    student.feature = student.image;
  }
  const StudentLoss loss =
      student_loss(student, y, distillation_, what_is_taught(tape, high), estimator_.get(),
                   settings.distillation_weight, settings.reconstruction);
  return {loss.total, loss.reconstruction, loss.distillation};
}

const char* PhaseModel::auxiliary_name() const noexcept {
  if (phase_ == TrainingPhase::teacher) {
    return hourglass_ ? "imitation" : "";
  }
  return distillation_ == Distillation::none ? "" : "distillation";
}

}  // namespace pisr
