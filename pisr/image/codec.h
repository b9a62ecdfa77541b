#pragma once
// The table of file formats, and what their files share. Not a header for users of the library, who
// include image_io.h.
//
// A new format is one file beside png.cpp, jpeg.cpp and bmp.cpp, its functions declared below, and
// one row of the table in codec.cpp. Reading, writing, listing of folders and every message that
// lists the formats follow the table.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "pisr/image/image_io.h"

namespace pisr {

using Bytes = std::span<const std::byte>;

/// A file format. Every format holds grey and RGB images of 8 bits a sample.
struct Codec {
  std::string_view name;                     ///< "JPEG"
  std::string_view signature;                ///< the bytes that its files start with
  std::vector<std::string_view> extensions;  ///< in lower case, without the dot: "jpg", "jpeg"
  bool holds_grey_alpha;                     ///< images of 2 channels
  bool holds_rgb_alpha;                      ///< images of 4 channels

  /// `file` starts with the signature; `name` is what errors call it. Throws Error(input) where it
  /// is damaged, Error(memory) where it exceeds the limits or 2 GiB.
  AnyImage (*decode)(Bytes file, const std::string& name, const ReadLimits& limits);
  /// The bytes of a file. The image has at least one pixel and channels that the format holds.
  /// Throws Error(usage) for wrong options, Error(output) for an image that is too large.
  std::vector<std::byte> (*encode)(const Image8& image, const WriteOptions& options);
  /// The same for 16 bits a sample; null where the format holds only 8.
  std::vector<std::byte> (*encode_16_bit)(const Image16& image, const WriteOptions& options);
};

/// The formats in the order in which messages list them.
std::span<const Codec> codecs();

/// The row whose signature the file starts with; null where there is none.
const Codec* codec_of_content(Bytes file);
/// The row with the extension, without a dot and in upper or lower case; null where there is none.
const Codec* codec_of_extension(std::string_view extension);

/// Throws Error(usage) `JPEG cannot hold an alpha channel`, with a format that can as the hint,
/// where the format cannot hold an image of `channels` channels of `bits` (8 or 16) bits a sample.
void check_holds(const Codec& codec, int channels, int bits);

/// Throws Error(input) `cannot decode 'NAME': REASON`. Characters that would break the line, or
/// that a damaged file put into a library's message, are shown as '?'.
[[noreturn]] void fail_to_decode(const std::string& name, std::string reason);

/// Throws Error(memory) where a declared size exceeds the limit, Error(input) where a side is zero.
void check_declared_size(std::int64_t width, std::int64_t height, const std::string& name,
                         const ReadLimits& limits);

// png.cpp
AnyImage decode_png(Bytes file, const std::string& name, const ReadLimits& limits);
std::vector<std::byte> encode_png(const Image8& image, const WriteOptions& options);
std::vector<std::byte> encode_png_16_bit(const Image16& image, const WriteOptions& options);

// jpeg.cpp
AnyImage decode_jpeg(Bytes file, const std::string& name, const ReadLimits& limits);
std::vector<std::byte> encode_jpeg(const Image8& image, const WriteOptions& options);

// bmp.cpp
AnyImage decode_bmp(Bytes file, const std::string& name, const ReadLimits& limits);
std::vector<std::byte> encode_bmp(const Image8& image, const WriteOptions& options);

}  // namespace pisr
