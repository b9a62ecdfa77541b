#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <jerror.h>

#include "pisr/image/codec.h"
#include "pisr/image/jpeg_errors.h"
#include "pisr/image/jpeg_segments.h"
#include "pisr/image/source_cursor.h"

namespace pisr {
namespace {

/// A small file can hold so many scans over a large picture that decoding takes hours.
constexpr int kMostScans = 500;

/// libjpeg's decoder of one file.
class JpegDecoder {
 public:
  JpegDecoder(const ByteSource& source, std::string name)
      : cursor_(source), name_(std::move(name)) {
    start_jpeg_errors(errors_);
    jpeg_.err = &errors_.manager;
  }
  JpegDecoder(const JpegDecoder&) = delete;
  JpegDecoder& operator=(const JpegDecoder&) = delete;
  ~JpegDecoder() { jpeg_destroy_decompress(&jpeg_); }

  void read_header() { check(try_read_header()); }

  std::uint32_t width() const { return jpeg_.image_width; }
  std::uint32_t height() const { return jpeg_.image_height; }
  bool is_huffman_coded() const { return jpeg_.arith_code == FALSE; }
  bool is_cmyk() const { return jpeg_.out_color_space == JCS_CMYK; }
  /// After start(): 1 grey, 3 RGB, 4 CMYK.
  int components() const { return jpeg_.output_components; }

  /// The density in the JFIF header, where it tells one.
  std::optional<PixelDensity> density() const {
    const double x = jpeg_.X_density;
    const double y = jpeg_.Y_density;
    constexpr double kInch = 0.0254;
    constexpr double kCentimetre = 0.01;
    if (jpeg_.saw_JFIF_marker == FALSE || x == 0 || y == 0) {
      return std::nullopt;
    }
    if (jpeg_.density_unit == 1 || jpeg_.density_unit == 2) {
      const double unit = jpeg_.density_unit == 1 ? kInch : kCentimetre;
      return PixelDensity{x / unit, y / unit, true};
    }
    // 1:1 is what programs write that know of none.
    return x == y ? std::nullopt : std::optional(PixelDensity{x, y, false});
  }

  /// Also reads all samples where they come in several scans.
  void start() {
    choose_colour();
    check(try_start());
    if (jpeg_has_multiple_scans(&jpeg_) != FALSE) {
      check_scans();
      check_arithmetic_code();
    }
  }

  void read_row(std::byte* row) {
    check(try_read_row(reinterpret_cast<JSAMPROW>(row)));
    if (jpeg_.output_scanline == jpeg_.output_height) {
      check_arithmetic_code();
    }
  }

  /// After the last row: what is wrong behind it; empty: nothing.
  std::string finish() {
    if (!try_finish()) {
      return errors_.failure ? "cannot be read to its end" : errors_.text.data();
    }
    return errors_.at_end ? "no EOI: the file may be cut" : "";
  }

 private:
  void check(bool done) {
    if (done) {
      return;
    }
    if (errors_.failure) {
      std::rethrow_exception(errors_.failure);
    }
    fail_to_decode(name_, errors_.text.data());
  }

  void choose_colour() {
    switch (jpeg_.jpeg_color_space) {
      case JCS_GRAYSCALE:
        jpeg_.out_color_space = JCS_GRAYSCALE;
        return;
      case JCS_RGB:
      case JCS_YCbCr:
        jpeg_.out_color_space = JCS_RGB;
        return;
      case JCS_CMYK:
      case JCS_YCCK:
        jpeg_.out_color_space = JCS_CMYK;
        return;
      default:
        fail_to_decode(name_, message("JPEG with ", jpeg_.num_components,
                                      " components of an unknown colour space"));
    }
  }

  /// Each scan that began is complete, or there was an error. Whether a scan is missing is not
  /// known to libjpeg, which takes the end of the file for that of the image.
  void check_scans() const {
    for (int i = 0; i < jpeg_.num_components; ++i) {
      // Set by the first scan of the component.
      bool complete = jpeg_.comp_info[i].quant_table != nullptr;
      if (complete && errors_.at_end && jpeg_.progressive_mode != FALSE) {
        // The bits that are still missing of each coefficient; -1: all.
        const int* bits = jpeg_.coef_bits[i];
        complete = std::all_of(bits, bits + DCTSIZE2, [](int missing) { return missing == 0; });
      }
      if (!complete) {
        fail_to_decode(name_, "truncated");
      }
    }
  }

  /// Such a code goes on with zeros behind its end, so that what is missing does not show.
  void check_arithmetic_code() const {
    if (errors_.at_end && !is_huffman_coded()) {
      fail_to_decode(name_, "truncated");
    }
  }

  static JpegDecoder& self(j_decompress_ptr jpeg) {
    return *static_cast<JpegDecoder*>(jpeg->client_data);
  }

  static void do_nothing(j_decompress_ptr) {}

  /// At the end of the file libjpeg gets an end of image, again and again. It fails where samples
  /// are missing, for it needs their bits.
  static boolean on_fill(j_decompress_ptr jpeg) {
    JpegDecoder& decoder = self(jpeg);
    if (!decoder.try_fill()) {
      fail_in_jpeg(reinterpret_cast<j_common_ptr>(jpeg));
    }
    return TRUE;
  }

  bool try_fill() {
    static constexpr std::array<JOCTET, 2> kEndOfImage = {0xff, JPEG_EOI};
    try {
      const auto block = cursor_.next_block();
      errors_.at_end = block.empty();
      jpeg_.src->next_input_byte =
          errors_.at_end ? kEndOfImage.data() : reinterpret_cast<const JOCTET*>(block.data());
      jpeg_.src->bytes_in_buffer = errors_.at_end ? kEndOfImage.size() : block.size();
      return true;
    } catch (...) {
      errors_.failure = std::current_exception();
      return false;
    }
  }

  static void on_skip(j_decompress_ptr jpeg, long count) {
    JpegDecoder& decoder = self(jpeg);
    while (count > 0) {
      if (jpeg->src->bytes_in_buffer == 0) {
        on_fill(jpeg);
      }
      if (decoder.errors_.at_end) {
        return;
      }
      const auto some = std::min(static_cast<std::size_t>(count), jpeg->src->bytes_in_buffer);
      jpeg->src->next_input_byte += some;
      jpeg->src->bytes_in_buffer -= some;
      count -= static_cast<long>(some);
    }
  }

  bool try_read_header() {
    if (setjmp(errors_.jump) != 0) {
      return false;
    }
    jpeg_create_decompress(&jpeg_);
    jpeg_.client_data = this;
    source_.init_source = do_nothing;
    source_.fill_input_buffer = on_fill;
    source_.skip_input_data = on_skip;
    source_.resync_to_restart = jpeg_resync_to_restart;
    source_.term_source = do_nothing;
    jpeg_.src = &source_;
    jpeg_read_header(&jpeg_, TRUE);
    return true;
  }

  static void on_progress(j_common_ptr jpeg) {
    auto* decompress = reinterpret_cast<j_decompress_ptr>(jpeg);
    if (decompress->input_scan_number > kMostScans) {
      decompress->err->msg_code = JERR_BAD_PROGRESSION;
      fail_in_jpeg(jpeg);
    }
  }

  bool try_start() {
    if (setjmp(errors_.jump) != 0) {
      return false;
    }
    progress_.progress_monitor = on_progress;
    jpeg_.progress = &progress_;
    jpeg_start_decompress(&jpeg_);
    return true;
  }

  bool try_read_row(JSAMPROW row) {
    if (setjmp(errors_.jump) != 0) {
      return false;
    }
    jpeg_read_scanlines(&jpeg_, &row, 1);
    return true;
  }

  bool try_finish() {
    if (setjmp(errors_.jump) != 0) {
      return false;
    }
    jpeg_finish_decompress(&jpeg_);
    return true;
  }

  SourceCursor cursor_;
  std::string name_;
  JpegErrors errors_;
  jpeg_source_mgr source_{};
  jpeg_progress_mgr progress_{};
  jpeg_decompress_struct jpeg_{};
};

/// Without a colour profile: ink subtracts from white. 255 stands for no ink, as Adobe's programs
/// store it, whether or not they left their marker: so read libjpeg-turbo's programs and Pillow.
void rgb_of_cmyk(std::span<const std::byte> cmyk, std::byte* rgb) {
  for (std::size_t i = 0; i < cmyk.size(); i += 4) {
    const int black = std::to_integer<int>(cmyk[i + 3]);
    for (std::size_t c = 0; c < 3; ++c) {
      *rgb++ = static_cast<std::byte>((std::to_integer<int>(cmyk[i + c]) * black + 127) / 255);
    }
  }
}

class JpegReader : public ImageReader {
 public:
  JpegReader(const ByteSource& source, const std::string& name, const ReadOptions& options)
      : decoder_(source, name), name_(name), warn_(options.warn) {
    decoder_.read_header();
    check_declared_size(decoder_.width(), decoder_.height(), name_, options);
    // Huffman codes take at least a bit for each 8 x 8 block of the finest component. A file that
    // declares more is truncated or a trap, and is refused before memory for it is allocated.
    const std::int64_t pixels = std::int64_t{decoder_.width()} * decoder_.height();
    if (decoder_.is_huffman_coded() && pixels / 512 > source.size()) {
      fail_to_decode(name_, "truncated");
    }
    decoder_.start();
    JpegOutline outline = outline_jpeg(source);
    info_ = {static_cast<int>(decoder_.width()), static_cast<int>(decoder_.height()),
             decoder_.components() == 1 ? 1 : 3, SampleType::u8, std::move(outline.metadata)};
    if (const auto density = decoder_.density()) {
      info_.metadata.density = density;
    }
    for (const std::string& warning : outline.warnings) {
      warn(warning);
    }
    if (decoder_.is_cmyk()) {
      cmyk_.resize(std::size_t{4} * decoder_.width());
      if (!info_.metadata.icc.empty()) {
        info_.metadata.icc.clear();
        warn("its profile is one of CMYK, and left out: the pixels become RGB without it");
      }
    }
  }

  void read_rows(std::span<std::byte> rows) override {
    for (; !rows.empty(); rows = rows.subspan(info_.row_bytes()), ++rows_read_) {
      if (decoder_.is_cmyk()) {
        decoder_.read_row(cmyk_.data());
        rgb_of_cmyk(cmyk_, rows.data());
      } else {
        decoder_.read_row(rows.data());
      }
    }
  }

  void finish() override {
    if (rows_read_ < info_.height) {
      return;
    }
    const std::string what = decoder_.finish();
    if (!what.empty()) {
      warn(what + ", all pixels are there");
    }
  }

 private:
  void warn(const std::string& text) const {
    if (warn_) {
      warn_(message("'", name_, "': ", text));
    }
  }

  JpegDecoder decoder_;
  std::string name_;
  std::function<void(const std::string&)> warn_;
  std::vector<std::byte> cmyk_;  ///< a row
  int rows_read_ = 0;
};

}  // namespace

bool is_jpeg(Bytes start) {
  return starts_with(start, "\xff\xd8\xff");
}

std::unique_ptr<ImageReader> open_jpeg(const ByteSource& source, const std::string& name,
                                       const ReadOptions& options) {
  return std::make_unique<JpegReader>(source, name, options);
}

}  // namespace pisr
