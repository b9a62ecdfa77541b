#pragma once

#include <map>
#include <string>

#include "core/safetensors.h"
#include "pisr/model/network.h"

namespace pisr {

/// Throws Error(weights): "'name': what".
[[noreturn]] void fail_weights(const std::string& name, const std::string& what,
                               const std::string& hint = "");

/// As in metadata: "true", "false" or digits.
std::string to_text(const OptionValue& value);

/// The metadata of weights, read with errors that name the file. Both arguments must outlive it.
class Metadata {
 public:
  Metadata(const SafeTensors& file, const std::string& name)
      : entries_(file.metadata), name_(name) {}

  const std::string& file_name() const noexcept { return name_; }
  bool has(const std::string& key) const { return entries_.contains(key); }
  /// These throw Error(weights) where there is no entry, or another than is wanted.
  const std::string& text(const std::string& key) const;
  void want(const std::string& key, const std::string& wanted) const;
  int number(const std::string& key) const;
  bool flag(const std::string& key) const;
  OptionValue value(const NetworkOption& option) const;
  [[noreturn]] void refuse(const std::string& key, const std::string& wanted) const;

 private:
  const std::map<std::string, std::string>& entries_;
  const std::string& name_;
};

}  // namespace pisr
