#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "nn/conv_chain.h"
#include "nn/flat_parameters.h"
#include "pisr/model/estimator.h"
#include "pisr/model/fsrcnn.h"
#include "pisr/model/teacher.h"
#include "pisr/train/config.h"

namespace pisr {

/// The networks of one phase, which of their parameters are trained, and the loss.
class PhaseModel {
 public:
  /// Networks with the initial weights of config.manual_seed. `teacher` is for the student alone:
  /// the trained one, whose decoder's weights are the student's start with train.weight_transfer;
  /// it is frozen: what is learnt from it is what it is now. Throws Error(weights) where one is
  /// distilled from and there is none, or one of another size. All parameters lie on `device`, or
  /// where it is null in the host's memory.
  PhaseModel(const TrainConfig& config, Phase phase, std::unique_ptr<Teacher> teacher = nullptr,
             kernels::Device* device = nullptr);

  Phase phase() const noexcept { return phase_; }
  /// What is trained: "student.*" and "estimator.*", or "teacher.*".
  const FlatParameters& parameters() const noexcept { return *parameters_; }

  /// Each of shape [1].
  struct Losses {
    Variable total;
    Variable reconstruction;
    Variable auxiliary;  ///< imitation or distillation, not weighted; may be undefined
  };
  /// high [n, 1, h, w], low [n, 1, h / scale, w / scale], luminance in 0..1.
  Losses losses(Tape& tape, const Tensor& high, const Tensor& low) const;

  /// "imitation", "distillation" or, where there is no such term, "".
  const char* auxiliary_name() const noexcept;

  /// The network that is trained: the one that is not null.
  const Fsrcnn* network() const noexcept { return student_.get(); }
  const Teacher* teacher() const noexcept {
    return phase_ == Phase::teacher ? teacher_.get() : nullptr;
  }
  /// The student's frozen teacher; null in other phases or where nothing is distilled.
  const Teacher* frozen_teacher() const noexcept {
    return phase_ == Phase::student ? teacher_.get() : nullptr;
  }

 private:
  Variable teacher_feature(Tape& tape, const Tensor& high) const;

  Phase phase_;
  double imitation_weight_;
  Distillation distillation_ = Distillation::none;
  double distillation_weight_;
  std::unique_ptr<Fsrcnn> student_;
  std::unique_ptr<Teacher> teacher_;
  std::optional<ConvChain> frozen_feature_;  ///< of the frozen teacher
  std::unique_ptr<Estimator> estimator_;
  std::unique_ptr<FlatParameters> parameters_;
};

/// Whether a student of this configuration starts from or learns from a teacher.
bool needs_teacher(const TrainConfig& config);

/// Throws Error(weights) where the decoder is not as `wanted`: nothing could be transferred to such
/// a student.
void check_teacher(const Teacher& teacher, const FsrcnnOptions& wanted);

}  // namespace pisr
