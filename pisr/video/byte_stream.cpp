#include "pisr/video/byte_stream.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/error.h"

namespace pisr {
namespace {

std::string reason(int error) {
  return std::generic_category().message(error);
}

class DescriptorStream : public ByteStream {
 public:
  DescriptorStream(int descriptor, std::string name, std::function<bool()> cancelled)
      : descriptor_(descriptor), name_(std::move(name)), cancelled_(std::move(cancelled)) {}

  std::size_t read(std::span<std::byte> to) override {
    std::size_t count = 0;
    while (count < to.size()) {
      wait();
      const ssize_t some = ::read(descriptor_, to.data() + count, to.size() - count);
      if (some == 0) {
        break;
      }
      if (some > 0) {
        count += static_cast<std::size_t>(some);
      } else if (errno != EINTR && errno != EAGAIN) {
        throw Error(ErrorKind::input, message("cannot read '", name_, "': ", reason(errno)));
      }
    }
    return count;
  }

  std::int64_t skip(std::int64_t count) override {
    struct stat status {};
    const off_t here = ::lseek(descriptor_, 0, SEEK_CUR);
    if (::fstat(descriptor_, &status) != 0 || !S_ISREG(status.st_mode) || here < 0) {
      return ByteStream::skip(count);
    }
    stop_if_cancelled();
    const std::int64_t passed =
        std::min(count, std::max<std::int64_t>(0, status.st_size - std::int64_t{here}));
    if (::lseek(descriptor_, passed, SEEK_CUR) < 0) {
      throw Error(ErrorKind::input, message("cannot read '", name_, "': ", reason(errno)));
    }
    return passed;
  }

 private:
  /// Until there is something to read, so that no read lasts when it is cancelled.
  void wait() const {
    constexpr int kMilliseconds = 50;
    pollfd input{descriptor_, POLLIN, 0};
    do {
      stop_if_cancelled();
      if (cancelled_ && cancelled_()) {
        throw StreamCancelled();
      }
    } while (::poll(&input, 1, kMilliseconds) == 0);
  }

  int descriptor_;
  std::string name_;
  std::function<bool()> cancelled_;
};

class MemoryStream : public ByteStream {
 public:
  explicit MemoryStream(std::span<const std::byte> bytes) : bytes_(bytes) {}

  std::size_t read(std::span<std::byte> to) override {
    stop_if_cancelled();
    const std::size_t count = std::min(to.size(), bytes_.size());
    std::copy_n(bytes_.begin(), count, to.begin());
    bytes_ = bytes_.subspan(count);
    return count;
  }

 private:
  std::span<const std::byte> bytes_;
};

}  // namespace

std::int64_t ByteStream::skip(std::int64_t count) {
  std::array<std::byte, 1 << 16> passed;
  std::int64_t done = 0;
  while (done < count) {
    const auto wanted = static_cast<std::size_t>(
        std::min<std::int64_t>(count - done, static_cast<std::int64_t>(passed.size())));
    const std::size_t some = read(std::span(passed).first(wanted));
    done += static_cast<std::int64_t>(some);
    if (some < wanted) {
      break;
    }
  }
  return done;
}

std::unique_ptr<ByteStream> descriptor_stream(int descriptor, std::string name,
                                              std::function<bool()> cancelled) {
  return std::make_unique<DescriptorStream>(descriptor, std::move(name), std::move(cancelled));
}

std::unique_ptr<ByteStream> memory_stream(std::span<const std::byte> bytes) {
  return std::make_unique<MemoryStream>(bytes);
}

void DescriptorSink::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno == EAGAIN) {
      pollfd output{descriptor_, POLLOUT, 0};
      ::poll(&output, 1, -1);
    } else if (written < 0 && errno != EINTR) {
      const int error = errno;
      const std::string text = message("cannot write '", name_, "': ", reason(error));
      if (error == ENOSPC || error == EDQUOT) {
        throw NoSpaceError(text);
      }
      throw Error(ErrorKind::output, text);
    }
    bytes = bytes.subspan(static_cast<std::size_t>(std::max<ssize_t>(0, written)));
  }
}

}  // namespace pisr
