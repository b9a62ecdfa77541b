#include "pisr/report/report_text.h"

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdio>

#include "core/printable.h"

namespace pisr {

std::string escape_html(const std::string& text) {
  std::string escaped;
  for (const char character : printable(text)) {
    switch (character) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&#39;";
        break;
      default:
        escaped += character;
    }
  }
  return escaped;
}

std::string grouped(std::int64_t value) {
  const std::string digits = std::to_string(value);
  std::string text;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) {
      text += ',';
    }
    text += digits[i];
  }
  return text;
}

std::string short_number(double value) {
  const char* unit = "";
  if (std::abs(value) >= 1e6) {
    value /= 1e6;
    unit = "M";
  } else if (std::abs(value) >= 1e3) {
    value /= 1e3;
    unit = "k";
  }
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.4g", value);
  std::string number = text.data();
  // printf's 1e-07
  if (const auto exponent = number.find("e-0"); exponent != std::string::npos) {
    number.erase(exponent + 2, 1);
  }
  return number + unit;
}

std::string fixed(double value, int digits) {
  if (std::isnan(value)) {
    return "-";
  }
  if (std::isinf(value)) {
    return value > 0 ? "&infin;" : "-&infin;";
  }
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), "%.*f", digits, value);
  return text.data();
}

}  // namespace pisr
