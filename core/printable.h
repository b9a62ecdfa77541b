#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "kernels/export.h"

namespace pisr {

/// Paths are bytes, which need not be UTF-8. Files are opened by those bytes; messages, tables and
/// JSON show what this returns: one line of valid UTF-8, in which control characters and bytes that
/// are not UTF-8 stand as `\xNN`. A text that is such a line already is returned as it is.
PISR_CORE_API std::string printable(const std::string& text);
PISR_CORE_API std::string printable(const std::filesystem::path& path);

/// A path for a file that holds only UTF-8, such as a configuration in JSON, from which
/// path_from_text() gives the same path again. It is printable() but for a path that holds such a
/// `\xNN` itself, whose backslash becomes `\x5c`.
PISR_CORE_API std::string path_to_text(const std::filesystem::path& path);
PISR_CORE_API std::filesystem::path path_from_text(std::string_view text);

}  // namespace pisr
