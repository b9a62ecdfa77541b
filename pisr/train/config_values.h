#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "pisr/train/config_fields.h"

/// One value of the configuration as JSON: reading, printing and describing it.
namespace pisr {

using ConfigJson = nlohmann::ordered_json;

/// Throws Error(usage).
[[noreturn]] void refuse(const std::string& text, const std::string& hint = "");
/// As in error texts: one short line of ASCII, whatever the value holds.
std::string quoted(const ConfigJson& value);

/// Sets the member of `field`; throws Error(usage), naming `source` and the key, where the value is
/// of another type or out of range.
void read_value(const ConfigJson& value, const ConfigField& field, const std::string& source);
/// The member of `field` as JSON.
ConfigJson value_of(const ConfigField& field);
/// Type and range in words: "integer from 1 to 4096".
std::string type_name(const ConfigField& field);

}  // namespace pisr
