#include "pisr/image/whole_image.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>
#include <variant>

namespace pisr {
namespace {

template <class Sample>
std::span<std::byte> bytes_of(ImageOf<Sample>& image) {
  return std::as_writable_bytes(std::span(image.samples));
}

class WholeImageReader : public ImageReader {
 public:
  WholeImageReader(AnyImage image, ImageMetadata metadata) : image_(std::move(image)) {
    info_ = {image_.width(), image_.height(), image_.channels(),
             image_.is_16_bit() ? SampleType::u16 : SampleType::u8, std::move(metadata)};
  }

  void read_rows(std::span<std::byte> rows) override {
    std::visit(
        [&](auto& image) {
          const std::span<std::byte> here = bytes_of(image).subspan(position_, rows.size());
          std::copy(here.begin(), here.end(), rows.begin());
        },
        image_.pixels);
    position_ += rows.size();
  }

 private:
  AnyImage image_;
  std::size_t position_ = 0;
};

class WholeImageWriter : public ImageWriter {
 public:
  WholeImageWriter(ByteSink& sink, const ImageInfo& info, EncodeWhole encode)
      : sink_(sink), encode_(std::move(encode)) {
    if (info.samples == SampleType::u16) {
      image_.pixels = Image16(info.width, info.height, info.channels);
    } else {
      image_.pixels = Image8(info.width, info.height, info.channels);
    }
  }

  void write_rows(std::span<const std::byte> rows) override {
    std::visit(
        [&](auto& image) {
          std::copy(rows.begin(), rows.end(), bytes_of(image).subspan(position_).begin());
        },
        image_.pixels);
    position_ += rows.size();
  }

  void finish() override { sink_.write(encode_(image_)); }

 private:
  ByteSink& sink_;
  EncodeWhole encode_;
  AnyImage image_;
  std::size_t position_ = 0;
};

/// Samples on 0..1 as 16 bits, rounded half up; what is not a number as 0.
Image16 read_float_pixels(ImageReader& reader) {
  const ImageInfo& info = reader.info();
  Image16 image(info.width, info.height, info.channels);
  std::vector<float> row(static_cast<std::size_t>(info.width) * info.channels);
  for (int y = 0; y < info.height; ++y) {
    reader.read_rows(std::as_writable_bytes(std::span(row)));
    std::transform(row.begin(), row.end(), image.row(y), [](float value) {
      const float inside = value > 0 ? std::min(value, 1.0F) : 0.0F;
      return static_cast<std::uint16_t>(std::floor(inside * 65535.0F + 0.5F));
    });
  }
  return image;
}

}  // namespace

std::unique_ptr<ImageReader> reader_of(AnyImage image, ImageMetadata metadata) {
  return std::make_unique<WholeImageReader>(std::move(image), std::move(metadata));
}

std::unique_ptr<ImageWriter> writer_of(ByteSink& sink, const ImageInfo& info, EncodeWhole encode) {
  return std::make_unique<WholeImageWriter>(sink, info, std::move(encode));
}

AnyImage read_pixels(ImageReader& reader) {
  const ImageInfo& info = reader.info();
  AnyImage image;
  if (info.samples == SampleType::f32) {
    image.pixels = read_float_pixels(reader);
  } else if (info.samples == SampleType::u16) {
    image.pixels = Image16(info.width, info.height, info.channels);
  } else {
    image.pixels = Image8(info.width, info.height, info.channels);
  }
  if (info.samples != SampleType::f32) {
    std::visit([&](auto& pixels) { reader.read_rows(bytes_of(pixels)); }, image.pixels);
  }
  reader.finish();
  return image;
}

}  // namespace pisr
