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

void check_teacher(const Teacher& teacher, const NetworkSpec& wanted) {
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
      imitation_weight_(config.train.imitation_weight),
      distillation_(phase == TrainingPhase::student ? config.train.distillation
                                                    : Distillation::none),
      distillation_weight_(config.train.distillation_weight) {
  make_networks(config.network);
  initialise(phase == TrainingPhase::teacher ? static_cast<Module&>(*teacher_) : *student_,
             config.manual_seed, config.network.init);
  if (estimator_ != nullptr) {
    // Another seed than the student's, so that no two layers start alike.
    initialise(*estimator_, ~config.manual_seed, config.network.init);
  }
  if (phase == TrainingPhase::student && teacher != nullptr) {
    check_teacher(*teacher, student_->spec());
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
      imitation_weight_(other.imitation_weight_),
      distillation_(other.distillation_),
      distillation_weight_(other.distillation_weight_) {
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
    teacher_ = std::make_unique<Teacher>(spec);
  }
  if (needs_estimator(distillation_)) {
    estimator_ = std::make_unique<Estimator>(student_->feature_channels());
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
    frozen_feature_ = teacher_->chain(NetworkEnd::feature);
  }
  parameters_ = std::make_unique<FlatParameters>(trained);
}

const ImageModel& PhaseModel::trained() const noexcept {
  if (phase_ == TrainingPhase::teacher) {
    return *teacher_;
  }
  return *student_;
}

Variable PhaseModel::teacher_feature(Tape& tape, const Tensor& high) const {
  if (frozen_teacher() == nullptr) {
    return {};
  }
  if (!frozen_feature_) {
    return teacher_->feature_of(tape.constant(high));
  }
  const Tensor feature = tape.result(frozen_feature_->output_shape(high.shape()), high.dtype());
  frozen_feature_->run(tape.context(), high, feature);
  return tape.constant(feature);
}

PhaseModel::Losses PhaseModel::losses(Tape& tape, const Tensor& high, const Tensor& low) const {
  const Variable y = tape.constant(high);
  const Variable x = tape.constant(low);
  if (phase_ == TrainingPhase::teacher) {
    const TeacherLoss loss = teacher_loss(teacher_->forward(y), y, x, imitation_weight_);
    return {loss.total, loss.reconstruction, loss.imitation};
  }
  const Variable feature = teacher_feature(tape, high);
  const StudentLoss loss = student_loss(student_->forward(x), y, distillation_, feature,
                                        estimator_.get(), distillation_weight_);
  return {loss.total, loss.reconstruction, loss.distillation};
}

const char* PhaseModel::auxiliary_name() const noexcept {
  if (phase_ == TrainingPhase::teacher) {
    return "imitation";
  }
  return distillation_ == Distillation::none ? "" : "distillation";
}

}  // namespace pisr
