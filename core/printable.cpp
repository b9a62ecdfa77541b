#include "core/printable.h"

#include <array>
#include <cctype>
#include <cstddef>
#include <cstdio>
#include <cstdlib>

namespace pisr {
namespace {

unsigned char byte_at(std::string_view text, std::size_t at) {
  return at < text.size() ? static_cast<unsigned char>(text[at]) : 0;
}

/// The bytes of the character that begins at `at`; 0 where there is none of UTF-8, or a control
/// character.
std::size_t character_size(std::string_view text, std::size_t at) {
  const unsigned char first = byte_at(text, at);
  if (first < 0x80) {
    return first >= 0x20 && first != 0x7F ? 1 : 0;
  }
  const std::size_t size = first >= 0xF5   ? 0
                           : first >= 0xF0 ? 4
                           : first >= 0xE0 ? 3
                           : first >= 0xC2 ? 2
                                           : 0;
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte_at(text, at + i) & 0xC0) != 0x80) {
      return 0;
    }
  }
  const unsigned char second = byte_at(text, at + 1);
  const bool wrong = (first == 0xC2 && second < 0xA0) ||   // control characters
                     (first == 0xE0 && second < 0xA0) ||   // longer than it need be
                     (first == 0xED && second >= 0xA0) ||  // half of a surrogate pair
                     (first == 0xF0 && second < 0x90) ||   // longer than it need be
                     (first == 0xF4 && second >= 0x90);    // beyond Unicode
  return wrong ? 0 : size;
}

std::string escaped(unsigned char byte) {
  std::array<char, 5> text{};
  std::snprintf(text.data(), text.size(), "\\x%02x", byte);
  return text.data();
}

bool is_escape(std::string_view text, std::size_t at) {
  return byte_at(text, at) == '\\' && byte_at(text, at + 1) == 'x' &&
         std::isxdigit(byte_at(text, at + 2)) != 0 && std::isxdigit(byte_at(text, at + 3)) != 0;
}

std::string shown(std::string_view text, bool reversible) {
  std::string result;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t size = character_size(text, at);
    if (size == 0 || (reversible && is_escape(text, at))) {
      result += escaped(byte_at(text, at));
      ++at;
    } else {
      result += text.substr(at, size);
      at += size;
    }
  }
  return result;
}

}  // namespace

std::string printable(const std::string& text) {
  return shown(text, false);
}

std::string printable(const std::filesystem::path& path) {
  return shown(path.native(), false);
}

std::string path_to_text(const std::filesystem::path& path) {
  return shown(path.native(), true);
}

std::filesystem::path path_from_text(std::string_view text) {
  std::string path;
  for (std::size_t at = 0; at < text.size();) {
    if (is_escape(text, at)) {
      const std::string digits(text.substr(at + 2, 2));
      path += static_cast<char>(std::strtoul(digits.c_str(), nullptr, 16));
      at += 4;
    } else {
      path += text[at++];
    }
  }
  return path;
}

}  // namespace pisr
