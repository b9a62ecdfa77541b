#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

namespace pisr {

/// `json` in one line, without a "<": inside a script element nothing can end the element or
/// begin a comment.
std::string script_json(const nlohmann::ordered_json& json);

/// Any text, printable().
nlohmann::ordered_json text_json(const std::string& text);

/// `value` with seven digits, more than a drawing shows; null where it is not finite.
nlohmann::ordered_json short_json(double value);

}  // namespace pisr
