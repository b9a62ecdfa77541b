#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace pisr {

/// What the name of an output is made of.
struct OutputNameFields {
  std::filesystem::path input;  ///< its file name counts: "photo.jpg", or "photo" of stdin
  std::string extension;        ///< of the output, without its dot
  int scale = 2;
  std::string model;
};

/// A pattern such as "{stem}_x{scale}.{ext}". Its fields are {stem}, "photo" of "photo.jpg",
/// {name}, all of it, {ext}, {scale} and {model}; {{ and }} are braces.
class OutputName {
 public:
  /// Throws Error usage for an unknown field, a brace that is alone, a slash, and a pattern in
  /// which neither {stem} nor {name} is: all outputs would have one name.
  explicit OutputName(const std::string& pattern);

  /// A file name, not a path.
  std::string of(const OutputNameFields& fields) const;
  bool has_extension_field() const;

 private:
  struct Part {
    bool is_field;
    std::string text;  ///< of the pattern, or a field's name
  };
  std::vector<Part> parts_;
};

}  // namespace pisr
