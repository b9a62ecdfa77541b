#pragma once

#include <array>
#include <charconv>
#include <string>

namespace pisr {

/// The shortest text that is read back as the same float, with a point or an exponent.
inline std::string number_text(float number) {
  std::array<char, 32> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number).ptr;
  std::string text(buffer.data(), end);
  return text.find_first_of(".e") == std::string::npos ? text + ".0" : text;
}

}  // namespace pisr
