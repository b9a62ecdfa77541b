#pragma once

#include <charconv>
#include <locale>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>

namespace pisr {

/// The number that the whole text is, in any locale: "1.5", "-2e-3". parse_number needs this where
/// the standard library reads no floating-point number without a stream.
inline std::optional<double> parse_number_by_stream(std::string_view text) {
  constexpr std::string_view kFirst = "-.0123456789";
  if (text.empty() || kFirst.find(text.front()) == std::string_view::npos) {
    return std::nullopt;  // a stream would take a space or a plus
  }
  std::istringstream stream{std::string(text)};
  stream.imbue(std::locale::classic());
  double value = 0;
  stream >> value;
  return !stream.fail() && stream.peek() == std::istringstream::traits_type::eof()
             ? std::optional(value)
             : std::nullopt;
}

/// The number that the whole text is, in any locale; nothing where it is none. Infinity and NaN by
/// name are numbers or not, as the standard library has it.
inline std::optional<double> parse_number(std::string_view text) {
#if defined(__cpp_lib_to_chars)
  double value = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, failure] = std::from_chars(text.data(), end, value);
  return failure == std::errc() && rest == end ? std::optional(value) : std::nullopt;
#else
  return parse_number_by_stream(text);
#endif
}

}  // namespace pisr
