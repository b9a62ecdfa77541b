#include <algorithm>

#include "pisr/image/bmp.h"

namespace pisr {

BmpRuns::BmpRuns(const ByteSource& source, const BmpHeader& header, const std::string& name)
    : name_(name),
      cursor_(source, header.start),
      width_(header.width),
      height_(header.height),
      nibbles_(header.compression == BmpCompression::rle4) {
  for (int x = 0; line_ < height_;) {
    starts_.push_back({line_, x, cursor_.position()});
    const RowEnd end = run(x, {});
    if (end.of_picture) {
      break;
    }
    x = end.x;
    line_ += end.down;
  }
}

void BmpRuns::read_row(int line, std::span<std::uint8_t> indices) {
  std::fill(indices.begin(), indices.end(), std::uint8_t{0});
  const auto start =
      std::lower_bound(starts_.begin(), starts_.end(), line,
                       [](const Start& one, int wanted) { return one.line < wanted; });
  if (start != starts_.end() && start->line == line) {
    line_ = line;
    cursor_.seek(start->position);
    run(start->x, indices);
  }
}

int BmpRuns::byte() {
  const int value = cursor_.next();
  if (value == SourceCursor::kEnd) {
    fail_to_decode(name_, "truncated");
  }
  return value;
}

/// Reads the commands of a row from pixel `x` on. Without `indices` nothing is stored.
BmpRuns::RowEnd BmpRuns::run(int x, std::span<std::uint8_t> indices) {
  // What goes beyond the row is dropped, as other readers do.
  const auto put = [&](int index) {
    if (x < width_) {
      if (!indices.empty()) {
        indices[x] = static_cast<std::uint8_t>(index);
      }
      ++x;
    }
  };
  for (;;) {
    if (line_ == height_ - 1 && x == width_) {
      return {.of_picture = true};  // perhaps without the command that says so
    }
    const int count = byte();
    const int value = byte();
    if (count > 0) {
      for (int i = 0; i < count; ++i) {
        put(!nibbles_ ? value : i % 2 == 0 ? value >> 4 : value & 15);
      }
    } else if (value == 0) {
      return {.x = 0, .down = 1};
    } else if (value == 1) {
      return {.of_picture = true};
    } else if (value == 2) {
      x = std::min(x + byte(), width_);
      if (const int down = byte(); down > 0) {
        return {.x = x, .down = down};
      }
    } else {
      int pair = 0;
      for (int i = 0; i < value; ++i) {
        pair = nibbles_ && i % 2 == 1 ? pair << 4 & 0xf0 : byte();
        put(nibbles_ ? pair >> 4 : pair);
      }
      const int bytes = nibbles_ ? (value + 1) / 2 : value;
      if (bytes % 2 == 1) {
        cursor_.next();  // fills the pair; perhaps missing behind the last pixel
      }
    }
  }
}

}  // namespace pisr
