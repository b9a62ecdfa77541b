#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "pisr/image/image.h"
#include "pisr/image/image_io.h"
#include "pisr/image/metadata.h"
#include "pisr/image/sample_type.h"

namespace pisr {

class ByteSink;
class ByteSource;

/// What is known of an image before its samples.
struct ImageInfo {
  int width = 0;
  int height = 0;
  int channels = 0;  ///< 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha; alpha not premultiplied
  SampleType samples = SampleType::u8;
  ImageMetadata metadata;

  bool has_alpha() const { return channels == 2 || channels == 4; }
  bool is_grey() const { return channels <= 2; }
  /// Bytes of a row of samples, channels interleaved.
  std::size_t row_bytes() const {
    return static_cast<std::size_t>(width) * channels * size_of(samples);
  }
};

/// An image read from the top down, some rows at a time, so that it need not be in memory whole.
class ImageReader {
 public:
  ImageReader() = default;
  ImageReader(const ImageReader&) = delete;
  ImageReader& operator=(const ImageReader&) = delete;
  virtual ~ImageReader() = default;

  const ImageInfo& info() const { return info_; }
  /// The next rows, whole ones: `rows` has a multiple of info().row_bytes(), not more than are
  /// left, aligned as the samples are. Throws Error input, `cannot decode 'a.png': truncated`.
  virtual void read_rows(std::span<std::byte> rows) = 0;
  /// After the last row: reads what is behind the samples. Damage there is a warning only.
  virtual void finish() {}

 protected:
  ImageInfo info_;
};

/// An image written from the top down.
class ImageWriter {
 public:
  ImageWriter() = default;
  ImageWriter(const ImageWriter&) = delete;
  ImageWriter& operator=(const ImageWriter&) = delete;
  virtual ~ImageWriter() = default;

  /// The next rows, whole ones. Throws Error output.
  virtual void write_rows(std::span<const std::byte> rows) = 0;
  /// After the last row; without it the file is not complete.
  virtual void finish() = 0;
};

/// The reader of a file in any format of the table in codec.cpp, by its content. `name` stands in
/// the error messages; the source must outlive the reader. Throws what decode_image does.
std::unique_ptr<ImageReader> open_image(const ByteSource& source, const std::string& name,
                                        const ReadOptions& limits = {});

/// Whether that format exists and can hold such an image.
bool format_holds(const std::string& extension, const ImageInfo& info);

/// Whether files of that format tell how the picture with these metadata stands.
bool format_holds_orientation(const std::string& extension, const ImageMetadata& metadata);
/// Whether they hold an ICC profile.
bool format_holds_icc(const std::string& extension);

/// The writer of a file in the format that the extension names ("png"). Metadata that the format
/// cannot hold are left out. The sink must outlive the writer. Throws Error usage where the format
/// cannot hold such an image.
std::unique_ptr<ImageWriter> create_image(ByteSink& sink, const ImageInfo& info,
                                          const std::string& extension,
                                          const WriteOptions& options = {});

}  // namespace pisr
