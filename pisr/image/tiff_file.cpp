#include "pisr/image/tiff_file.h"

#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstdio>
#include <limits>
#include <utility>

#include "pisr/image/codec.h"

namespace pisr {
namespace {

TiffFile& file_of(void* handle) {
  return *static_cast<TiffFile*>(handle);
}

}  // namespace

TiffFile::TiffFile(const ByteSource& source, const std::string& name)
    : source_(&source), name_(name) {
  // Rows are decoded one by one: what libtiff allocates at once is a field, or a compressed strip.
  constexpr std::int64_t kLeast = std::int64_t{1} << 28;
  open("rm", std::max(kLeast, source.size()));
  check_read(tiff_ != nullptr);
}

TiffFile::TiffFile(bool big) {
  open(big ? "w8m" : "wm", 0);
  check_written(tiff_ != nullptr);
}

void TiffFile::open(const char* mode, std::int64_t largest_allocation) {
  const std::unique_ptr<TIFFOpenOptions, decltype(&TIFFOpenOptionsFree)> options(
      TIFFOpenOptionsAlloc(), TIFFOpenOptionsFree);
  if (options == nullptr) {
    return;
  }
  TIFFOpenOptionsSetMaxSingleMemAlloc(options.get(), largest_allocation);
  TIFFOpenOptionsSetErrorHandlerExtR(options.get(), on_error, this);
  TIFFOpenOptionsSetWarningHandlerExtR(options.get(), on_warning, this);
  tiff_ = TIFFClientOpenExt("TIFF", mode, this, read, write, seek, do_nothing, size, nullptr,
                            nullptr, options.get());
}

void TiffFile::close() {
  if (tiff_ != nullptr) {
    TIFFClose(std::exchange(tiff_, nullptr));
  }
}

void TiffFile::rethrow() {
  if (exception_ != nullptr) {
    std::rethrow_exception(std::exchange(exception_, nullptr));
  }
}

void TiffFile::check_read(bool done) {
  rethrow();
  if (!done || (strict_ && !message_.empty())) {
    fail_to_decode(name_, at_end_ ? "truncated" : message_.empty() ? "damaged TIFF" : message_);
  }
}

void TiffFile::check_written(bool done) {
  rethrow();
  if (!done) {
    throw Error(ErrorKind::output, message("cannot encode TIFF: ", message_));
  }
}

tmsize_t TiffFile::read(thandle_t handle, void* to, tmsize_t count) {
  TiffFile& file = file_of(handle);
  try {
    std::size_t done = 0;
    const std::span<std::byte> wanted(static_cast<std::byte*>(to), static_cast<std::size_t>(count));
    if (file.source_ != nullptr) {
      done = file.source_->read(file.position_, wanted);
      file.at_end_ = file.at_end_ || done < wanted.size();
    } else if (file.position_ < std::ssize(file.written_)) {
      const auto from = file.written_.begin() + file.position_;
      done = std::min(wanted.size(), static_cast<std::size_t>(file.written_.end() - from));
      std::copy_n(from, done, wanted.begin());
    }
    file.position_ += static_cast<std::int64_t>(done);
    return static_cast<tmsize_t>(done);
  } catch (...) {
    file.exception_ = std::current_exception();
    return -1;
  }
}

tmsize_t TiffFile::write(thandle_t handle, void* from, tmsize_t count) {
  TiffFile& file = file_of(handle);
  try {
    const std::size_t end = static_cast<std::size_t>(file.position_ + count);
    file.written_.resize(std::max(file.written_.size(), end));
    std::copy_n(static_cast<const std::byte*>(from), count, file.written_.begin() + file.position_);
    file.position_ += count;
    return count;
  } catch (...) {
    file.exception_ = std::current_exception();
    return -1;
  }
}

toff_t TiffFile::seek(thandle_t handle, toff_t offset, int origin) {
  TiffFile& file = file_of(handle);
  const std::int64_t from = origin == SEEK_CUR   ? file.position_
                            : origin == SEEK_END ? static_cast<std::int64_t>(size(handle))
                                                 : 0;
  // Behind any file, where reading finds nothing.
  constexpr std::int64_t kFarthest = std::numeric_limits<std::int64_t>::max() / 4;
  const auto by = static_cast<std::int64_t>(offset);
  file.position_ = by > kFarthest || by < -from ? kFarthest : from + by;
  return static_cast<toff_t>(file.position_);
}

toff_t TiffFile::size(thandle_t handle) {
  const TiffFile& file = file_of(handle);
  return static_cast<toff_t>(file.source_ != nullptr ? file.source_->size()
                                                     : std::ssize(file.written_));
}

void TiffFile::keep_message(const char* format, va_list arguments) {
  if (message_.empty()) {
    std::array<char, 200> text{};
    std::vsnprintf(text.data(), text.size(), format, arguments);
    message_ = text.data();
  }
}

int TiffFile::on_error(TIFF*, void* file, const char*, const char* format, va_list arguments) {
  file_of(file).keep_message(format, arguments);
  return 1;  // no other handler is to see it
}

int TiffFile::on_warning(TIFF*, void* file, const char*, const char* format, va_list arguments) {
  if (file_of(file).strict_) {
    file_of(file).keep_message(format, arguments);
  }
  return 1;
}

}  // namespace pisr
