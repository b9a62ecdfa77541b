#include <array>
#include <memory>
#include <utility>

#include "pisr/image/byte_order.h"
#include "pisr/image/codec.h"

// farbfeld: a signature, width and height, and samples of 16 bits, always RGB and alpha, all with
// the high byte first.

namespace pisr {
namespace {

constexpr std::string_view kSignature = "farbfeld";
constexpr std::int64_t kHeader = 16;
constexpr int kChannels = 4;

class FarbfeldReader : public ImageReader {
 public:
  FarbfeldReader(const ByteSource& source, std::string name, const ReadOptions& options)
      : source_(source), name_(std::move(name)) {
    std::array<std::byte, kHeader> header;
    read_exactly(source_, 0, header, name_);
    const auto width = static_cast<std::int64_t>(big_endian(header, 8, 4));
    const auto height = static_cast<std::int64_t>(big_endian(header, 12, 4));
    check_declared_size(width, height, name_, options);
    info_ = {static_cast<int>(width), static_cast<int>(height), kChannels, SampleType::u16, {}};
    if ((source_.size() - kHeader) / static_cast<std::int64_t>(info_.row_bytes()) < height) {
      fail_to_decode(name_, "truncated");
    }
  }

  void read_rows(std::span<std::byte> rows) override {
    read_exactly(source_, position_, rows, name_);
    convert_order(rows, 2, std::endian::big);
    position_ += static_cast<std::int64_t>(rows.size());
  }

 private:
  const ByteSource& source_;
  std::string name_;
  std::int64_t position_ = kHeader;
};

class FarbfeldWriter : public ImageWriter {
 public:
  FarbfeldWriter(ByteSink& sink, const ImageInfo& info) : sink_(sink), info_(info) {
    std::vector<std::byte> header;
    for (const char letter : kSignature) {
      header.push_back(static_cast<std::byte>(letter));
    }
    for (const int side : {info.width, info.height}) {
      for (int shift = 24; shift >= 0; shift -= 8) {
        header.push_back(static_cast<std::byte>(side >> shift & 0xff));
      }
    }
    sink_.write(header);
  }

  void write_rows(std::span<const std::byte> rows) override {
    const std::size_t row_bytes = info_.row_bytes();
    for (; !rows.empty(); rows = rows.subspan(row_bytes)) {
      row_.clear();
      for (std::size_t x = 0; x < static_cast<std::size_t>(info_.width); ++x) {
        for (int c = 0; c < kChannels; ++c) {
          const int from = c == 3            ? info_.has_alpha() ? info_.channels - 1 : -1
                           : info_.is_grey() ? 0
                                             : c;
          const std::uint16_t value = from < 0 ? 65535 : sample(rows, x * info_.channels + from);
          row_.push_back(static_cast<std::byte>(value >> 8));
          row_.push_back(static_cast<std::byte>(value & 0xff));
        }
      }
      sink_.write(row_);
    }
  }

  void finish() override {}

 private:
  std::uint16_t sample(std::span<const std::byte> rows, std::size_t index) const {
    if (info_.samples == SampleType::u8) {
      return static_cast<std::uint16_t>(std::to_integer<int>(rows[index]) * 257);
    }
    std::uint16_t value = 0;
    std::copy_n(rows.begin() + 2 * index, 2, reinterpret_cast<std::byte*>(&value));
    return value;
  }

  ByteSink& sink_;
  ImageInfo info_;
  std::vector<std::byte> row_;
};

}  // namespace

bool is_farbfeld(Bytes start) {
  return starts_with(start, kSignature);
}

std::unique_ptr<ImageReader> open_farbfeld(const ByteSource& source, const std::string& name,
                                           const ReadOptions& options) {
  return std::make_unique<FarbfeldReader>(source, name, options);
}

std::unique_ptr<ImageWriter> create_farbfeld(ByteSink& sink, const ImageInfo& info,
                                             const WriteOptions&) {
  return std::make_unique<FarbfeldWriter>(sink, info);
}

}  // namespace pisr
