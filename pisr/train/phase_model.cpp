#include "pisr/train/phase_model.h"

#include <initializer_list>
#include <utility>
#include <vector>

#include "nn/init.h"
#include "pisr/model/distillation.h"
#include "pisr/model/weights.h"

namespace pisr {

bool needs_teacher(const TrainConfig& config) {
  return config.train.weight_transfer || config.train.distillation != Distillation::none;
}

void check_teacher(const Teacher& teacher, const FsrcnnOptions& wanted) {
  const FsrcnnOptions& got = teacher.decoder().options();
  if (got == wanted) {
    return;
  }
  const auto text = [](const FsrcnnOptions& o) {
    return message("x", o.scale, " d ", o.feature_channels, " s ", o.shrink_channels, " m ",
                   o.mapping_layers, o.slope_per_channel ? " slope per channel" : "");
  };
  throw Error(ErrorKind::weights, message("student: wants a teacher of its own size ", text(wanted),
                                          ", got ", text(got)));
}

PhaseModel::PhaseModel(const TrainConfig& config, Phase phase, std::unique_ptr<Teacher> teacher,
                       kernels::Device* device)
    : phase_(phase),
      imitation_weight_(config.train.imitation_weight),
      distillation_weight_(config.train.distillation_weight) {
  const FsrcnnOptions options = fsrcnn_options(config.network);
  std::vector<NamedModule> trained;
  if (phase == Phase::teacher) {
    teacher_ = std::make_unique<Teacher>(options);
    initialise(*teacher_, config.manual_seed, config.network.init);
    trained.push_back({"teacher", teacher_.get()});
  } else {
    student_ = std::make_unique<Fsrcnn>(options);
    initialise(*student_, config.manual_seed, config.network.init);
    trained.push_back({"student", student_.get()});
  }
  if (phase == Phase::student) {
    distillation_ = config.train.distillation;
    if (teacher != nullptr) {
      check_teacher(*teacher, options);
      if (config.train.weight_transfer) {
        copy_parameters(teacher->decoder(), *student_);
      }
    }
    if (distillation_ != Distillation::none) {
      if (teacher == nullptr) {
        throw Error(ErrorKind::weights, "student: distillation wants a teacher, there is none");
      }
      teacher_ = std::move(teacher);
      teacher_->set_trainable(false);
    }
    if (distillation_ == Distillation::laplace || distillation_ == Distillation::gaussian) {
      estimator_ = std::make_unique<Estimator>(options.feature_channels);
      // Another seed than the student's, so that no two layers start alike.
      initialise(*estimator_, ~config.manual_seed, config.network.init);
      trained.push_back({"estimator", estimator_.get()});
    }
  }
  for (Module* const module :
       std::initializer_list<Module*>{student_.get(), teacher_.get(), estimator_.get()}) {
    if (module != nullptr) {
      module->move_to(device);
    }
  }
  if (frozen_teacher() != nullptr) {
    frozen_feature_.emplace(teacher_->feature_chain());
  }
  parameters_ = std::make_unique<FlatParameters>(trained);
}

Variable PhaseModel::teacher_feature(Tape& tape, const Tensor& high) const {
  if (!frozen_feature_) {
    return {};
  }
  const Tensor feature = tape.result(frozen_feature_->output_shape(high.shape()), high.dtype());
  frozen_feature_->run(tape.context(), high, feature);
  return tape.constant(feature);
}

PhaseModel::Losses PhaseModel::losses(Tape& tape, const Tensor& high, const Tensor& low) const {
  const Variable y = tape.constant(high);
  const Variable x = tape.constant(low);
  if (phase_ == Phase::teacher) {
    const TeacherLoss loss = teacher_loss(teacher_->forward(y), y, x, imitation_weight_);
    return {loss.total, loss.reconstruction, loss.imitation};
  }
  const Variable feature = teacher_feature(tape, high);
  const StudentLoss loss = student_loss(student_->forward(x), y, distillation_, feature,
                                        estimator_.get(), distillation_weight_);
  return {loss.total, loss.reconstruction, loss.distillation};
}

const char* PhaseModel::auxiliary_name() const noexcept {
  if (phase_ == Phase::teacher) {
    return "imitation";
  }
  return distillation_ == Distillation::none ? "" : "distillation";
}

}  // namespace pisr
