#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "pisr/image/any_image.h"

namespace pisr {

class ThreadPool;

/// Limits of reading, and who is told of oddities.
struct ReadOptions {
  /// Checked against the size a file declares, before anything of that size is allocated.
  std::int64_t max_pixels = std::int64_t{1} << 28;
  /// The limit is one of the image enlarged this many times, of which the message then tells.
  int scale = 1;
  /// Is told, in a line that names the file, what was odd about a file that was read all the same;
  /// may be empty.
  std::function<void(const std::string&)> warn = {};
};

/// Reads a file in any format of the table in codec.cpp (image_formats()); its content decides
/// which, not its name. CMYK images are converted to RGB. A file that ends early is an error,
/// never a partly grey picture. Throws Error: input (`cannot read 'x': no such file`, `cannot
/// decode 'a.png': truncated`, `cannot decode 'a.txt': not an image (PNG, JPEG, BMP, ...)`), memory
/// where it exceeds the limits.
AnyImage read_image(const std::filesystem::path& path, const ReadOptions& limits = {});

/// read_image, 16 bit samples rounded to 8.
Image8 read_image8(const std::filesystem::path& path, const ReadOptions& limits = {});

/// read_image of a file already in memory; `name` stands in the error messages.
AnyImage decode_image(std::span<const std::byte> file, const std::string& name,
                      const ReadOptions& limits = {});

/// 16 bit samples rounded to 8 (v / 257, to nearest); an 8 bit image is copied.
Image8 to_8_bit(const AnyImage& image);

/// How an image is compressed.
struct WriteOptions {
  int jpeg_quality = 95;  ///< 1..100; chroma is not subsampled from 90
  int png_level = 1;      ///< 0 (none) to 9 (smallest)
  /// Whose threads compress; null: the calling one alone. The file's bytes do not depend on it.
  ThreadPool* pool = nullptr;
};

/// Writes an image in the format that its extension names. The file appears whole or not at all: it
/// is written under a temporary name in the same folder, synced and renamed. A failure (Error
/// output) leaves an older file of that name as it was and no temporary one. Throws Error usage
/// where check_format does, or for an empty image.
void write_image(const std::filesystem::path& path, const Image8& image,
                 const WriteOptions& options = {});
void write_image(const std::filesystem::path& path, const Image16& image,
                 const WriteOptions& options = {});
void write_image(const std::filesystem::path& path, const AnyImage& image,
                 const WriteOptions& options = {});

/// The bytes of such a file; `extension` names the format: "png". Throws what write_image throws.
std::vector<std::byte> encode_image(const Image8& image, const std::string& extension,
                                    const WriteOptions& options = {});
std::vector<std::byte> encode_image(const Image16& image, const std::string& extension,
                                    const WriteOptions& options = {});

/// Whether write_image can write a file of that name, before there is an image. Throws Error usage
/// `cannot write 'a.gif': unknown image format`, with the known extensions as the hint.
void check_format(const std::filesystem::path& path);

/// Whether it can write this image (or one of its depth and channels) under that name. Throws Error
/// usage also where the format cannot hold it, e.g. `cannot write 'a.jpg': JPEG cannot hold an
/// alpha channel`. The hint names a format that can.
void check_format(const std::filesystem::path& path, const AnyImage& image);

/// The names of all formats: "PNG, JPEG, BMP or PNM".
std::string image_formats();

/// The extensions of all formats, in lower case and without a dot: png, jpg, jpeg, bmp, ...
std::vector<std::string> image_extensions();

/// Whether the extension is one of image_extensions(), in upper or lower case.
bool has_image_extension(const std::filesystem::path& path);

/// The files of `folder` (not of its sub-folders) with an image extension, sorted by name; perhaps
/// none. Names that begin with a dot are passed over: they are hidden, and `._a.png` is no image
/// but what macOS knows of one. Error input where it is no readable folder.
std::vector<std::filesystem::path> list_images(const std::filesystem::path& folder);

/// The sub-folders of `folder`, sorted by name; hidden ones are passed over. Error input as above.
std::vector<std::filesystem::path> list_folders(const std::filesystem::path& folder);

}  // namespace pisr
