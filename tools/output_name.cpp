#include "tools/output_name.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

#include "core/error.h"

namespace pisr {
namespace {

constexpr std::array<std::string_view, 5> kFields = {"stem", "name", "ext", "scale", "model"};

[[noreturn]] void refuse(const std::string& pattern, const std::string& reason) {
  throw Error(ErrorKind::usage, message("--name '", pattern, "': ", reason),
              "fields are {stem}, {name}, {ext}, {scale} and {model}; {{ and }} are braces");
}

}  // namespace

OutputName::OutputName(const std::string& pattern) {
  std::string plain;
  const auto end_plain = [&] {
    if (!plain.empty()) {
      parts_.push_back({false, plain});
      plain.clear();
    }
  };
  for (std::size_t at = 0; at < pattern.size(); ++at) {
    const char c = pattern[at];
    if (c == '/' || c == '\0') {
      refuse(pattern, "is a file name and no path");
    }
    if (c != '{' && c != '}') {
      plain += c;
    } else if (at + 1 < pattern.size() && pattern[at + 1] == c) {
      plain += c;
      ++at;
    } else {
      const std::size_t end = pattern.find('}', at + 1);
      if (c == '}' || end == std::string::npos) {
        refuse(pattern, "has a brace without its other half");
      }
      const std::string field = pattern.substr(at + 1, end - at - 1);
      if (std::ranges::find(kFields, field) == kFields.end()) {
        refuse(pattern, "unknown field '" + field + "'");
      }
      end_plain();
      parts_.push_back({true, field});
      at = end;
    }
  }
  end_plain();
  if (std::ranges::none_of(parts_, [](const Part& part) {
        return part.is_field && (part.text == "stem" || part.text == "name");
      })) {
    refuse(pattern, "needs {stem} or {name}, or all outputs have one name");
  }
}

std::string OutputName::of(const OutputNameFields& fields) const {
  std::string text;
  for (const Part& part : parts_) {
    if (!part.is_field) {
      text += part.text;
    } else if (part.text == "stem") {
      text += fields.input.stem().native();
    } else if (part.text == "name") {
      text += fields.input.filename().native();
    } else if (part.text == "ext") {
      text += fields.extension;
    } else if (part.text == "scale") {
      text += std::to_string(fields.scale);
    } else {
      text += fields.model;
    }
  }
  return text;
}

bool OutputName::has_extension_field() const {
  return std::ranges::any_of(parts_,
                             [](const Part& part) { return part.is_field && part.text == "ext"; });
}

}  // namespace pisr
