#include <algorithm>
#include <array>
#include <bit>
#include <csetjmp>
#include <cstdio>
#include <exception>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <png.h>

#include "pisr/image/codec.h"
#include "pisr/image/png_chunks.h"
#include "pisr/image/source_cursor.h"

// libpng reports errors by longjmp. Every setjmp below therefore stands in a function with trivial
// locals only: what needs a destructor lives in the caller or in a struct.

namespace pisr {
namespace {

/// zlib cannot compress better than this. A file that declares more is truncated or a trap, and is
/// refused before memory for it is allocated.
constexpr std::int64_t kLargestRatio = 1032;

constexpr int kPasses = 7;  ///< of an interlaced image
/// libpng's words for it.
constexpr std::string_view kWrongChecksum = "IDAT: incorrect data check";

/// A PNG file without the chunks beside the samples, which libpng need not keep in memory.
class SampleChunks {
 public:
  explicit SampleChunks(const ByteSource& source) : cursor_(source), left_(kPngSignature) {}

  /// Fills `to`; false where the file ends before.
  bool read(std::span<std::byte> to) {
    while (!to.empty()) {
      if (left_ == 0 && !next()) {
        return false;
      }
      const auto some = to.first(std::min<std::size_t>(to.size(), left_));
      if (!header_.empty()) {
        std::copy_n(header_.begin(), some.size(), some.begin());
        header_ = header_.subspan(some.size());
      } else if (cursor_.read(some) < some.size()) {
        return false;
      }
      left_ -= some.size();
      to = to.subspan(some.size());
    }
    return true;
  }

 private:
  /// Looks for the next chunk that concerns the samples.
  bool next() {
    if (in_header_) {
      // The header has been read; its data and checksum come next.
      in_header_ = false;
      left_ = body_;
      return true;
    }
    for (;;) {
      if (cursor_.read(bytes_) < bytes_.size()) {
        return false;
      }
      const PngChunkHeader header = png_chunk_header(bytes_);
      body_ = std::size_t{header.length} + kPngChecksum;
      if (!header.is_beside_samples()) {
        break;
      }
      cursor_.skip(static_cast<std::int64_t>(body_));
    }
    header_ = bytes_;
    left_ = bytes_.size();
    in_header_ = true;
    return true;
  }

  SourceCursor cursor_;
  std::array<std::byte, kPngChunkHeader> bytes_;
  std::span<const std::byte> header_;  ///< what is left of bytes_
  bool in_header_ = false;
  std::size_t left_;  ///< bytes until the next chunk, or from a header to its data
  std::size_t body_ = 0;
};

/// libpng's decoder of one file.
class PngDecoder {
 public:
  PngDecoder(const ByteSource& source, std::string name) : chunks_(source), name_(std::move(name)) {
    png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, this, on_error, on_warning);
    info_ = png_ != nullptr ? png_create_info_struct(png_) : nullptr;
    if (info_ == nullptr) {
      png_destroy_read_struct(&png_, nullptr, nullptr);
      throw std::bad_alloc();
    }
  }
  PngDecoder(const PngDecoder&) = delete;
  PngDecoder& operator=(const PngDecoder&) = delete;
  ~PngDecoder() { png_destroy_read_struct(&png_, &info_, nullptr); }

  void read_header() { check(try_read_header()); }
  /// Decodes also where the checksum of all pixels is wrong. Each chunk has one of its own.
  void ignore_checksum() { png_set_option(png_, PNG_IGNORE_ADLER32, PNG_OPTION_ON); }
  /// Palette to RGB, 1, 2 and 4 bit grey to 8, tRNS to alpha, interlaced rows one after the other.
  void start() { check(try_start()); }

  std::uint32_t width() const { return png_get_image_width(png_, info_); }
  std::uint32_t height() const { return png_get_image_height(png_, info_); }
  int channels() const { return png_get_channels(png_, info_); }
  int depth() const { return png_get_bit_depth(png_, info_); }
  bool is_interlaced() const { return png_get_interlace_type(png_, info_) != PNG_INTERLACE_NONE; }

  /// The next `count` rows. False where only the checksum of all pixels is wrong: the rows are then
  /// for a decoder that ignores it. Throws Error(input) where a sample is missing or damaged.
  bool read_rows(std::byte* rows, int count) {
    if (try_read_rows(rows, count)) {
      return true;
    }
    const std::string_view text = text_.data();
    if (text == kWrongChecksum) {
      return false;
    }
    // A wrong checksum of a chunk means that samples may be wrong.
    if (!has_all_rows() || failure_ || text.ends_with("CRC error")) {
      fail();
    }
    return true;
  }

  /// read_rows() of a whole interlaced image.
  bool read_passes(std::byte* rows) {
    for (int pass = 0; pass < kPasses; ++pass) {
      if (!read_rows(rows, static_cast<int>(height()))) {
        return false;
      }
    }
    return true;
  }

  /// What was odd about the compressed samples, though all are there; empty: nothing.
  std::string complaint() const { return text_.data(); }

 private:
  void check(bool done) {
    if (!done) {
      fail();
    }
  }

  [[noreturn]] void fail() {
    if (failure_) {
      std::rethrow_exception(failure_);
    }
    fail_to_decode(name_, text_.data());
  }

  /// Whether the last row has been given out, whatever came behind it.
  bool has_all_rows() const {
    return is_interlaced() ? png_get_current_pass_number(png_) == kPasses
                           : png_get_current_row_number(png_) == height();
  }

  static void on_error(png_structp png, png_const_charp text) {
    auto* decoder = static_cast<PngDecoder*>(png_get_error_ptr(png));
    std::snprintf(decoder->text_.data(), decoder->text_.size(), "%s", text);
    png_longjmp(png, 1);
  }

  static void on_warning(png_structp png, png_const_charp text) {
    auto* decoder = static_cast<PngDecoder*>(png_get_error_ptr(png));
    std::snprintf(decoder->text_.data(), decoder->text_.size(), "%s", text);
  }

  static void on_read(png_structp png, png_bytep to, std::size_t count) {
    auto* decoder = static_cast<PngDecoder*>(png_get_io_ptr(png));
    if (!decoder->try_read({reinterpret_cast<std::byte*>(to), count})) {
      png_error(png, "truncated");  // outside the handler, which longjmp must not leave
    }
  }

  bool try_read(std::span<std::byte> to) {
    try {
      return chunks_.read(to);
    } catch (...) {
      failure_ = std::current_exception();
      return false;
    }
  }

  bool try_read_header() {
    if (setjmp(png_jmpbuf(png_)) != 0) {
      return false;
    }
    png_set_read_fn(png_, this, on_read);
    // The limit is on pixels, and is ours to check.
    png_set_user_limits(png_, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    // Of the chunks that do not hold samples only tRNS comes here. Without it the picture is wrong.
    png_set_crc_action(png_, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
    png_read_info(png_, info_);
    return true;
  }

  bool try_start() {
    if (setjmp(png_jmpbuf(png_)) != 0) {
      return false;
    }
    png_set_expand(png_);
    if constexpr (std::endian::native == std::endian::little) {
      png_set_swap(png_);
    }
    png_set_interlace_handling(png_);
    png_read_update_info(png_, info_);
    return true;
  }

  bool try_read_rows(std::byte* rows, int count) {
    if (setjmp(png_jmpbuf(png_)) != 0) {
      return false;
    }
    const std::size_t row_bytes = png_get_rowbytes(png_, info_);
    for (int i = 0; i < count; ++i) {
      png_read_row(png_, reinterpret_cast<png_bytep>(rows + i * row_bytes), nullptr);
    }
    return true;
  }

  SampleChunks chunks_;
  std::string name_;
  std::array<char, 200> text_{};  ///< of the last error or warning
  std::exception_ptr failure_;    ///< of the source
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
};

class PngReader : public ImageReader {
 public:
  PngReader(const ByteSource& source, std::string name, const ReadOptions& options)
      : source_(source), name_(std::move(name)), warn_(options.warn) {
    decoder_ = std::make_unique<PngDecoder>(source_, name_);
    decoder_->read_header();
    check_declared_size(decoder_->width(), decoder_->height(), name_, options);
    check_length();
    decoder_->start();
    PngOutline outline = outline_png(source_);
    if (!outline.error.empty()) {
      fail_to_decode(name_, outline.error);
    }
    tail_ = std::move(outline.tail);
    info_ = {static_cast<int>(decoder_->width()), static_cast<int>(decoder_->height()),
             decoder_->channels(), decoder_->depth() == 16 ? SampleType::u16 : SampleType::u8,
             std::move(outline.metadata)};
    for (const std::string& warning : outline.warnings) {
      warn(warning);
    }
  }

  void read_rows(std::span<std::byte> rows) override {
    const auto count = static_cast<int>(rows.size() / info_.row_bytes());
    if (decoder_->is_interlaced()) {
      read_interlaced();
      std::copy_n(whole_.begin() + static_cast<std::ptrdiff_t>(rows_read_ * info_.row_bytes()),
                  rows.size(), rows.begin());
    } else if (!decoder_->read_rows(rows.data(), count)) {
      decode_without_checksum();
      decoder_->read_rows(rows.data(), count);
    }
    rows_read_ += count;
  }

  void finish() override {
    if (rows_read_ < info_.height) {
      return;
    }
    const std::string what = tail_.empty() ? decoder_->complaint() : tail_;
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

  void check_length() const {
    const std::int64_t bits = std::int64_t{decoder_->depth()} * decoder_->channels() *
                              decoder_->width() * decoder_->height();
    if (bits / 8 / kLargestRatio > source_.size()) {
      fail_to_decode(name_, "truncated");
    }
  }

  void read_interlaced() {
    if (!whole_.empty()) {
      return;
    }
    whole_.resize(info_.height * info_.row_bytes());
    if (!decoder_->read_passes(whole_.data())) {
      decode_without_checksum();
      decoder_->read_passes(whole_.data());
    }
  }

  /// Begins again and passes over the rows that have been read.
  void decode_without_checksum() {
    tail_ = kWrongChecksum;
    decoder_ = std::make_unique<PngDecoder>(source_, name_);
    decoder_->ignore_checksum();
    decoder_->read_header();
    decoder_->start();
    std::vector<std::byte> row(info_.row_bytes());
    for (int y = 0; y < rows_read_ && !decoder_->is_interlaced(); ++y) {
      decoder_->read_rows(row.data(), 1);
    }
  }

  const ByteSource& source_;
  std::string name_;
  std::function<void(const std::string&)> warn_;
  std::unique_ptr<PngDecoder> decoder_;
  std::string tail_;              ///< what is wrong behind the samples
  std::vector<std::byte> whole_;  ///< an interlaced image
  int rows_read_ = 0;
};

}  // namespace

bool is_png(Bytes start) {
  return starts_with(start, "\x89PNG\r\n\x1a\n");
}

std::unique_ptr<ImageReader> open_png(const ByteSource& source, const std::string& name,
                                      const ReadOptions& options) {
  return std::make_unique<PngReader>(source, name, options);
}

}  // namespace pisr
