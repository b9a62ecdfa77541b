#include <array>
#include <bit>
#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <memory>
#include <new>
#include <utility>
#include <variant>
#include <vector>

#include <png.h>

#include "pisr/image/codec.h"
#include "pisr/image/whole_image.h"

// libpng reports errors by longjmp. Every setjmp below therefore stands in a function with trivial
// locals only: what needs a destructor lives in the caller or in a struct.

namespace pisr {
namespace {

struct PngError {
  std::array<char, 200> text{};
};

void on_error(png_structp png, png_const_charp text) {
  auto* error = static_cast<PngError*>(png_get_error_ptr(png));
  std::snprintf(error->text.data(), error->text.size(), "%s", text);
  png_longjmp(png, 1);
}

/// Warnings concern parts that do not change the samples (a damaged comment, say).
void on_warning(png_structp, png_const_charp) {}

/// zlib cannot compress better than this. A file that declares more is truncated or a trap, and is
/// refused before memory for it is allocated.
constexpr std::int64_t kLargestRatio = 1032;

class PngReader {
 public:
  PngReader(Bytes file, std::string name) : file_(file), name_(std::move(name)) {
    png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, &error_, on_error, on_warning);
    info_ = png_ != nullptr ? png_create_info_struct(png_) : nullptr;
    if (info_ == nullptr) {
      png_destroy_read_struct(&png_, nullptr, nullptr);
      throw std::bad_alloc();
    }
  }
  PngReader(const PngReader&) = delete;
  PngReader& operator=(const PngReader&) = delete;
  ~PngReader() { png_destroy_read_struct(&png_, &info_, nullptr); }

  AnyImage read(const ReadOptions& limits) {
    check(read_header());
    check_declared_size(png_get_image_width(png_, info_), png_get_image_height(png_, info_), name_,
                        limits);
    check_length();
    check(set_transformations());
    return png_get_bit_depth(png_, info_) == 16 ? AnyImage{read_samples<std::uint16_t>()}
                                                : AnyImage{read_samples<std::uint8_t>()};
  }

 private:
  void check(bool done) const {
    if (!done) {
      fail_to_decode(name_, error_.text.data());
    }
  }

  static void on_read(png_structp png, png_bytep to, std::size_t count) {
    auto* reader = static_cast<PngReader*>(png_get_io_ptr(png));
    if (count > reader->file_.size() - reader->position_) {
      png_error(png, "truncated");
    }
    std::memcpy(to, reader->file_.data() + reader->position_, count);
    reader->position_ += count;
  }

  bool read_header() {
    if (setjmp(png_jmpbuf(png_)) != 0) {
      return false;
    }
    png_set_read_fn(png_, this, on_read);
    // The limit is on pixels, and is ours to check.
    png_set_user_limits(png_, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    png_read_info(png_, info_);
    return true;
  }

  void check_length() const {
    const std::int64_t bits = std::int64_t{png_get_bit_depth(png_, info_)} *
                              png_get_channels(png_, info_) * png_get_image_width(png_, info_) *
                              png_get_image_height(png_, info_);
    if (bits / 8 / kLargestRatio > static_cast<std::int64_t>(file_.size())) {
      fail_to_decode(name_, "truncated");
    }
  }

  bool set_transformations() {
    if (setjmp(png_jmpbuf(png_)) != 0) {
      return false;
    }
    png_set_expand(png_);  // palette to RGB, 1, 2 and 4 bit grey to 8, tRNS to alpha
    if constexpr (std::endian::native == std::endian::little) {
      png_set_swap(png_);
    }
    png_set_interlace_handling(png_);
    png_read_update_info(png_, info_);
    return true;
  }

  template <class Sample>
  ImageOf<Sample> read_samples() {
    const auto width = static_cast<int>(png_get_image_width(png_, info_));
    const auto height = static_cast<int>(png_get_image_height(png_, info_));
    const int channels = png_get_channels(png_, info_);
    ImageOf<Sample> image(width, height, channels);
    std::vector<png_bytep> rows(height);
    for (int y = 0; y < height; ++y) {
      rows[y] = reinterpret_cast<png_bytep>(image.row(y));
    }
    check(read_rows(rows.data()));
    return image;
  }

  bool read_rows(png_bytepp rows) {
    if (setjmp(png_jmpbuf(png_)) != 0) {
      return false;
    }
    png_read_image(png_, rows);
    png_read_end(png_, nullptr);
    return true;
  }

  Bytes file_;
  std::size_t position_ = 0;
  std::string name_;
  PngError error_;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
};

class PngWriter {
 public:
  PngWriter() {
    png_ = png_create_write_struct(PNG_LIBPNG_VER_STRING, &error_, on_error, on_warning);
    info_ = png_ != nullptr ? png_create_info_struct(png_) : nullptr;
    if (info_ == nullptr) {
      png_destroy_write_struct(&png_, nullptr);
      throw std::bad_alloc();
    }
  }
  PngWriter(const PngWriter&) = delete;
  PngWriter& operator=(const PngWriter&) = delete;
  ~PngWriter() { png_destroy_write_struct(&png_, &info_); }

  template <class Sample>
  std::vector<std::byte> write(const ImageOf<Sample>& image) {
    std::vector<png_const_bytep> rows(image.height);
    for (int y = 0; y < image.height; ++y) {
      rows[y] = reinterpret_cast<png_const_bytep>(image.row(y));
    }
    if (!write_rows(rows.data(), image.width, image.height, image.channels, 8 * sizeof(Sample))) {
      throw Error(ErrorKind::output, message("cannot encode PNG: ", error_.text.data()));
    }
    return std::move(file_);
  }

 private:
  static void on_write(png_structp png, png_bytep from, std::size_t count) {
    auto* writer = static_cast<PngWriter*>(png_get_io_ptr(png));
    const auto* bytes = reinterpret_cast<const std::byte*>(from);
    bool stored = true;
    try {
      writer->file_.insert(writer->file_.end(), bytes, bytes + count);
    } catch (const std::bad_alloc&) {
      stored = false;
    }
    if (!stored) {
      png_error(png, "out of memory");  // outside the handler, which longjmp must not leave
    }
  }

  static void on_flush(png_structp) {}

  bool write_rows(const png_const_bytep* rows, int width, int height, int channels, int depth) {
    static constexpr int kColour[] = {PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_GRAY_ALPHA,
                                      PNG_COLOR_TYPE_RGB, PNG_COLOR_TYPE_RGB_ALPHA};
    if (setjmp(png_jmpbuf(png_)) != 0) {
      return false;
    }
    png_set_write_fn(png_, this, on_write, on_flush);
    png_set_user_limits(png_, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    png_set_IHDR(png_, info_, width, height, depth, kColour[channels - 1], PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png_, info_);
    if constexpr (std::endian::native == std::endian::little) {
      png_set_swap(png_);
    }
    for (int y = 0; y < height; ++y) {
      png_write_row(png_, rows[y]);
    }
    png_write_end(png_, nullptr);
    return true;
  }

  std::vector<std::byte> file_;
  PngError error_;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
};

AnyImage decode(Bytes file, const std::string& name, const ReadOptions& options) {
  return PngReader(file, name).read(options);
}

std::vector<std::byte> encode(const AnyImage& image) {
  return std::visit([](const auto& pixels) { return PngWriter().write(pixels); }, image.pixels);
}

}  // namespace

bool is_png(Bytes start) {
  return starts_with(start, "\x89PNG\r\n\x1a\n");
}

std::unique_ptr<ImageReader> open_png(const ByteSource& source, const std::string& name,
                                      const ReadOptions& options) {
  const std::vector<std::byte> file = read_all(source);
  return reader_of(decode(file, name, options));
}

std::unique_ptr<ImageWriter> create_png(ByteSink& sink, const ImageInfo& info,
                                        const WriteOptions&) {
  return writer_of(sink, info, encode);
}

}  // namespace pisr
