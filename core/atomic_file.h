#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>

namespace pisr {

/// Replaces the file at `path`: writes a temporary one beside it, syncs, renames, syncs the folder.
/// After a crash either the old or the new content is there. Throws Error(output), naming path and
/// reason, and removes the temporary file; the old file then stays.
void write_file_atomically(const std::filesystem::path& path, std::span<const std::byte> bytes);
void write_file_atomically(const std::filesystem::path& path, std::string_view text);

/// Throws what write_file_atomically(path) would, as far as that can be known before there is
/// anything to write: the folder is missing or cannot be written, or `path` is no file.
void check_writable(const std::filesystem::path& path);

}  // namespace pisr
