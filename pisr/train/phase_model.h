#pragma once

#include <memory>
#include <optional>

#include "nn/conv_chain.h"
#include "nn/flat_parameters.h"
#include "pisr/model/estimator.h"
#include "pisr/model/teacher.h"
#include "pisr/train/config.h"

namespace pisr {

/// The networks of one phase, which of their parameters are trained, and the loss.
class PhaseModel {
 public:
  /// Networks with the initial weights of config.manual_seed. `teacher` is for the student alone:
  /// the trained one, whose decoder's weights are the student's start with train.weight_transfer;
  /// it is frozen: what is learnt from it is what it is now. Throws Error(weights) where one is
  /// distilled from and there is none, or one with another decoder.
  PhaseModel(const TrainConfig& config, TrainingPhase phase,
             std::unique_ptr<Teacher> teacher = nullptr);
  /// A copy on `device`, or in the host's memory where that is null.
  PhaseModel(const PhaseModel& other, kernels::Device* device);

  TrainingPhase phase() const noexcept { return phase_; }
  /// Of the images: 1 luminance, 3 RGB.
  int channels() const noexcept { return trained().spec().channels; }
  /// What is trained: "student.*" and "estimator.*", or "teacher.*".
  const FlatParameters& parameters() const noexcept { return *parameters_; }

  /// Each of shape [1].
  struct Losses {
    Variable total;
    Variable reconstruction;
    Variable auxiliary;  ///< imitation or distillation, not weighted; may be undefined
  };
  /// high [n, channels(), h, w], low [n, channels(), h / scale, w / scale], in 0..1.
  Losses losses(Tape& tape, const Tensor& high, const Tensor& low) const;

  /// "imitation", "distillation" or, where there is no such term, "".
  const char* auxiliary_name() const noexcept;

  /// The teacher in its own phase, the network in the others.
  const ImageModel& trained() const noexcept;
  /// The student's frozen teacher; null in other phases or where nothing is distilled.
  const Teacher* frozen_teacher() const noexcept {
    return phase_ == TrainingPhase::student ? teacher_.get() : nullptr;
  }

 private:
  void make_networks(const NetworkSpec& spec);
  void gather(kernels::Device* device);
  Variable teacher_feature(Tape& tape, const Tensor& high) const;

  TrainingPhase phase_;
  double imitation_weight_;
  Distillation distillation_;
  double distillation_weight_;
  std::unique_ptr<SrNetwork> student_;
  std::unique_ptr<Teacher> teacher_;
  std::unique_ptr<Estimator> estimator_;
  std::optional<ConvChain> frozen_feature_;  ///< of the frozen teacher, where it is a chain
  std::unique_ptr<FlatParameters> parameters_;
};

/// Whether a student of this configuration starts from or learns from a teacher.
bool needs_teacher(const TrainConfig& config);

/// Throws Error(weights) where the decoder is not as `wanted`: nothing could be transferred to such
/// a student.
void check_teacher(const Teacher& teacher, const NetworkSpec& wanted);

}  // namespace pisr
