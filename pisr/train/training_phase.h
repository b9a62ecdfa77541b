#pragma once

#include <array>

namespace pisr {

/// One optimisation from iteration 0 to total_iter.
enum class TrainingPhase {
  baseline,  ///< the network on the L1 loss alone
  teacher,   ///< encoder and network as decoder, reconstruction and imitation loss
  student,   ///< the network with weight transfer and distillation from the teacher
};

/// In the order of training.
inline constexpr std::array kTrainingPhases{TrainingPhase::baseline, TrainingPhase::teacher,
                                            TrainingPhase::student};

constexpr const char* phase_name(TrainingPhase phase) {
  return phase == TrainingPhase::baseline  ? "baseline"
         : phase == TrainingPhase::teacher ? "teacher"
                                           : "student";
}

}  // namespace pisr
