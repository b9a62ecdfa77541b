#include "pisr/image/bmp.h"

#include <algorithm>
#include <bit>
#include <memory>
#include <utility>

namespace pisr {
namespace {

/// As many bytes of rows are read at a time, or one row.
constexpr std::int64_t kBlock = 1 << 18;

/// Calls body(i, row) with row first + i, counted from the top, for each i below `count`, as long
/// as it returns true.
template <class Body>
void for_each_row(const ByteSource& source, const std::string& name, const BmpHeader& header,
                  int first, int count, std::vector<std::byte>& block, Body&& body) {
  const std::int64_t row = (std::int64_t{header.width} * header.bits + 7) / 8;
  const int at_once = static_cast<int>(std::clamp<std::int64_t>(kBlock / header.stride, 1, count));
  for (int done = 0; done < count;) {
    const int rows = std::min(at_once, count - done);
    const int top = first + done;
    const int line = header.from_top ? top : header.height - top - rows;
    block.resize(header.stride * (rows - 1) + row);
    read_exactly(source, header.start + header.stride * line, block, name);
    for (int i = 0; i < rows; ++i) {
      const int in_block = header.from_top ? i : rows - 1 - i;
      if (!body(done + i, block.data() + header.stride * in_block)) {
        return;
      }
    }
    done += rows;
  }
}

/// Whether the fourth bytes of the pixels plainly are alpha. Most writers leave there what was in
/// memory: zeros, 255s, a stray value. So they must vary, and more than a few must be visible.
bool holds_alpha(const ByteSource& source, const std::string& name, const BmpHeader& header) {
  constexpr int kVisible = 16;  // from here on
  constexpr int kShare = 64;    // one pixel of so many
  const std::int64_t enough = (std::int64_t{header.width} * header.height + kShare - 1) / kShare;
  std::vector<std::byte> block;
  std::int64_t visible = 0;
  bool varies = false;
  int before = -1;
  for_each_row(source, name, header, 0, header.height, block, [&](int, const std::byte* row) {
    for (int x = 0; x < header.width; ++x) {
      const int value = std::to_integer<int>(row[std::int64_t{4} * x + 3]);
      varies = varies || (before >= 0 && value != before);
      before = value;
      visible += value >= kVisible ? 1 : 0;
    }
    return !varies || visible < enough;
  });
  return varies && visible >= enough;
}

/// The bits of a colour in a pixel, and the sample of each of their values.
class Field {
 public:
  explicit Field(std::uint32_t mask)
      : mask_(mask), shift_(mask == 0 ? 0 : std::countr_zero(mask)), largest_(mask >> shift_) {
    if (largest_ < samples_.size()) {
      for (std::uint32_t value = 0; value <= largest_; ++value) {
        samples_[value] = scaled(value);
      }
    }
  }

  std::uint8_t sample(std::uint32_t pixel) const {
    const std::uint32_t value = (pixel & mask_) >> shift_;
    return largest_ < samples_.size() ? samples_[value] : scaled(value);
  }

 private:
  /// Of few bits rounded down, as Pillow does, so that other programs see the same picture.
  std::uint8_t scaled(std::uint64_t value) const {
    const std::uint64_t half = largest_ > 255 ? largest_ / 2 : 0;
    return static_cast<std::uint8_t>((255 * value + half) / std::max<std::uint64_t>(largest_, 1));
  }

  std::uint32_t mask_;
  int shift_;
  std::uint64_t largest_;
  std::array<std::uint8_t, 256> samples_{};
};

class BmpReader : public ImageReader {
 public:
  BmpReader(const ByteSource& source, std::string name, const ReadOptions& options)
      : source_(source), name_(std::move(name)), header_(read_bmp_header(source, name_, options)) {
    if (header_.may_hold_alpha && holds_alpha(source_, name_, header_)) {
      header_.masks[3] = 0xff000000;
    }
    info_.width = header_.width;
    info_.height = header_.height;
    info_.metadata.density = header_.density;
    if (header_.profile_size > 0) {
      info_.metadata.icc.resize(header_.profile_size);
      read_exactly(source_, header_.profile, info_.metadata.icc, name_);
    }
    if (header_.bits <= 8) {
      const bool grey = std::ranges::all_of(header_.palette, [](const auto& colour) {
        return colour[0] == colour[1] && colour[1] == colour[2];
      });
      info_.channels = grey ? 1 : 3;
      indices_.resize(header_.width);
    } else {
      info_.channels = header_.masks[3] == 0 ? 3 : 4;
      for (const std::uint32_t mask : header_.masks) {
        fields_.emplace_back(mask);
      }
    }
    if (header_.compression != BmpCompression::none) {
      runs_ = std::make_unique<BmpRuns>(source_, header_, name_);
    }
  }

  void read_rows(std::span<std::byte> rows) override {
    const std::size_t row_bytes = info_.row_bytes();
    const int count = static_cast<int>(rows.size() / row_bytes);
    auto* const samples = reinterpret_cast<std::uint8_t*>(rows.data());
    if (runs_ != nullptr) {
      for (int i = 0; i < count; ++i) {
        const int line = header_.from_top ? next_ + i : header_.height - 1 - next_ - i;
        runs_->read_row(line, indices_);
        look_up(samples + i * row_bytes);
      }
    } else {
      for_each_row(source_, name_, header_, next_, count, block_, [&](int i, const std::byte* row) {
        decode(row, samples + i * row_bytes);
        return true;
      });
    }
    next_ += count;
  }

 private:
  void decode(const std::byte* row, std::uint8_t* samples) {
    if (header_.bits <= 8) {
      const int in_a_byte = 8 / header_.bits;
      for (int x = 0; x < header_.width; ++x) {
        const int shift = header_.bits * (in_a_byte - 1 - x % in_a_byte);
        const int index = std::to_integer<int>(row[x / in_a_byte]) >> shift;
        indices_[x] = static_cast<std::uint8_t>(index & ((1 << header_.bits) - 1));
      }
      look_up(samples);
    } else {
      const int bytes = header_.bits / 8;
      for (int x = 0; x < header_.width; ++x, row += bytes) {
        const auto pixel = static_cast<std::uint32_t>(
            little_endian({row, static_cast<std::size_t>(bytes)}, 0, bytes));
        for (int c = 0; c < info_.channels; ++c) {
          *samples++ = fields_[c].sample(pixel);
        }
      }
    }
  }

  /// The colours of indices_.
  void look_up(std::uint8_t* samples) const {
    for (const std::uint8_t index : indices_) {
      if (index >= header_.palette.size()) {
        fail_to_decode(name_, message("BMP with a pixel of colour ", int{index},
                                      ", its palette has ", header_.palette.size()));
      }
      samples = std::copy_n(header_.palette[index].begin(), info_.channels, samples);
    }
  }

  const ByteSource& source_;
  std::string name_;
  BmpHeader header_;
  std::vector<std::byte> block_;
  std::vector<std::uint8_t> indices_;  // of a row
  std::unique_ptr<BmpRuns> runs_;
  std::vector<Field> fields_;
  int next_ = 0;  // row, counted from the top
};

}  // namespace

bool is_bmp(Bytes start) {
  return starts_with(start, "BM");
}

std::unique_ptr<ImageReader> open_bmp(const ByteSource& source, const std::string& name,
                                      const ReadOptions& options) {
  return std::make_unique<BmpReader>(source, name, options);
}

}  // namespace pisr
