#include "core/atomic_file.h"

#include <atomic>
#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/descriptor.h"
#include "core/error.h"

namespace pisr {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const fs::path& path, const std::string& what, int error) {
  const std::string text = message("cannot write '", path.string(), "': ", what, ": ",
                                   std::generic_category().message(error));
  if (error == ENOSPC || error == EDQUOT) {
    throw NoSpaceError(text);
  }
  throw Error(ErrorKind::output, text);
}

// Removes a file, unless it has been kept.
class TemporaryName {
 public:
  explicit TemporaryName(fs::path path) : path_(std::move(path)) {}
  TemporaryName(const TemporaryName&) = delete;
  TemporaryName& operator=(const TemporaryName&) = delete;
  ~TemporaryName() {
    if (!path_.empty()) ::unlink(path_.c_str());
  }
  const fs::path& path() const { return path_; }
  void keep() { path_.clear(); }

 private:
  fs::path path_;
};

int open_retrying(const fs::path& path, int flags) {
  int number = -1;
  do {
    number = ::open(path.c_str(), flags | O_CLOEXEC, 0666);
  } while (number < 0 && errno == EINTR);
  return number;
}

int sync_retrying(int number) {
  int result = 0;
  do {
    result = ::fsync(number);
  } while (result < 0 && errno == EINTR);
  return result;
}

void write_all(int number, std::span<const std::byte> bytes, const fs::path& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(number, bytes.data(), bytes.size());
    if (written < 0 && errno != EINTR) {
      fail(path, "write", errno);
    }
    bytes = bytes.subspan(static_cast<std::size_t>(written < 0 ? 0 : written));
  }
}

// Renaming onto a device or a folder would destroy it or fail late.
void check_target(const fs::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode)) {
    throw Error(ErrorKind::output,
                message("cannot write '", path.string(), "': it is there and is no regular file"));
  }
}

// What a symbolic link leads to, through all links on the way, whether it is there or not.
fs::path behind_links(const fs::path& path) {
  constexpr int kMostLinks = 40;
  fs::path target = path;
  std::error_code none;
  for (int links = 0; fs::is_symlink(target, none); ++links) {
    if (links == kMostLinks) {
      fail(path, "open", ELOOP);
    }
    std::error_code failure;
    const fs::path next = fs::read_symlink(target, failure);
    if (failure) {
      fail(path, "read the link", failure.value());
    }
    target = target.parent_path() / next;
  }
  return target;
}

// Gives a new file what a reader of the one at `path` may and may not do, before it holds anything.
void copy_permissions(const fs::path& path, int descriptor) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    return;
  }
  // Only root may give files away: others keep the file, with its group where they belong to it.
  if (::fchown(descriptor, status.st_uid, status.st_gid) != 0) {
    static_cast<void>(::fchown(descriptor, static_cast<uid_t>(-1), status.st_gid) != 0);
  }
  if (::fchmod(descriptor, status.st_mode & 0777) != 0) {
    fail(path, "set the permissions", errno);
  }
}

// A new file beside `path`. The name does not grow with that of `path`, which may be as long as the
// file system allows.
std::pair<fs::path, int> create_beside(const fs::path& path) {
  static std::atomic<unsigned> counter{0};
  for (;;) {
    const fs::path name =
        path.parent_path() / message(".pisr-", ::getpid(), '-', counter++, ".tmp");
    const int number = open_retrying(name, O_WRONLY | O_CREAT | O_EXCL);
    if (number >= 0) {
      return {name, number};
    }
    if (errno != EEXIST) {  // a killed process with the same id may have left the file
      fail(path, "open", errno);
    }
  }
}

void sync_folder(const fs::path& path) {
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  const Descriptor descriptor(open_retrying(folder, O_RDONLY | O_DIRECTORY));
  if (descriptor.number() < 0) {
    fail(path, "open its folder", errno);
  }
  // EINVAL: the file system cannot sync folders.
  if (sync_retrying(descriptor.number()) != 0 && errno != EINVAL) {
    fail(path, "sync its folder", errno);
  }
}

// Gives a complete file its name, so that after a crash either it or the old one is there.
void rename_synced(const fs::path& from, const fs::path& path, Descriptor& descriptor) {
  if (sync_retrying(descriptor.number()) != 0) {
    fail(path, "sync", errno);
  }
  if (descriptor.close() != 0) {
    fail(path, "close", errno);
  }
  if (::rename(from.c_str(), path.c_str()) != 0) {
    fail(path, "rename", errno);
  }
  sync_folder(path);
}

}  // namespace

struct AtomicFile::Implementation {
  fs::path path;
  TemporaryName temporary;
  Descriptor descriptor;
};

AtomicFile::AtomicFile(fs::path path) {
  path = behind_links(path);
  check_target(path);
  auto [name, number] = create_beside(path);
  implementation_.reset(
      new Implementation{std::move(path), TemporaryName(std::move(name)), Descriptor(number)});
  copy_permissions(implementation_->path, number);
}

AtomicFile::~AtomicFile() = default;

void AtomicFile::write(std::span<const std::byte> bytes) {
  write_all(implementation_->descriptor.number(), bytes, implementation_->path);
}

void AtomicFile::commit() {
  auto& [path, temporary, descriptor] = *implementation_;
  rename_synced(temporary.path(), path, descriptor);
  temporary.keep();
}

struct PartialFile::Implementation {
  fs::path path;  ///< what it becomes
  fs::path name;
  Descriptor descriptor;
};

fs::path PartialFile::name_of(const fs::path& path) {
  fs::path name = behind_links(path);
  name += ".part";
  return name;
}

PartialFile::PartialFile(const fs::path& path, Start start) {
  const fs::path target = behind_links(path);
  check_target(target);
  const fs::path name = name_of(target);
  const int flags = start == Start::fresh     ? O_CREAT | O_EXCL
                    : start == Start::replace ? O_CREAT | O_TRUNC
                                              : O_APPEND;
  const int number = open_retrying(name, O_WRONLY | O_NOFOLLOW | flags);
  if (number < 0) {
    fail(name, "open", errno);
  }
  implementation_.reset(new Implementation{target, name, Descriptor(number)});
  copy_permissions(target, number);
}

PartialFile::~PartialFile() = default;

void PartialFile::truncate(std::int64_t bytes) {
  if (::ftruncate(implementation_->descriptor.number(), bytes) != 0) {
    fail(implementation_->name, "truncate", errno);
  }
}

void PartialFile::write(std::span<const std::byte> bytes) {
  write_all(implementation_->descriptor.number(), bytes, implementation_->name);
}

void PartialFile::commit() {
  auto& [path, name, descriptor] = *implementation_;
  rename_synced(name, path, descriptor);
}

void PartialFile::discard() {
  ::unlink(implementation_->name.c_str());
}

void write_file_atomically(const fs::path& path, std::span<const std::byte> bytes) {
  AtomicFile file(path);
  file.write(bytes);
  file.commit();
}

void write_file_atomically(const fs::path& path, std::string_view text) {
  write_file_atomically(path, std::as_bytes(std::span(text)));
}

void check_writable(const fs::path& path) {
  const fs::path target = behind_links(path);
  check_target(target);
  auto [name, number] = create_beside(target);
  const TemporaryName removed(std::move(name));
  const Descriptor closed(number);
}

void check_output_file(const fs::path& path, bool overwrite) {
  std::error_code none;
  if (fs::is_directory(path, none)) {
    throw Error(ErrorKind::output, message("cannot write '", path.string(), "': it is a folder"));
  }
  if (!overwrite && fs::exists(path, none)) {
    throw Error(ErrorKind::output, message("'", path.string(), "' exists"),
                "--overwrite replaces it");
  }
  check_writable(path);
}

}  // namespace pisr
