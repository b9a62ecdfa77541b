#include "pisr/image/byte_cursor.h"

#include "pisr/image/codec.h"

namespace pisr {

void read_exactly(const ByteSource& source, std::int64_t offset, std::span<std::byte> to,
                  const std::string& name) {
  if (source.read(offset, to) < to.size()) {
    fail_to_decode(name, "truncated");
  }
}

std::uint64_t little_endian(std::span<const std::byte> bytes, std::size_t at, int count) {
  std::uint64_t value = 0;
  for (int i = count - 1; i >= 0; --i) {
    value = value << 8 | std::to_integer<std::uint64_t>(bytes[at + i]);
  }
  return value;
}

std::uint64_t big_endian(std::span<const std::byte> bytes, std::size_t at, int count) {
  std::uint64_t value = 0;
  for (int i = 0; i < count; ++i) {
    value = value << 8 | std::to_integer<std::uint64_t>(bytes[at + i]);
  }
  return value;
}

void ByteCursor::seek(std::int64_t position) {
  if (position >= start_ && position <= start_ + static_cast<std::int64_t>(filled_)) {
    used_ = static_cast<std::size_t>(position - start_);
    return;
  }
  start_ = position;
  used_ = 0;
  filled_ = 0;
}

bool ByteCursor::refill() {
  start_ += static_cast<std::int64_t>(filled_);
  used_ = 0;
  filled_ = source_.read(start_, buffer_);
  return filled_ > 0;
}

}  // namespace pisr
