#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/tensor.h"
#include "kernels/export.h"

namespace pisr {

/// One tensor's entry in a safetensors header; `begin` and `end` are offsets into the data.
struct TensorEntry {
  std::string name;
  DType dtype;
  Shape shape;
  std::uint64_t begin, end;
};

/// What the JSON part of a file says.
struct SafeTensorsHeader {
  std::vector<TensorEntry> entries;  ///< by `begin`; they cover the data with no hole or overlap
  std::map<std::string, std::string> metadata;
};

/// Parses and checks the JSON part. `data_size` is the number of bytes behind it; `file` is what
/// errors call the file. Throws Error(weights).
SafeTensorsHeader parse_safetensors_header(std::string_view json, std::uint64_t data_size,
                                           const std::string& file);

/// The JSON part for `entries`, padded with spaces to a multiple of 8 bytes; the same for the same
/// entries in whatever order. Throws Error(usage) for names and metadata that are not UTF-8.
std::string format_safetensors_header(const SafeTensorsHeader& header);

/// `text` in single quotes, escaped and shortened to one line of ASCII.
PISR_CORE_API std::string in_quotes(std::string_view text);

}  // namespace pisr
