#include "pisr/image/byte_source.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/descriptor.h"
#include "core/error.h"

namespace pisr {
namespace {

[[noreturn]] void fail_to_read(const std::string& name, int error) {
  throw Error(ErrorKind::input,
              message("cannot read '", name, "': ",
                      error == ENOENT   ? "no such file"
                      : error == EISDIR ? "is a folder"
                                        : std::generic_category().message(error)));
}

class MemorySource : public ByteSource {
 public:
  explicit MemorySource(std::span<const std::byte> bytes) : bytes_(bytes) {}
  explicit MemorySource(std::vector<std::byte> bytes) : owned_(std::move(bytes)), bytes_(owned_) {}

  std::int64_t size() const override { return static_cast<std::int64_t>(bytes_.size()); }
  std::size_t read(std::int64_t offset, std::span<std::byte> to) const override {
    if (offset < 0 || offset >= size()) {
      return 0;
    }
    const std::size_t count = std::min(to.size(), bytes_.size() - static_cast<std::size_t>(offset));
    std::copy_n(bytes_.begin() + offset, count, to.begin());
    return count;
  }

 private:
  std::vector<std::byte> owned_;
  std::span<const std::byte> bytes_;
};

/// A regular file.
class FileSource : public ByteSource {
 public:
  FileSource(int descriptor, bool owned, std::int64_t size, std::string name)
      : descriptor_(descriptor), owned_(owned), size_(size), name_(std::move(name)) {}
  ~FileSource() override {
    if (owned_) {
      ::close(descriptor_);
    }
  }

  std::int64_t size() const override { return size_; }
  std::size_t read(std::int64_t offset, std::span<std::byte> to) const override {
    std::size_t count = 0;
    while (count < to.size()) {
      const ssize_t some = ::pread(descriptor_, to.data() + count, to.size() - count,
                                   offset + static_cast<std::int64_t>(count));
      if (some < 0 && errno != EINTR) {
        fail_to_read(name_, errno);
      }
      if (some == 0) {
        break;
      }
      count += some < 0 ? 0 : static_cast<std::size_t>(some);
    }
    return count;
  }

 private:
  int descriptor_;
  bool owned_;
  std::int64_t size_;
  std::string name_;
};

/// All bytes of what cannot be read from any place.
std::vector<std::byte> read_stream(int descriptor, const std::string& name) {
  constexpr std::size_t kBlock = std::size_t{1} << 16;
  std::vector<std::byte> bytes;
  for (;;) {
    const std::size_t have = bytes.size();
    bytes.resize(have + std::max(kBlock, have));
    const ssize_t some = ::read(descriptor, bytes.data() + have, bytes.size() - have);
    const int error = errno;
    bytes.resize(have + (some < 0 ? 0 : static_cast<std::size_t>(some)));
    if (some == 0) {
      return bytes;
    }
    if (some < 0 && error != EINTR) {
      fail_to_read(name, error);
    }
  }
}

/// `descriptor` as a source where it is a regular file at its beginning; otherwise null.
std::unique_ptr<ByteSource> regular_source(int descriptor, bool owned, const std::string& name) {
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) {
    fail_to_read(name, errno);
  }
  if (S_ISDIR(status.st_mode)) {
    fail_to_read(name, EISDIR);
  }
  if (!S_ISREG(status.st_mode) || ::lseek(descriptor, 0, SEEK_CUR) != 0) {
    return nullptr;
  }
  return std::make_unique<FileSource>(descriptor, owned, status.st_size, name);
}

}  // namespace

std::unique_ptr<ByteSource> memory_source(std::span<const std::byte> bytes) {
  return std::make_unique<MemorySource>(bytes);
}
std::unique_ptr<ByteSource> memory_source(std::vector<std::byte> bytes) {
  return std::make_unique<MemorySource>(std::move(bytes));
}

std::unique_ptr<ByteSource> file_source(const std::filesystem::path& path) {
  const std::string name = path.string();
  Descriptor descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (descriptor.number() < 0) {
    fail_to_read(name, errno);
  }
  if (auto source = regular_source(descriptor.number(), true, name)) {
    descriptor.release();
    return source;
  }
  return memory_source(read_stream(descriptor.number(), name));
}

std::unique_ptr<ByteSource> descriptor_source(int descriptor, const std::string& name) {
  if (auto source = regular_source(descriptor, false, name)) {
    return source;
  }
  return memory_source(read_stream(descriptor, name));
}

std::vector<std::byte> read_all(const ByteSource& source) {
  std::vector<std::byte> bytes(static_cast<std::size_t>(source.size()));
  bytes.resize(source.read(0, bytes));
  return bytes;
}

}  // namespace pisr
