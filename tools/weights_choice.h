#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pisr/model/built_in_weights.h"
#include "pisr/model/weights.h"

namespace pisr {

/// What a name of weights without a path stands for.
struct FoundWeights {
  std::string name;            ///< "pisr-plain_x2": with its scale where the name alone lacks it
  std::filesystem::path file;  ///< empty: built in
  const BuiltInWeights* built_in = nullptr;
};

/// The folders in which weights are looked for by name, in this order: those of the environment
/// variable PISR_WEIGHTS_PATH, separated by colons; pisr/weights in the folder of a user's data
/// ($XDG_DATA_HOME, ~/.local/share); share/pisr/weights beside the folder of the program.
std::vector<std::filesystem::path> weights_path();

/// Weights called `name`, or `name` and "_x" and the scale: built-in ones, or a file of that name
/// with .safetensors in weights_path(). Built-in ones come first, as does the name alone. Nothing
/// where there are none.
std::optional<FoundWeights> find_weights(const std::string& name, int scale);

/// All weights that find_weights() finds, by name: built-in ones, then those of each folder. Of
/// two with one name the first is in the list.
std::vector<FoundWeights> list_weights();

/// Reads what find_weights() finds: its tensors and metadata. `found` becomes its name and `place`
/// what errors call it. Throws as load_named_network().
SafeTensors read_named_weights(const std::string& name, int scale,
                               const std::function<void(const std::string&)>& note,
                               std::string& found, std::string& place);

/// Loads what find_weights() finds. Throws Error weights where it finds nothing, the names there
/// are as the hint, and what load_network() throws.
std::unique_ptr<SrNetwork> load_named_network(const std::string& name, int scale,
                                              const WeightsOptions& wanted, std::string& found);

}  // namespace pisr
