#pragma once

#include <filesystem>

namespace pisr {

/// The same file or folder by a path whose last part is its name, so that filename() gives it:
/// "runs/a/" -> "runs/a", "runs/a/../b" -> "runs/b", "." -> the working folder's absolute path.
std::filesystem::path named_path(const std::filesystem::path& path);

}  // namespace pisr
