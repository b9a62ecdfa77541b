#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "pisr/image/byte_sink.h"

namespace pisr {

/// Is thrown by a ByteStream that shall stop.
struct StreamCancelled {};

/// Bytes that come one after another, as those of a pipe.
class ByteStream {
 public:
  ByteStream() = default;
  ByteStream(const ByteStream&) = delete;
  ByteStream& operator=(const ByteStream&) = delete;
  virtual ~ByteStream() = default;

  /// Fills `to` and returns how many bytes there were: fewer than asked for only at the end. Throws
  /// Error input where that fails.
  virtual std::size_t read(std::span<std::byte> to) = 0;
  /// Passes over bytes and returns how many there were.
  virtual std::int64_t skip(std::int64_t count);

  /// From now on, also during a read() of another thread, reading throws StreamCancelled.
  void cancel() noexcept { cancelled_ = true; }

 protected:
  void stop_if_cancelled() const {
    if (cancelled_) {
      throw StreamCancelled();
    }
  }

 private:
  std::atomic<bool> cancelled_ = false;
};

/// Of an open file descriptor, which the caller keeps; `name` stands in error messages. Reading
/// throws StreamCancelled also where `cancelled`, which may be empty, says so: while it waits for
/// bytes too.
std::unique_ptr<ByteStream> descriptor_stream(int descriptor, std::string name,
                                              std::function<bool()> cancelled = {});
/// Of bytes that the caller keeps.
std::unique_ptr<ByteStream> memory_stream(std::span<const std::byte> bytes);

/// Writes to an open file descriptor, which the caller keeps. Throws Error output, and NoSpaceError
/// where the disk is full; `name` stands in the message.
class DescriptorSink : public ByteSink {
 public:
  DescriptorSink(int descriptor, std::string name)
      : descriptor_(descriptor), name_(std::move(name)) {}
  void write(std::span<const std::byte> bytes) override;

 private:
  int descriptor_;
  std::string name_;
};

}  // namespace pisr
