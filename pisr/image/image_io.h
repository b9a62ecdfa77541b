#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "pisr/image/image.h"

namespace pisr {

/// A decoded image in the depth of its file. Palettes, transparent colours and 1, 2 and 4 bit grey
/// are expanded to 8 bits; alpha is kept as a channel, not premultiplied.
struct AnyImage {
  std::variant<Image8, Image16> pixels;

  bool is_16_bit() const { return std::holds_alternative<Image16>(pixels); }
  int width() const;
  int height() const;
  int channels() const;
};

/// Checked against the size a file declares, before anything of that size is allocated.
struct ReadLimits {
  std::int64_t max_pixels = std::int64_t{1} << 28;
};

/// Reads a PNG, JPEG or BMP file; its type is decided by its content, not by its name. CMYK JPEG
/// images are converted to RGB. A file that ends early is an error, never a partly grey picture.
/// Throws Error: input (`cannot read 'x': no such file`, `cannot decode 'a.png': truncated`,
/// `cannot decode 'a.txt': not an image (PNG, JPEG or BMP)`), memory where it exceeds the limits.
AnyImage read_image(const std::filesystem::path& path, const ReadLimits& limits = {});

/// read_image, 16 bit samples rounded to 8.
Image8 read_image8(const std::filesystem::path& path, const ReadLimits& limits = {});

/// read_image of a file already in memory; `name` stands in the error messages.
AnyImage decode_image(std::span<const std::byte> file, const std::string& name,
                      const ReadLimits& limits = {});

/// 16 bit samples rounded to 8 (v / 257, to nearest); 8 bit images as they are.
Image8 to_8_bit(const AnyImage& image);

struct WriteOptions {
  int jpeg_quality = 95;  ///< 1..100; chroma is not subsampled from 90
};

/// Writes an image in the format its extension names: png, jpg, jpeg or bmp. The file appears whole
/// or not at all: it is written under a temporary name in the same folder, synced and renamed, and
/// a failure (Error output) leaves an older file of that name as it was and no temporary one.
/// Error usage where the format cannot hold the image: 16 bit outside PNG, alpha in JPEG, grey and
/// alpha in BMP.
void write_image(const std::filesystem::path& path, const Image8& image,
                 const WriteOptions& options = {});
void write_image(const std::filesystem::path& path, const Image16& image,
                 const WriteOptions& options = {});
void write_image(const std::filesystem::path& path, const AnyImage& image,
                 const WriteOptions& options = {});

/// The bytes of a file.
std::vector<std::byte> encode_png(const Image8& image);
std::vector<std::byte> encode_png(const Image16& image);
std::vector<std::byte> encode_jpeg(const Image8& image, int quality = 95);
std::vector<std::byte> encode_bmp(const Image8& image);

/// Whether the extension is one this library reads and writes: png, jpg, jpeg, bmp, in any case.
bool has_image_extension(const std::filesystem::path& path);

/// The files of `folder` (not of its sub-folders) with an image extension, sorted by name. Error
/// input where it is no readable folder; an empty result is the caller's to judge.
std::vector<std::filesystem::path> list_images(const std::filesystem::path& folder);

}  // namespace pisr
