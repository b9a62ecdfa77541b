#include <algorithm>
#include <memory>
#include <utility>

#include "pisr/image/codec.h"
#include "pisr/image/tiff_file.h"

namespace pisr {
namespace {

/// Strips of about so many bytes.
constexpr std::size_t kStrip = 1 << 20;
/// Images of more bytes become BigTIFF, as even without compression they might not fit.
constexpr std::uint64_t kLargestTiff = 3'900'000'000;

/// The compressed strips are kept until all are there: where they lie is told before them.
class TiffWriter : public ImageWriter {
 public:
  TiffWriter(ByteSink& sink, const ImageInfo& info, const WriteOptions& options)
      : sink_(sink), row_bytes_(info.row_bytes()), file_(row_bytes_ * info.height > kLargestTiff) {
    if (options.png_level < 0 || options.png_level > 9) {
      throw Error(ErrorKind::usage,
                  message("TIFF compression must be 0 to 9, got ", options.png_level));
    }
    rows_of_strip_ = std::clamp<std::size_t>(kStrip / row_bytes_, 1, info.height);
    TIFF* const tiff = file_.get();
    const bool real = info.samples == SampleType::f32;
    const auto set = [&](auto... field) { file_.check_written(TIFFSetField(tiff, field...) != 0); };
    set(TIFFTAG_IMAGEWIDTH, static_cast<std::uint32_t>(info.width));
    set(TIFFTAG_IMAGELENGTH, static_cast<std::uint32_t>(info.height));
    set(TIFFTAG_SAMPLESPERPIXEL, info.channels);
    set(TIFFTAG_BITSPERSAMPLE, static_cast<int>(8 * size_of(info.samples)));
    set(TIFFTAG_SAMPLEFORMAT, real ? SAMPLEFORMAT_IEEEFP : SAMPLEFORMAT_UINT);
    set(TIFFTAG_PHOTOMETRIC, info.is_grey() ? PHOTOMETRIC_MINISBLACK : PHOTOMETRIC_RGB);
    set(TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
    if (info.has_alpha()) {
      const std::uint16_t kind = EXTRASAMPLE_UNASSALPHA;
      set(TIFFTAG_EXTRASAMPLES, 1, &kind);
    }
    set(TIFFTAG_ROWSPERSTRIP, static_cast<std::uint32_t>(rows_of_strip_));
    if (options.png_level > 0) {
      set(TIFFTAG_COMPRESSION, COMPRESSION_ADOBE_DEFLATE);
      set(TIFFTAG_ZIPQUALITY, options.png_level);
      set(TIFFTAG_PREDICTOR, real ? PREDICTOR_FLOATINGPOINT : PREDICTOR_HORIZONTAL);
    }
    file_.check_written(set_tiff_metadata(tiff, info.metadata));
  }

  void write_rows(std::span<const std::byte> rows) override {
    const std::size_t full = rows_of_strip_ * row_bytes_;
    while (!rows.empty()) {
      const auto part = rows.first(std::min(rows.size(), full - strip_.size()));
      strip_.insert(strip_.end(), part.begin(), part.end());
      rows = rows.subspan(part.size());
      if (strip_.size() == full) {
        write_strip();
      }
    }
  }

  void finish() override {
    if (!strip_.empty()) {
      write_strip();
    }
    file_.check_written(TIFFFlush(file_.get()) == 1);
    file_.close();
    sink_.write(file_.bytes());
  }

 private:
  void write_strip() {
    // It may change what it is given.
    file_.check_written(TIFFWriteEncodedStrip(file_.get(), strips_++, strip_.data(),
                                              static_cast<tmsize_t>(strip_.size())) >= 0);
    strip_.clear();
  }

  ByteSink& sink_;
  std::size_t row_bytes_;
  TiffFile file_;
  std::size_t rows_of_strip_ = 1;
  std::vector<std::byte> strip_;
  std::uint32_t strips_ = 0;
};

}  // namespace

std::unique_ptr<ImageWriter> create_tiff(ByteSink& sink, const ImageInfo& info,
                                         const WriteOptions& options) {
  return std::make_unique<TiffWriter>(sink, info, options);
}

}  // namespace pisr
