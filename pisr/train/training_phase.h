#pragma once

#include <array>

namespace pisr {

/// One optimisation from iteration 0 to total_iter.
enum class Phase {
  baseline,  ///< the network on the L1 loss alone
  teacher,   ///< encoder and network as decoder, reconstruction and imitation loss
  student,   ///< the network with weight transfer and distillation from the teacher
};

/// In the order of training.
inline constexpr std::array kPhases{Phase::baseline, Phase::teacher, Phase::student};

constexpr const char* name(Phase phase) {
  return phase == Phase::baseline ? "baseline" : phase == Phase::teacher ? "teacher" : "student";
}

}  // namespace pisr
