#include "benchmarks/workload_name.h"

#include <charconv>

#include "core/error.h"
#include "pisr/model/architectures.h"

namespace pisr::bench {
namespace {

/// What stands in front of `mark`, and cuts it off together with the mark.
std::string_view take_until(char mark, std::string_view& text) {
  const std::size_t at = text.find(mark);
  const std::string_view front = text.substr(0, at);
  text = at == std::string_view::npos ? std::string_view() : text.substr(at + 1);
  return front;
}

OptionValue option_of(std::string_view text, const std::string& name) {
  if (text == "true" || text == "false") {
    return text == "true";
  }
  return whole_number(text, 0, 1 << 20, name);
}

/// NAME, or NAME:option=value,option=value
NetworkSpec spec_of(std::string_view text, const std::string& name) {
  NetworkSpec spec;
  spec.architecture = take_until(':', text);
  while (!text.empty()) {
    std::string_view option = take_until(',', text);
    const std::string key(take_until('=', option));
    if (key == "channels") {
      spec.channels = whole_number(option, 1, 3, name);
    } else {
      spec.options[key] = option_of(option, name);
    }
  }
  return completed(spec);
}

}  // namespace

int whole_number(std::string_view text, int lowest, int highest, const std::string& whole) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < lowest ||
      value > highest) {
    throw Error(ErrorKind::usage, message("workload: expected a number in ", lowest, "..", highest,
                                          ", got '", text, "' in '", whole, "'"));
  }
  return value;
}

std::optional<InferenceName> parse_inference_name(const std::string& name) {
  constexpr std::string_view kNetworks = "W5/";
  std::string_view text = name;
  InferenceName result;
  const std::string_view network = take_until('@', text);
  if (network == "W1") {
    result.spec = default_spec();
  } else if (network.starts_with(kNetworks)) {
    result.spec = spec_of(network.substr(kNetworks.size()), name);
  } else {
    return std::nullopt;
  }
  if (network.size() < name.size()) {
    constexpr int kLargestSide = 1 << 15;
    if (text.find('x') == std::string_view::npos) {
      throw Error(ErrorKind::usage,
                  "workload: the size must be written as in W1@640x360, got '" + name + "'");
    }
    result.width = whole_number(take_until('x', text), 1, kLargestSide, name);
    result.height = whole_number(text, 1, kLargestSide, name);
  }
  return result;
}

}  // namespace pisr::bench
