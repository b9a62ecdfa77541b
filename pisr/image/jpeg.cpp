#include <array>
#include <csetjmp>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <utility>
#include <variant>
#include <vector>

#include <jerror.h>
#include <jpeglib.h>

#include "pisr/image/codec.h"
#include "pisr/image/whole_image.h"

// On an error libjpeg leaves a function by our longjmp. Every setjmp below therefore stands in a
// function with trivial locals only: what needs a destructor lives in the caller or in a struct.

namespace pisr {
namespace {

/// A small file can hold so many scans over a large picture that decoding takes hours.
constexpr int kMostScans = 500;

struct JpegError {
  jpeg_error_mgr manager{};  // first: libjpeg's pointer to it is a pointer to this struct
  std::jmp_buf jump{};
  std::array<char, JMSG_LENGTH_MAX> text{};
};

[[noreturn]] void fail(j_common_ptr jpeg) {
  auto* error = reinterpret_cast<JpegError*>(jpeg->err);
  const int code = error->manager.msg_code;
  if (code == JWRN_JPEG_EOF || code == JWRN_HIT_MARKER) {
    std::snprintf(error->text.data(), error->text.size(), "truncated");
  } else {
    error->manager.format_message(jpeg, error->text.data());
  }
  std::longjmp(error->jump, 1);
}

/// libjpeg only warns of damage and fills the rest with grey; here that is an error. Stray bytes
/// between segments, which some cameras write, and an unknown transform are not damage.
void on_message(j_common_ptr jpeg, int level) {
  const int code = jpeg->err->msg_code;
  if (level < 0 && code != JWRN_EXTRANEOUS_DATA && code != JWRN_ADOBE_XFORM) {
    fail(jpeg);
  }
}

void start_errors(JpegError& error) {
  jpeg_std_error(&error.manager);
  error.manager.error_exit = fail;
  error.manager.emit_message = on_message;
}

class JpegReader {
 public:
  JpegReader(Bytes file, std::string name) : file_(file), name_(std::move(name)) {
    start_errors(error_);
    jpeg_.err = &error_.manager;
  }
  JpegReader(const JpegReader&) = delete;
  JpegReader& operator=(const JpegReader&) = delete;
  ~JpegReader() { jpeg_destroy_decompress(&jpeg_); }

  Image8 read(const ReadOptions& limits) {
    check(read_header());
    check_declared_size(jpeg_.image_width, jpeg_.image_height, name_, limits);
    check_length();
    choose_colour();
    check(start());
    Image8 image(static_cast<int>(jpeg_.output_width), static_cast<int>(jpeg_.output_height),
                 jpeg_.output_components);
    std::vector<JSAMPROW> rows(image.height);
    for (int y = 0; y < image.height; ++y) {
      rows[y] = image.row(y);
    }
    check(read_rows(rows.data()));
    return jpeg_.out_color_space == JCS_CMYK ? rgb_of_cmyk(image) : image;
  }

 private:
  void check(bool done) const {
    if (!done) {
      fail_to_decode(name_, error_.text.data());
    }
  }

  bool read_header() {
    if (setjmp(error_.jump) != 0) {
      return false;
    }
    jpeg_create_decompress(&jpeg_);
    jpeg_mem_src(&jpeg_, reinterpret_cast<const unsigned char*>(file_.data()), file_.size());
    jpeg_read_header(&jpeg_, TRUE);
    return true;
  }

  /// Huffman codes take at least a bit for each 8 x 8 block of the finest component. A file that
  /// declares more is truncated or a trap, and is refused before memory for it is allocated.
  void check_length() const {
    const std::int64_t pixels = std::int64_t{jpeg_.image_width} * jpeg_.image_height;
    if (jpeg_.arith_code == FALSE && pixels / 512 > static_cast<std::int64_t>(file_.size())) {
      fail_to_decode(name_, "truncated");
    }
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

  static void on_progress(j_common_ptr jpeg) {
    auto* decompress = reinterpret_cast<j_decompress_ptr>(jpeg);
    if (decompress->input_scan_number > kMostScans) {
      decompress->err->msg_code = JERR_BAD_PROGRESSION;
      fail(jpeg);
    }
  }

  bool start() {
    if (setjmp(error_.jump) != 0) {
      return false;
    }
    progress_.progress_monitor = on_progress;
    jpeg_.progress = &progress_;
    jpeg_start_decompress(&jpeg_);
    return true;
  }

  bool read_rows(JSAMPARRAY rows) {
    if (setjmp(error_.jump) != 0) {
      return false;
    }
    while (jpeg_.output_scanline < jpeg_.output_height) {
      jpeg_read_scanlines(&jpeg_, rows + jpeg_.output_scanline,
                          jpeg_.output_height - jpeg_.output_scanline);
    }
    jpeg_finish_decompress(&jpeg_);
    return true;
  }

  /// Without a colour profile: ink subtracts from white. Adobe's programs, which write nearly all
  /// such files, store 255 for no ink, and leave their marker.
  Image8 rgb_of_cmyk(const Image8& cmyk) const {
    const bool inverted = jpeg_.saw_Adobe_marker != FALSE;
    Image8 rgb(cmyk.width, cmyk.height, 3);
    const std::size_t count = rgb.samples.size() / 3;
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint8_t* ink = &cmyk.samples[4 * i];
      for (std::size_t c = 0; c < 3; ++c) {
        const int colour = inverted ? ink[c] : 255 - ink[c];
        const int black = inverted ? ink[3] : 255 - ink[3];
        rgb.samples[3 * i + c] = static_cast<std::uint8_t>((colour * black + 127) / 255);
      }
    }
    return rgb;
  }

  Bytes file_;
  std::string name_;
  JpegError error_;
  jpeg_progress_mgr progress_{};
  jpeg_decompress_struct jpeg_{};
};

class JpegWriter {
 public:
  JpegWriter() {
    start_errors(error_);
    jpeg_.err = &error_.manager;
  }
  JpegWriter(const JpegWriter&) = delete;
  JpegWriter& operator=(const JpegWriter&) = delete;
  ~JpegWriter() {
    jpeg_destroy_compress(&jpeg_);
    std::free(buffer_);  // malloc'ed by jpeg_mem_dest
  }

  std::vector<std::byte> write(const Image8& image, int quality) {
    if (!write_rows(image, quality)) {
      throw Error(ErrorKind::output, message("cannot encode JPEG: ", error_.text.data()));
    }
    const auto* bytes = reinterpret_cast<const std::byte*>(buffer_);
    return {bytes, bytes + size_};
  }

 private:
  bool write_rows(const Image8& image, int quality) {
    if (setjmp(error_.jump) != 0) {
      return false;
    }
    jpeg_create_compress(&jpeg_);
    jpeg_mem_dest(&jpeg_, &buffer_, &size_);
    jpeg_.image_width = image.width;
    jpeg_.image_height = image.height;
    jpeg_.input_components = image.channels;
    jpeg_.in_color_space = image.channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_set_defaults(&jpeg_);
    jpeg_set_quality(&jpeg_, quality, TRUE);
    if (quality >= 90) {
      jpeg_.comp_info[0].h_samp_factor = 1;
      jpeg_.comp_info[0].v_samp_factor = 1;
    }
    jpeg_start_compress(&jpeg_, TRUE);
    while (jpeg_.next_scanline < jpeg_.image_height) {
      // libjpeg does not write to the rows, though it takes them without const.
      JSAMPROW row = const_cast<JSAMPROW>(image.row(static_cast<int>(jpeg_.next_scanline)));
      jpeg_write_scanlines(&jpeg_, &row, 1);
    }
    jpeg_finish_compress(&jpeg_);
    return true;
  }

  JpegError error_;
  unsigned char* buffer_ = nullptr;
  unsigned long size_ = 0;
  jpeg_compress_struct jpeg_{};
};

AnyImage decode(Bytes file, const std::string& name, const ReadOptions& options) {
  return {JpegReader(file, name).read(options)};
}

}  // namespace

bool is_jpeg(Bytes start) {
  return starts_with(start, "\xff\xd8\xff");
}

std::unique_ptr<ImageReader> open_jpeg(const ByteSource& source, const std::string& name,
                                       const ReadOptions& options) {
  const std::vector<std::byte> file = read_all(source);
  return reader_of(decode(file, name, options));
}

std::unique_ptr<ImageWriter> create_jpeg(ByteSink& sink, const ImageInfo& info,
                                         const WriteOptions& options) {
  const int quality = options.jpeg_quality;
  if (quality < 1 || quality > 100) {
    throw Error(ErrorKind::usage, message("JPEG quality must be 1 to 100, got ", quality));
  }
  return writer_of(sink, info, [quality](const AnyImage& image) {
    return JpegWriter().write(std::get<Image8>(image.pixels), quality);
  });
}

}  // namespace pisr
