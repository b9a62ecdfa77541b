#pragma once

#include <initializer_list>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace pisr {

/// An option of a program, as a manual or the completion of a shell needs it.
struct ProgramOption {
  /// What a value of an option is, from the name of its type.
  enum class Value { none, choice, number, file, folder, other };

  std::vector<std::string> short_names;  ///< without the dash: "s"
  std::vector<std::string> long_names;   ///< without the dashes: "scale"
  std::string positional;                ///< what it is called without a dash; empty: it is not
  Value value = Value::none;
  std::string value_name;            ///< e.g. "FILE", "INT"; empty of a flag
  std::vector<std::string> choices;  ///< all values there are; only of Value::choice
  std::string description;
  std::string default_value;  ///< empty: none, or not to be shown
  bool takes_several = false;
  bool required = false;

  bool is_option() const { return !short_names.empty() || !long_names.empty(); }
};

/// What a program takes, in the order of its help, -h included; hidden options are left out. The
/// type of an option is its type_name(), of which FILE, FOLDER and PATH (a file or folder) complete
/// names of files, and "{one, other}" lists the choices; CLI::IsMember lists them too.
std::vector<ProgramOption> options_of(const CLI::App& app);

/// `text` up to the first of some marks: what a line has room for.
std::string up_to(const std::string& text, std::initializer_list<const char*> marks);

}  // namespace pisr
