#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "pisr/image/byte_source.h"

namespace pisr {

/// Fills `to` from `offset` on. Throws Error(input) `cannot decode 'NAME': truncated` where the
/// source ends before.
void read_exactly(const ByteSource& source, std::int64_t offset, std::span<std::byte> to,
                  const std::string& name);

/// Bytes of a source one after another. The source must outlive it.
class ByteCursor {
 public:
  explicit ByteCursor(const ByteSource& source, std::int64_t position = 0)
      : source_(source), start_(position) {}

  static constexpr int kEnd = -1;
  /// The next byte, 0..255; kEnd where there is none.
  int next() {
    if (used_ == filled_ && !refill()) {
      return kEnd;
    }
    return std::to_integer<int>(buffer_[used_++]);
  }
  /// That of the byte which next() gives.
  std::int64_t position() const { return start_ + static_cast<std::int64_t>(used_); }
  void seek(std::int64_t position);

 private:
  bool refill();

  const ByteSource& source_;
  std::int64_t start_;  ///< the position of buffer_[0]
  std::size_t used_ = 0;
  std::size_t filled_ = 0;
  std::array<std::byte, 8192> buffer_;
};

}  // namespace pisr
