#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string_view>

#include "kernels/export.h"

namespace pisr {

/// A file that replaces the one at `path` when it is complete: a temporary one beside it, which
/// goes away unless commit() was called. All throw Error(output), naming path and reason; the old
/// file then stays. Where the disk is full that is a NoSpaceError.
///
/// The new file has the permissions of the one that it replaces, and its owner where the process
/// may give files away. Where `path` is a symbolic link, what it leads to is replaced, or made, and
/// the link stays.
class PISR_CORE_API AtomicFile {
 public:
  /// Throws also where `path` is there and is no regular file, or a link that leads nowhere.
  explicit AtomicFile(std::filesystem::path path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  /// Appends.
  void write(std::span<const std::byte> bytes);
  /// Syncs, renames, syncs the folder. After a crash either the old or the new content is there.
  void commit();

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

/// A file that is useful before it is complete: it grows under a name of its own, where it stays
/// when the program ends before commit(), which gives it the name `path`. Permissions and links are
/// kept as AtomicFile does. All throw Error(output), naming path and reason.
class PISR_CORE_API PartialFile {
 public:
  /// `path` with ".part" behind it, or what a link leads to with it.
  static std::filesystem::path name_of(const std::filesystem::path& path);

  enum class Start {
    fresh,    ///< where it is there already, throws
    replace,  ///< what was there is lost
    append    ///< to what is there
  };
  PartialFile(const std::filesystem::path& path, Start start);
  ~PartialFile();
  PartialFile(const PartialFile&) = delete;
  PartialFile& operator=(const PartialFile&) = delete;

  /// Cuts off what is behind so many bytes.
  void truncate(std::int64_t bytes);
  /// Appends.
  void write(std::span<const std::byte> bytes);
  /// Syncs, renames, syncs the folder.
  void commit();
  /// Removes it.
  void discard();

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

/// Replaces the file at `path` by an AtomicFile: after a crash either the old or the new content is
/// there. Throws Error(output), naming path and reason; the old file then stays.
PISR_CORE_API void write_file_atomically(const std::filesystem::path& path,
                                         std::span<const std::byte> bytes);
PISR_CORE_API void write_file_atomically(const std::filesystem::path& path, std::string_view text);

/// Throws what write_file_atomically(path) would, as far as that can be known before there is
/// anything to write: the folder is missing or cannot be written, or `path` is no file.
PISR_CORE_API void check_writable(const std::filesystem::path& path);
/// The same, and Error output where `path` is a folder, or exists and may not be replaced.
PISR_CORE_API void check_output_file(const std::filesystem::path& path, bool overwrite);

}  // namespace pisr
