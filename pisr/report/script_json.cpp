#include "pisr/report/script_json.h"

#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include <nlohmann/json.hpp>

#include "core/printable.h"

namespace pisr {

std::string script_json(const nlohmann::ordered_json& json) {
  const std::string text =
      json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  std::string safe;
  for (const char character : text) {
    // Outside of strings JSON has no "<".
    if (character == '<') {
      safe += "\\u003c";
    } else {
      safe += character;
    }
  }
  return safe;
}

nlohmann::ordered_json text_json(const std::string& text) {
  return printable(text);
}

nlohmann::ordered_json short_json(double value) {
  if (!std::isfinite(value)) {
    return nullptr;
  }
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%.7g", value);
  const double rounded = std::strtod(text.data(), nullptr);
  // 5000 rather than 5000.0.
  if (std::abs(rounded) < 1e9 && rounded == std::floor(rounded)) {
    return static_cast<long long>(rounded);
  }
  return rounded;
}

}  // namespace pisr
