#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "pisr/train/config.h"

/// The list of all configuration keys. Reading, printing, checking and documentation walk it.
namespace pisr {

/// A member that holds one of several named values.
struct ChoiceMember {
  std::vector<std::string> names;
  std::function<std::size_t()> get;
  std::function<void(std::size_t)> set;
};

using ConfigMember = std::variant<int*, std::int64_t*, std::uint64_t*, double*, bool*, std::string*,
                                  std::vector<std::string>*, std::optional<std::int64_t>*,
                                  std::optional<double>*, ChoiceMember>;

/// Inclusive bounds of a number.
struct Range {
  double low = 0;
  double high = std::numeric_limits<double>::infinity();
};

/// A key of the configuration and the member that it sets.
struct ConfigField {
  std::string key;  ///< path, e.g. "train.batch_size"
  ConfigMember member;
  Range range;  ///< of numbers
  std::string help;
  bool digits_are_text = false;  ///< of names, 302003 may stand for "302003"
};

/// Fields that refer to the members of `config`, which must outlive them, with the options of the
/// architecture that it names now.
std::vector<ConfigField> config_fields(TrainConfig& config);

/// Depends on the architecture, as its options do.
inline constexpr const char* kColourKey = "network.colour";

/// Where options of a network are kept: "network.feature_channels".
std::string option_key(const std::string& option);

}  // namespace pisr
