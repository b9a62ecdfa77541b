#include "pisr/image/byte_cursor.h"

#include "pisr/image/codec.h"

namespace pisr {

void read_exactly(const ByteSource& source, std::int64_t offset, std::span<std::byte> to,
                  const std::string& name) {
  if (source.read(offset, to) < to.size()) {
    fail_to_decode(name, "truncated");
  }
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
