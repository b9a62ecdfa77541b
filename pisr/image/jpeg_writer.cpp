#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "pisr/image/codec.h"
#include "pisr/image/jpeg_errors.h"
#include "pisr/image/jpeg_segments.h"

namespace pisr {
namespace {

constexpr std::size_t kBlock = std::size_t{1} << 16;

/// The density as JFIF's header holds it.
struct JfifDensity {
  UINT8 unit = 0;  ///< 0: a ratio, 1: of an inch, 2: of a centimetre
  UINT16 x = 1, y = 1;
};

bool is_density(double value) {
  return value >= 1 && value <= 65535;
}

/// What JFIF writes for none where the numbers are too small or too large.
JfifDensity jfif_density(const PixelDensity& density) {
  const auto in = [&](UINT8 unit, double factor) -> JfifDensity {
    const double x = std::round(density.x * factor);
    const double y = std::round(density.y * factor);
    return is_density(x) && is_density(y)
               ? JfifDensity{unit, static_cast<UINT16>(x), static_cast<UINT16>(y)}
               : JfifDensity{};
  };
  const auto is_whole = [](double value) { return std::abs(value - std::round(value)) < 0.01; };
  if (density.per_metre) {
    constexpr double kInch = 0.0254;
    constexpr double kCentimetre = 0.01;
    const bool is_metric = is_whole(density.x * kCentimetre) && is_whole(density.y * kCentimetre) &&
                           !(is_whole(density.x * kInch) && is_whole(density.y * kInch));
    return is_metric ? in(2, kCentimetre) : in(1, kInch);
  }
  return is_whole(density.x) && is_whole(density.y) ? in(0, 1) : in(0, 1000);
}

/// Gives back libjpeg's memory also where the writer's constructor throws.
struct Compressor : jpeg_compress_struct {
  Compressor() : jpeg_compress_struct{} {}
  Compressor(const Compressor&) = delete;
  Compressor& operator=(const Compressor&) = delete;
  ~Compressor() { jpeg_destroy_compress(this); }
};

class JpegWriter : public ImageWriter {
 public:
  JpegWriter(ByteSink& sink, const ImageInfo& info, int quality)
      : sink_(sink), quality_(quality), block_(kBlock) {
    info_ = info;
    start_jpeg_errors(errors_);
    jpeg_.err = &errors_.manager;
    check(try_start());
    write_metadata();
  }

  void write_rows(std::span<const std::byte> rows) override {
    for (; !rows.empty(); rows = rows.subspan(info_.row_bytes())) {
      // libjpeg does not write to the rows, though it takes them without const.
      check(try_write_row(const_cast<JSAMPROW>(reinterpret_cast<const JSAMPLE*>(rows.data()))));
    }
  }

  void finish() override { check(try_finish()); }

 private:
  void check(bool done) {
    if (done) {
      return;
    }
    if (errors_.failure) {
      std::rethrow_exception(errors_.failure);
    }
    throw Error(ErrorKind::output, message("cannot encode JPEG: ", errors_.text.data()));
  }

  static JpegWriter& self(j_compress_ptr jpeg) {
    return *static_cast<JpegWriter*>(jpeg->client_data);
  }

  static void on_start(j_compress_ptr jpeg) { self(jpeg).offer_block(); }

  static boolean on_full(j_compress_ptr jpeg) {
    if (!self(jpeg).try_flush(kBlock)) {
      fail_in_jpeg(reinterpret_cast<j_common_ptr>(jpeg));
    }
    return TRUE;
  }

  static void on_end(j_compress_ptr jpeg) {
    if (!self(jpeg).try_flush(kBlock - jpeg->dest->free_in_buffer)) {
      fail_in_jpeg(reinterpret_cast<j_common_ptr>(jpeg));
    }
  }

  void offer_block() {
    destination_.next_output_byte = reinterpret_cast<JOCTET*>(block_.data());
    destination_.free_in_buffer = block_.size();
  }

  bool try_flush(std::size_t size) {
    try {
      sink_.write(std::span(block_).first(size));
      offer_block();
      return true;
    } catch (...) {
      errors_.failure = std::current_exception();
      return false;
    }
  }

  bool try_start() {
    if (setjmp(errors_.jump) != 0) {
      return false;
    }
    jpeg_create_compress(&jpeg_);
    jpeg_.client_data = this;
    destination_.init_destination = on_start;
    destination_.empty_output_buffer = on_full;
    destination_.term_destination = on_end;
    jpeg_.dest = &destination_;
    jpeg_.image_width = static_cast<JDIMENSION>(info_.width);
    jpeg_.image_height = static_cast<JDIMENSION>(info_.height);
    jpeg_.input_components = info_.channels;
    jpeg_.in_color_space = info_.channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_set_defaults(&jpeg_);
    jpeg_set_quality(&jpeg_, quality_, TRUE);
    if (quality_ >= 90) {
      jpeg_.comp_info[0].h_samp_factor = 1;
      jpeg_.comp_info[0].v_samp_factor = 1;
    }
    if (info_.metadata.density) {
      const JfifDensity density = jfif_density(*info_.metadata.density);
      jpeg_.density_unit = density.unit;
      jpeg_.X_density = density.x;
      jpeg_.Y_density = density.y;
    }
    jpeg_start_compress(&jpeg_, TRUE);
    return true;
  }

  void write_metadata() {
    const std::vector<std::byte>& exif = info_.metadata.exif;
    if (!exif.empty() && exif.size() <= kMostSegment - kExifPrefix.size()) {
      write_segment(JPEG_APP0 + 1, kExifPrefix, exif);
    }
    constexpr std::size_t kPart = kMostSegment - kIccPartHeader;
    constexpr std::size_t kMostParts = 255;
    const std::span<const std::byte> icc = info_.metadata.icc;
    const std::size_t parts = (icc.size() + kPart - 1) / kPart;
    for (std::size_t i = 0; i < parts && parts <= kMostParts; ++i) {
      std::string prefix(kIccPrefix);
      prefix += static_cast<char>(i + 1);
      prefix += static_cast<char>(parts);
      write_segment(JPEG_APP0 + 2, prefix,
                    icc.subspan(i * kPart, std::min(kPart, icc.size() - i * kPart)));
    }
  }

  void write_segment(int marker, std::string_view prefix, std::span<const std::byte> data) {
    std::vector<std::byte> segment;
    const auto text = std::as_bytes(std::span(prefix));
    segment.insert(segment.end(), text.begin(), text.end());
    segment.insert(segment.end(), data.begin(), data.end());
    check(try_write_segment(marker, segment));
  }

  bool try_write_segment(int marker, std::span<const std::byte> segment) {
    if (setjmp(errors_.jump) != 0) {
      return false;
    }
    jpeg_write_marker(&jpeg_, marker, reinterpret_cast<const JOCTET*>(segment.data()),
                      static_cast<unsigned>(segment.size()));
    return true;
  }

  bool try_write_row(JSAMPROW row) {
    if (setjmp(errors_.jump) != 0) {
      return false;
    }
    jpeg_write_scanlines(&jpeg_, &row, 1);
    return true;
  }

  bool try_finish() {
    if (setjmp(errors_.jump) != 0) {
      return false;
    }
    jpeg_finish_compress(&jpeg_);
    return true;
  }

  ByteSink& sink_;
  int quality_;
  ImageInfo info_;
  std::vector<std::byte> block_;
  JpegErrors errors_;
  jpeg_destination_mgr destination_{};
  Compressor jpeg_;
};

}  // namespace

std::unique_ptr<ImageWriter> create_jpeg(ByteSink& sink, const ImageInfo& info,
                                         const WriteOptions& options) {
  const int quality = options.jpeg_quality;
  if (quality < 1 || quality > 100) {
    throw Error(ErrorKind::usage, message("JPEG quality must be 1 to 100, got ", quality));
  }
  return std::make_unique<JpegWriter>(sink, info, quality);
}

}  // namespace pisr
