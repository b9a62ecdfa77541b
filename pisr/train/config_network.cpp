#include "pisr/train/config_network.h"

#include <optional>

#include "core/error.h"
#include "pisr/model/architectures.h"

namespace pisr {

namespace {

using Json = ConfigJson;

/// The option that a symbol of the paper stands for, e.g. feature_channels for d; null for none.
const char* option_of_symbol(const std::string& symbol, const NetworkConfig& network) {
  for (const NetworkOption& option : architecture(network.architecture).options) {
    if (!symbol.empty() && symbol == option.symbol) {
      return option.name;
    }
  }
  return nullptr;
}

}  // namespace

void choose_architecture(const Json& root, const std::string& source,
                         const std::vector<std::string>& settings, NetworkConfig& network) {
  const std::string key = "network.architecture";
  std::optional<Json> chosen;
  std::string where = source;
  if (root.contains("network") && root["network"].is_object() &&
      root["network"].contains("architecture")) {
    chosen = root["network"]["architecture"];
  }
  for (const std::string& setting : settings) {
    if (setting.starts_with(key + "=")) {
      chosen = setting.substr(key.size() + 1);
      where = "--set";
    }
  }
  if (!chosen) {
    return;
  }
  std::string name = chosen->is_string() ? chosen->get<std::string>() : "";
  // Written with quotes it is JSON.
  if (name.size() > 1 && name.front() == '"' && name.back() == '"') {
    name = name.substr(1, name.size() - 2);
  }
  if (find_architecture(name) == nullptr) {
    refuse(message(where, ": ", key, " must be one of ", architecture_names(), ", got ",
                   quoted(*chosen)));
  }
  static_cast<NetworkSpec&>(network) = default_spec(name);
}

void spell_out_symbols(Json& root, const std::string& source, const NetworkConfig& network) {
  if (!root.contains("network") || !root["network"].is_object()) {
    return;
  }
  Json spelled = Json::object();
  for (const auto& [key, value] : root["network"].items()) {
    const char* const option = option_of_symbol(key, network);
    if (option != nullptr && root["network"].contains(option)) {
      refuse(
          message(source, ": network.", key, " and ", option_key(option), " are the same option"));
    }
    spelled[option == nullptr ? key : std::string(option)] = value;
  }
  root["network"] = std::move(spelled);
}

std::string spelled_out(const std::string& setting, const NetworkConfig& network) {
  const std::string section = "network.";
  const std::size_t equals = setting.find('=');
  if (equals == std::string::npos || !setting.starts_with(section)) {
    return setting;
  }
  const char* const option =
      option_of_symbol(setting.substr(section.size(), equals - section.size()), network);
  return option == nullptr ? setting : option_key(option) + setting.substr(equals);
}

}  // namespace pisr
