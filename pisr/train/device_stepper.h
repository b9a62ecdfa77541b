#pragma once

#include <memory>

#include "pisr/train/stepper.h"

namespace pisr {

/// How a stepper gives its device the work of a step.
enum class Launching {
  captured,  ///< recorded once and repeated
  eager,     ///< kernel by kernel, for tests: the same bits
};

/// Updates on a device: images, weights and everything between them lie there, one step follows the
/// other without the host, and a call makes at most 100. All images of a batch are one tensor.
///
/// Trains a copy of the networks and starts from the training state of the host, which is brought
/// up to date by update_host(). Keeps references to all that is given. Throws Error(input) for an
/// image smaller than the patch, Error(memory), and Error(device) where the device fails: the state
/// of the host is then that of the last update_host().
std::unique_ptr<Stepper> device_stepper(kernels::Device& device, const TrainingState& state,
                                        const CosineSchedule& schedule, const Dataset& data,
                                        const StepOptions& options,
                                        Launching launching = Launching::captured);

}  // namespace pisr
