#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <utility>

#include "pisr/image/bmp.h"

namespace pisr {
namespace {

/// Rows from the bottom, as every reader knows them, are kept until all are there. A larger picture
/// is written from the top, which is as valid, but which a few old readers do not know.
constexpr std::int64_t kMostKept = std::int64_t{1} << 27;

void append(std::vector<std::byte>& file, std::int64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) {
    file.push_back(static_cast<std::byte>(value >> (8 * i) & 0xff));
  }
}

/// Samples a metre; 72 an inch where the density is not known.
std::int64_t per_metre(const ImageMetadata& metadata, double PixelDensity::*direction) {
  constexpr std::int64_t kUnknown = 2835;
  if (!metadata.density || !metadata.density->per_metre) {
    return kUnknown;
  }
  const double wanted = std::round((*metadata.density).*direction);
  return wanted >= 1 && wanted <= std::numeric_limits<std::int32_t>::max()
             ? static_cast<std::int64_t>(wanted)
             : kUnknown;
}

/// Grey as 8 bits with a palette, RGB as 24 bits, RGB and alpha as 32 bits with masks. The header
/// is the oldest that holds what there is: version 3, 4 with alpha, 5 with a colour profile.
class BmpWriter : public ImageWriter {
 public:
  BmpWriter(ByteSink& sink, const ImageInfo& info) : sink_(sink), info_(info) {
    const bool alpha = info.channels == 4;
    profile_ = static_cast<std::int64_t>(info.metadata.icc.size());
    header_size_ = profile_ > 0 ? 124 : alpha ? 108 : 40;
    colours_ = info.channels == 1 ? 256 : 0;
    stride_ = (std::int64_t{info.width} * info.channels + 3) / 4 * 4;
    samples_ = stride_ * info.height;
    const std::int64_t size = kBmpFileHeader + header_size_ + 4 * colours_ + samples_ + profile_;
    if (size > std::numeric_limits<std::uint32_t>::max()) {
      throw Error(ErrorKind::output, message("cannot encode BMP: ", info.width, "x", info.height,
                                             " would take 4 GiB or more"));
    }
    from_top_ = samples_ > kMostKept;
    sink_.write(header(size));
    if (!from_top_) {
      kept_.resize(samples_);
    }
  }

  void write_rows(std::span<const std::byte> rows) override {
    const std::size_t row_bytes = info_.row_bytes();
    for (; !rows.empty(); rows = rows.subspan(row_bytes), ++next_) {
      if (from_top_) {
        kept_.assign(stride_, std::byte{0});
        encode(rows.data(), kept_.data());
        sink_.write(kept_);
      } else {
        encode(rows.data(), kept_.data() + stride_ * (info_.height - 1 - next_));
      }
    }
  }

  void finish() override {
    if (!from_top_) {
      sink_.write(kept_);
    }
    sink_.write(info_.metadata.icc);
  }

 private:
  std::vector<std::byte> header(std::int64_t size) const {
    std::vector<std::byte> file;
    const std::int64_t start = kBmpFileHeader + header_size_ + 4 * colours_;
    const bool alpha = info_.channels == 4;
    append(file, 'B' | 'M' << 8, 2);
    append(file, size, 4);
    append(file, 0, 4);
    append(file, start, 4);
    append(file, header_size_, 4);
    append(file, info_.width, 4);
    append(file, from_top_ ? -info_.height : info_.height, 4);
    append(file, 1, 2);
    append(file, std::int64_t{8} * info_.channels, 2);
    append(file, alpha ? 3 : 0, 4);
    append(file, samples_, 4);
    append(file, per_metre(info_.metadata, &PixelDensity::x), 4);
    append(file, per_metre(info_.metadata, &PixelDensity::y), 4);
    append(file, colours_, 4);
    append(file, 0, 4);
    if (header_size_ > 40) {
      for (const std::int64_t mask : {0x00ff0000LL, 0x0000ff00LL, 0x000000ffLL, 0xff000000LL}) {
        append(file, alpha ? mask : 0, 4);
      }
      constexpr std::int64_t kStandard = 0x73524742;  // sRGB
      constexpr std::int64_t kEmbedded = 0x4d424544;
      append(file, profile_ > 0 ? kEmbedded : kStandard, 4);
      file.resize(kBmpFileHeader + 108);  // end points and gamma, which neither uses
    }
    if (header_size_ == 124) {
      append(file, 4, 4);  // the intent of pictures
      append(file, start + samples_ - kBmpFileHeader, 4);
      append(file, profile_, 4);
      append(file, 0, 4);
    }
    for (int i = 0; i < colours_; ++i) {
      append(file, std::int64_t{0x010101} * i, 4);
    }
    return file;
  }

  void encode(const std::byte* row, std::byte* to) const {
    if (info_.channels == 1) {
      std::copy_n(row, info_.width, to);
      return;
    }
    for (int x = 0; x < info_.width; ++x, row += info_.channels, to += info_.channels) {
      to[0] = row[2];
      to[1] = row[1];
      to[2] = row[0];
      if (info_.channels == 4) {
        to[3] = row[3];
      }
    }
  }

  ByteSink& sink_;
  ImageInfo info_;
  std::int64_t profile_ = 0;  // bytes
  int header_size_ = 0;
  int colours_ = 0;  // of the palette
  std::int64_t stride_ = 0;
  std::int64_t samples_ = 0;  // bytes
  bool from_top_ = false;
  std::vector<std::byte> kept_;  // all rows, or one
  int next_ = 0;
};

}  // namespace

std::unique_ptr<ImageWriter> create_bmp(ByteSink& sink, const ImageInfo& info,
                                        const WriteOptions&) {
  return std::make_unique<BmpWriter>(sink, info);
}

}  // namespace pisr
