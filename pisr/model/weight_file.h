#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "core/safetensors.h"

namespace pisr {

/// Is told something in a line; may be empty.
using Note = std::function<void(const std::string&)>;

/// Reads a file that is to hold weights. What frameworks put before the name of every tensor,
/// "module.", "_orig_mod.", "params." and "params_ema.", is stripped, which `note` is told.
///
/// Throws Error(weights) like read_safetensors. Files of other frameworks are named as what they
/// are, and those of PyTorch come with the command that converts them. A checkpoint of a training
/// is refused with the names of its run's weights.
SafeTensors read_weight_file(const std::filesystem::path& path, const Note& note);
/// The same of a file in memory, which errors call `name`.
SafeTensors as_weights(SafeTensors file, const std::string& name, const Note& note);

}  // namespace pisr
