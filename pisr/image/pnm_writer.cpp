#include <bit>
#include <memory>
#include <string>
#include <utility>

#include "pisr/image/byte_order.h"
#include "pisr/image/codec.h"

namespace pisr {
namespace {

/// A header and then the samples, the high byte first.
class PnmWriter : public ImageWriter {
 public:
  PnmWriter(ByteSink& sink, SampleType samples, const std::string& header)
      : sink_(sink), size_(size_of(samples)) {
    sink_.write(std::as_bytes(std::span(header)));
  }

  void write_rows(std::span<const std::byte> rows) override {
    if (size_ == 1) {
      sink_.write(rows);
      return;
    }
    constexpr std::size_t kPiece = 1 << 16;
    for (; !rows.empty(); rows = rows.subspan(piece_.size())) {
      const std::span<const std::byte> part = rows.first(std::min(rows.size(), kPiece));
      piece_.assign(part.begin(), part.end());
      convert_order(piece_, size_, std::endian::big);
      sink_.write(piece_);
    }
  }

  void finish() override {}

 private:
  ByteSink& sink_;
  std::size_t size_;
  std::vector<std::byte> piece_;
};

/// Rows from the bottom, so that they are kept until all are there.
class PfmWriter : public ImageWriter {
 public:
  PfmWriter(ByteSink& sink, const ImageInfo& info) : sink_(sink), info_(info) {
    kept_.reserve(static_cast<std::size_t>(info.width) * info.height * info.channels);
  }

  void write_rows(std::span<const std::byte> rows) override {
    const std::size_t size = size_of(info_.samples);
    for (std::size_t at = 0; at < rows.size(); at += size) {
      kept_.push_back(real(rows.subspan(at, size)));
    }
  }

  void finish() override {
    const std::string header =
        message(info_.channels == 1 ? "Pf" : "PF", "\n", info_.width, " ", info_.height, "\n",
                std::endian::native == std::endian::little ? "-1.0\n" : "1.0\n");
    sink_.write(std::as_bytes(std::span(header)));
    const std::size_t row = static_cast<std::size_t>(info_.width) * info_.channels;
    for (std::size_t end = kept_.size(); end > 0; end -= row) {
      sink_.write(std::as_bytes(std::span(kept_).subspan(end - row, row)));
    }
  }

 private:
  /// The sample on 0..1.
  float real(std::span<const std::byte> sample) const {
    if (info_.samples == SampleType::u8) {
      return static_cast<float>(std::to_integer<int>(sample[0])) / 255;
    }
    if (info_.samples == SampleType::u16) {
      std::uint16_t value = 0;
      std::copy_n(sample.begin(), sizeof(value), reinterpret_cast<std::byte*>(&value));
      return static_cast<float>(value) / 65535;
    }
    float value = 0;
    std::copy_n(sample.begin(), sizeof(value), reinterpret_cast<std::byte*>(&value));
    return value;
  }

  ByteSink& sink_;
  ImageInfo info_;
  std::vector<float> kept_;
};

int largest(const ImageInfo& info) {
  return info.samples == SampleType::u16 ? 65535 : 255;
}

}  // namespace

std::unique_ptr<ImageWriter> create_pnm(ByteSink& sink, const ImageInfo& info,
                                        const WriteOptions&) {
  return std::make_unique<PnmWriter>(sink, info.samples,
                                     message(info.channels == 1 ? "P5" : "P6", "\n", info.width,
                                             " ", info.height, "\n", largest(info), "\n"));
}

std::unique_ptr<ImageWriter> create_pam(ByteSink& sink, const ImageInfo& info,
                                        const WriteOptions&) {
  const char* const types[] = {"GRAYSCALE", "GRAYSCALE_ALPHA", "RGB", "RGB_ALPHA"};
  return std::make_unique<PnmWriter>(
      sink, info.samples,
      message("P7\nWIDTH ", info.width, "\nHEIGHT ", info.height, "\nDEPTH ", info.channels,
              "\nMAXVAL ", largest(info), "\nTUPLTYPE ", types[info.channels - 1], "\nENDHDR\n"));
}

std::unique_ptr<ImageWriter> create_pfm(ByteSink& sink, const ImageInfo& info,
                                        const WriteOptions&) {
  return std::make_unique<PfmWriter>(sink, info);
}

}  // namespace pisr
