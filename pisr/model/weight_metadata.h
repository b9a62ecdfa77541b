#pragma once

#include <map>
#include <string>

#include "core/safetensors.h"
#include "pisr/model/architectures.h"
#include "pisr/model/weights.h"

/// What the metadata of a file of weights say. Errors are Error(weights) and name the file.
namespace pisr {

inline constexpr const char* kTeacherArchitecture = "pisr_teacher";

/// Throws Error(weights).
[[noreturn]] void fail_weights(const std::string& file, const std::string& what,
                               const std::string& hint = "");

/// Metadata of weights of ours; `notes` cannot replace what they say of the network.
std::map<std::string, std::string> describe(const ImageModel& model,
                                            const std::map<std::string, std::string>& notes);

/// The metadata of a file, which and whose `name` must outlive this.
class WeightMetadata {
 public:
  WeightMetadata(const SafeTensors& file, const std::string& name) : file_(file), name_(name) {}

  bool has(const std::string& key) const { return file_.metadata.contains(key); }
  const std::string& text(const std::string& key) const;
  void want(const std::string& key, const std::string& wanted) const;

  /// Whether they are of weights that save_weights() wrote.
  bool are_ours() const { return has("format_version") && has("architecture"); }
  /// Of weights of ours: the spec of the network, or of the teacher's decoder.
  NetworkSpec spec(bool teacher) const;

  /// The name of a network of the table, if they have one; otherwise empty.
  std::string known_architecture() const;
  /// The scale that is wanted or, where they tell a single one, that; otherwise 0.
  int known_scale(int wanted) const;
  /// The scale that is wanted of weights for several, or the only one; fails where neither is told.
  int scale(int wanted) const;
  /// Of weights that others published: the options that the metadata name, and padding. Fails where
  /// they ask for what the network does not do.
  void add_options(const Architecture& row, NetworkSpec& spec) const;
  /// Of such weights: fails where the metadata tell a colour or range that is not the network's.
  void check_images(const NetworkSpec& spec) const;

 private:
  int number(const std::string& key) const;
  bool flag(const std::string& key) const;
  OptionValue option(const NetworkOption& option) const;
  int channels(const Architecture& row) const;
  [[noreturn]] void refuse(const std::string& key, const std::string& wanted) const;

  const SafeTensors& file_;
  const std::string& name_;
};

}  // namespace pisr
