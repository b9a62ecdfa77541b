#pragma once
// The table of file formats, and what their files share. Not a header for users of the library, who
// include image_io.h.
//
// A new format is one file or two beside those of the others, its functions declared below, and
// one row of the table in codec.cpp. Reading, writing, listing of folders and every message that
// lists the formats follow the table.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "pisr/image/byte_sink.h"
#include "pisr/image/byte_source.h"
#include "pisr/image/image_io.h"
#include "pisr/image/image_stream.h"

namespace pisr {

using Bytes = std::span<const std::byte>;

/// A file format. Every format holds grey and RGB images of 8 bits a sample.
struct Codec {
  std::string_view name;                     ///< "JPEG"
  std::vector<std::string_view> extensions;  ///< in lower case, without the dot: "jpg", "jpeg"
  bool holds_grey_alpha;                     ///< images of 2 channels
  bool holds_rgb_alpha;                      ///< images of 4 channels
  bool holds_16_bit;
  bool holds_float;
  bool holds_icc;
  bool holds_exif;         ///< and with it how the picture stands
  bool holds_orientation;  ///< in a field of its own

  /// Whether a file that starts with these bytes, kSignatureBytes of them where it is as long, is
  /// of the format.
  bool (*recognises)(Bytes start);
  /// As open_image(), of a file that the format recognises. Throws Error(input) where it is
  /// damaged, Error(memory) where it exceeds the limits.
  std::unique_ptr<ImageReader> (*open)(const ByteSource& source, const std::string& name,
                                       const ReadOptions& options);
  /// As create_image(), of an image with at least one pixel that the format holds. Throws
  /// Error(usage) for wrong options, Error(output) for an image that is too large.
  std::unique_ptr<ImageWriter> (*create)(ByteSink& sink, const ImageInfo& info,
                                         const WriteOptions& options);
};

/// As many bytes of a file tell its format.
inline constexpr std::size_t kSignatureBytes = 16;

/// The formats in the order in which messages list them.
std::span<const Codec> codecs();

/// The row that recognises a file that starts with these bytes; null where there is none.
const Codec* codec_of_content(Bytes start);
/// The row with the extension, without a dot and in upper or lower case; null where there is none.
const Codec* codec_of_extension(std::string_view extension);

/// Whether the format can hold an image of `channels` channels of such samples.
bool holds(const Codec& codec, int channels, SampleType samples);

/// Throws Error(usage) `JPEG cannot hold an alpha channel`, with a format that can as the hint,
/// where the format cannot hold an image of `channels` channels of such samples.
void check_holds(const Codec& codec, int channels, SampleType samples);

/// Whether `start` begins with these bytes.
bool starts_with(Bytes start, std::string_view signature);

/// Throws Error(input) `cannot decode 'NAME': REASON`. Characters that would break the line, or
/// that a damaged file put into a library's message, are shown as '?'.
[[noreturn]] void fail_to_decode(const std::string& name, std::string reason);

/// Fills `to` from `offset` on. Throws Error(input) `cannot decode 'NAME': truncated` where the
/// source ends before.
void read_exactly(const ByteSource& source, std::int64_t offset, std::span<std::byte> to,
                  const std::string& name);

/// Throws Error(memory) where a declared size exceeds the limit or an int, Error(input) where a
/// side is not positive.
void check_declared_size(std::int64_t width, std::int64_t height, const std::string& name,
                         const ReadOptions& limits);

// png_reader.cpp, png_writer.cpp
bool is_png(Bytes start);
std::unique_ptr<ImageReader> open_png(const ByteSource& source, const std::string& name,
                                      const ReadOptions& options);
std::unique_ptr<ImageWriter> create_png(ByteSink& sink, const ImageInfo& info,
                                        const WriteOptions& options);

// jpeg_reader.cpp, jpeg_writer.cpp
bool is_jpeg(Bytes start);
std::unique_ptr<ImageReader> open_jpeg(const ByteSource& source, const std::string& name,
                                       const ReadOptions& options);
std::unique_ptr<ImageWriter> create_jpeg(ByteSink& sink, const ImageInfo& info,
                                         const WriteOptions& options);

// bmp.cpp, bmp_writer.cpp
bool is_bmp(Bytes start);
std::unique_ptr<ImageReader> open_bmp(const ByteSource& source, const std::string& name,
                                      const ReadOptions& options);
std::unique_ptr<ImageWriter> create_bmp(ByteSink& sink, const ImageInfo& info,
                                        const WriteOptions& options);

// pnm.cpp, pnm_writer.cpp: PBM, PGM and PPM, PAM, and PFM, whose samples are floating point
bool is_pnm(Bytes start);
bool is_pam(Bytes start);
bool is_pfm(Bytes start);
std::unique_ptr<ImageReader> open_pnm(const ByteSource& source, const std::string& name,
                                      const ReadOptions& options);
std::unique_ptr<ImageWriter> create_pnm(ByteSink& sink, const ImageInfo& info,
                                        const WriteOptions& options);
std::unique_ptr<ImageWriter> create_pam(ByteSink& sink, const ImageInfo& info,
                                        const WriteOptions& options);
std::unique_ptr<ImageWriter> create_pfm(ByteSink& sink, const ImageInfo& info,
                                        const WriteOptions& options);

// tiff.cpp, tiff_writer.cpp; only where PISR_HAS_TIFF is defined
bool is_tiff(Bytes start);
std::unique_ptr<ImageReader> open_tiff(const ByteSource& source, const std::string& name,
                                       const ReadOptions& options);
std::unique_ptr<ImageWriter> create_tiff(ByteSink& sink, const ImageInfo& info,
                                         const WriteOptions& options);

// webp.cpp; only where PISR_HAS_WEBP is defined
bool is_webp(Bytes start);
std::unique_ptr<ImageReader> open_webp(const ByteSource& source, const std::string& name,
                                       const ReadOptions& options);
std::unique_ptr<ImageWriter> create_webp(ByteSink& sink, const ImageInfo& info,
                                         const WriteOptions& options);

// farbfeld.cpp: always RGB and alpha of 16 bits, to which other images are widened
bool is_farbfeld(Bytes start);
std::unique_ptr<ImageReader> open_farbfeld(const ByteSource& source, const std::string& name,
                                           const ReadOptions& options);
std::unique_ptr<ImageWriter> create_farbfeld(ByteSink& sink, const ImageInfo& info,
                                             const WriteOptions& options);

}  // namespace pisr
