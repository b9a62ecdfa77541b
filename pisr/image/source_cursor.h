#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "pisr/image/byte_source.h"

namespace pisr {

/// Reads a source from a place on, a block at a time. The source must outlive it.
class SourceCursor {
 public:
  explicit SourceCursor(const ByteSource& source, std::int64_t position = 0)
      : source_(source), block_(kBlock), start_(position) {}

  static constexpr int kEnd = -1;
  /// The next byte, 0..255; kEnd where there is none.
  int next() {
    if (used_ == filled_) {
      fill();
      if (filled_ == 0) {
        return kEnd;
      }
    }
    return std::to_integer<int>(block_[used_++]);
  }

  std::int64_t position() const { return start_ + static_cast<std::int64_t>(used_); }

  void skip(std::int64_t count) { seek(position() + count); }

  void seek(std::int64_t position) {
    if (position >= start_ && position - start_ <= static_cast<std::int64_t>(filled_)) {
      used_ = static_cast<std::size_t>(position - start_);
    } else {
      start_ = position;
      used_ = filled_ = 0;
    }
  }

  /// What is left of the block, or the next one; empty at the end of the source. The bytes are
  /// passed over, and stay until the next call.
  std::span<const std::byte> next_block() {
    if (used_ == filled_) {
      fill();
    }
    const auto rest = std::span<const std::byte>(block_).subspan(used_, filled_ - used_);
    used_ = filled_;
    return rest;
  }

  /// Fills `to` and returns how many bytes there were: fewer than asked for only at the end.
  std::size_t read(std::span<std::byte> to) {
    std::size_t count = 0;
    while (count < to.size()) {
      if (used_ == filled_) {
        fill();
        if (filled_ == 0) {
          break;
        }
      }
      const std::size_t some = std::min(filled_ - used_, to.size() - count);
      std::copy_n(block_.begin() + static_cast<std::ptrdiff_t>(used_), some,
                  to.begin() + static_cast<std::ptrdiff_t>(count));
      used_ += some;
      count += some;
    }
    return count;
  }

 private:
  static constexpr std::size_t kBlock = std::size_t{1} << 16;

  void fill() {
    start_ = position();
    used_ = filled_ = 0;
    filled_ = source_.read(start_, block_);
  }

  const ByteSource& source_;
  std::vector<std::byte> block_;
  std::int64_t start_ = 0;  // of block_ in the source
  std::size_t used_ = 0;
  std::size_t filled_ = 0;
};

}  // namespace pisr
