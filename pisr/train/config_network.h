#pragma once

#include <string>
#include <vector>

#include "pisr/train/config_values.h"

/// The part of the configuration whose keys depend on a value: the options of the network.
namespace pisr {

/// Takes the architecture that `root` or the last of `settings` names, with its defaults, before
/// any other key is read. Throws Error(usage) for an unknown one.
void choose_architecture(const ConfigJson& root, const std::string& source,
                         const std::vector<std::string>& settings, NetworkConfig& network);
/// Replaces symbols among the keys of "network", such as d, by the options that they stand for.
/// Throws Error(usage) where both are there.
void spell_out_symbols(ConfigJson& root, const std::string& source, const NetworkConfig& network);
/// The same for a setting "network.d=56".
std::string spelled_out(const std::string& setting, const NetworkConfig& network);

}  // namespace pisr
