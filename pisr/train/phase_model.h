#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "nn/conv_chain.h"
#include "nn/flat_parameters.h"
#include "pisr/model/estimator.h"
#include "pisr/model/teacher.h"
#include "pisr/train/config.h"
#include "pisr/train/initial_weights.h"
#include "pisr/train/loss_schedule.h"

namespace pisr {

/// The networks of one phase, which of their parameters are trained, and the loss.
class PhaseModel {
 public:
  /// Networks with the initial weights of config.manual_seed. `teacher` is for the student alone:
  /// the trained one, whose decoder's weights are the student's start with train.weight_transfer;
  /// it is frozen: what is learnt from it is what it is now. Throws Error(weights) where one is
  /// distilled from and there is none, or one with another decoder, and Error(usage) where there is
  /// no decoder to start from.
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
  Losses losses(Tape& tape, const Tensor& high, const Tensor& low,
                const LossSettings& settings) const;
  /// That of the first update.
  Losses losses(Tape& tape, const Tensor& high, const Tensor& low) const {
    return losses(tape, high, low, loss_schedule().at(0));
  }
  const LossSchedule& loss_schedule() const noexcept { return loss_schedule_; }

  /// "imitation", "distillation" or, where there is no such term, "".
  const char* auxiliary_name() const noexcept;

  /// The teacher in its own phase, the network in the others.
  const ImageModel& trained() const noexcept;
  /// Gives what is trained other values than those of the seed, as pisr::start_from() does.
  std::vector<std::string> start_from(const InitialWeights& weights);
  /// The student's frozen teacher; null in other phases or where nothing is distilled.
  const Teacher* frozen_teacher() const noexcept {
    return phase_ == TrainingPhase::student ? teacher_.get() : nullptr;
  }

 private:
  void make_networks(const NetworkSpec& spec);
  void gather(kernels::Device* device);
  Variable what_is_taught(Tape& tape, const Tensor& high) const;

  TrainingPhase phase_;
  bool hourglass_;
  double imitation_weight_;
  Distillation distillation_;
  DistillationPlace place_;
  LossSchedule loss_schedule_;
  std::unique_ptr<SrNetwork> student_;
  std::unique_ptr<Teacher> teacher_;
  std::unique_ptr<Estimator> estimator_;
  std::optional<ConvChain> frozen_;  ///< the frozen teacher up to place_, where it is a chain
  std::unique_ptr<FlatParameters> parameters_;
};

/// Whether a student of this configuration starts from or learns from a teacher.
bool needs_teacher(const TrainConfig& config);

/// A teacher of zeros as the configuration wants it.
std::unique_ptr<Teacher> make_teacher(const TrainConfig& config);

/// Throws Error(weights) where the teacher is not as the configuration wants it: nothing could be
/// transferred from such a decoder.
void check_teacher(const Teacher& teacher, const TrainConfig& config);

}  // namespace pisr
