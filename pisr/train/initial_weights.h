#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/tensor.h"
#include "nn/module.h"

/// Weights of another training that a phase starts from, as far as they fit.
namespace pisr {

/// What a network starts from.
struct InitialWeights {
  std::string name;                       ///< of the file, for messages
  std::map<std::string, Tensor> tensors;  ///< by the names of a network's or a teacher's parameters
  std::int64_t updates = 0;               ///< UpdateCount::in_all()
};

/// The metadata entry of weights that holds UpdateCount::earlier.
inline constexpr const char* kEarlierUpdates = "earlier_updates";

/// How many updates were made for weights or a checkpoint, as their metadata tell.
struct UpdateCount {
  std::int64_t of_phase = 0;  ///< from the start of its phase to the end; 0 where it is not told
  /// Before that: of the weights that it started from, and of the student's teacher.
  std::optional<std::int64_t> earlier;

  std::int64_t in_all() const noexcept { return of_phase + earlier.value_or(0); }
};

/// Throws Error(weights) where the file cannot be read.
UpdateCount count_updates(const std::filesystem::path& path);

/// Reads weights of a network or a teacher, or a checkpoint: its best weights by validation, the
/// trained ones where there are none. Weights of `architecture` that others published are read too.
/// Throws Error(weights).
InitialWeights read_initial_weights(const std::filesystem::path& path,
                                    const std::string& architecture);

/// Copies every tensor that has the name and the shape of a parameter of `module`. A teacher's
/// decoder takes a network's tensors, and a network those of a teacher's decoder. Returns the names
/// of the parameters that keep what they had. Throws Error(weights), and changes nothing, where no
/// weight fits, as merged ones do not fit an expanded network, or what fits is not finite.
std::vector<std::string> start_from(const InitialWeights& weights, Module& module);

}  // namespace pisr
