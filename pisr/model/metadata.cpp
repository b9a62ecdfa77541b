#include "pisr/model/metadata.h"

#include <charconv>

#include "core/error.h"
#include "core/safetensors_header.h"

namespace pisr {

void fail_weights(const std::string& name, const std::string& what, const std::string& hint) {
  throw Error(ErrorKind::weights, message('\'', name, "': ", what), hint);
}

std::string to_text(const OptionValue& value) {
  if (const bool* const flag = std::get_if<bool>(&value)) {
    return *flag ? "true" : "false";
  }
  return std::to_string(std::get<int>(value));
}

const std::string& Metadata::text(const std::string& key) const {
  const auto found = entries_.find(key);
  if (found == entries_.end()) {
    fail_weights(name_, message("metadata lack '", key, "'"));
  }
  return found->second;
}

void Metadata::want(const std::string& key, const std::string& wanted) const {
  if (text(key) != wanted) {
    refuse(key, message("'", wanted, "'"));
  }
}

int Metadata::number(const std::string& key) const {
  const std::string& digits = text(key);
  int value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size()) {
    refuse(key, "a number");
  }
  return value;
}

bool Metadata::flag(const std::string& key) const {
  const std::string& word = text(key);
  if (word != "true" && word != "false") {
    refuse(key, "'true' or 'false'");
  }
  return word == "true";
}

OptionValue Metadata::value(const NetworkOption& option) const {
  if (std::holds_alternative<bool>(option.default_value)) {
    return flag(option.name);
  }
  return number(option.name);
}

void Metadata::refuse(const std::string& key, const std::string& wanted) const {
  fail_weights(name_,
               message("metadata '", key, "' must be ", wanted, ", got ", in_quotes(text(key))));
}

}  // namespace pisr
