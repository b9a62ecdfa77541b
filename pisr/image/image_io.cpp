#include "pisr/image/image_io.h"

#include <algorithm>
#include <array>
#include <memory>
#include <system_error>
#include <type_traits>
#include <utility>

#include "core/atomic_file.h"
#include "core/error.h"
#include "pisr/image/byte_sink.h"
#include "pisr/image/byte_source.h"
#include "pisr/image/codec.h"
#include "pisr/image/exif.h"
#include "pisr/image/image_stream.h"
#include "pisr/image/whole_image.h"

namespace pisr {
namespace {

/// "A, B or C".
std::string alternatives(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i) {
    text += (i == 0 ? "" : i + 1 < names.size() ? ", " : " or ") + names[i];
  }
  return text;
}

template <class Sample>
constexpr SampleType kSampleType =
    std::is_same_v<Sample, std::uint16_t> ? SampleType::u16 : SampleType::u8;

const Codec& codec_named(std::string_view extension) {
  if (const Codec* codec = codec_of_extension(extension)) {
    return *codec;
  }
  throw Error(ErrorKind::usage, "unknown image format",
              "the extension decides: " + alternatives(image_extensions()));
}

/// The path's extension without its dot.
std::string extension_of(const std::filesystem::path& path) {
  const std::string extension = path.extension().string();
  return extension.empty() ? "" : extension.substr(1);
}

/// Calls body() and puts `cannot write 'path'` before the message of an Error it throws.
template <class Body>
auto writing(const std::filesystem::path& path, Body&& body) {
  try {
    return body();
  } catch (const Error& error) {
    throw Error(error.kind(), message("cannot write '", path.string(), "': ", error.what()),
                error.hint());
  }
}

template <class Sample>
std::vector<std::byte> encode(const ImageOf<Sample>& image, const std::string& extension,
                              const WriteOptions& options) {
  MemorySink sink;
  const auto writer =
      create_image(sink, {image.width, image.height, image.channels, kSampleType<Sample>, {}},
                   extension, options);
  writer->write_rows(std::as_bytes(std::span(image.samples)));
  writer->finish();
  return std::move(sink.bytes());
}

template <class Image>
void write(const std::filesystem::path& path, const Image& image, const WriteOptions& options) {
  const auto file = writing(path, [&] { return encode(image, extension_of(path), options); });
  write_file_atomically(path, Bytes(file));
}

/// What of `folder` is not hidden and `wanted`, sorted by name.
template <class Wanted>
std::vector<std::filesystem::path> list(const std::filesystem::path& folder, Wanted&& wanted) {
  std::vector<std::filesystem::path> found;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    if (!entry->path().filename().native().starts_with('.') && wanted(*entry)) {
      found.push_back(entry->path());
    }
  }
  if (error) {
    throw Error(ErrorKind::input,
                message("cannot read the folder '", folder.string(), "': ", error.message()));
  }
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace

std::unique_ptr<ImageReader> open_image(const ByteSource& source, const std::string& name,
                                        const ReadOptions& options) {
  std::array<std::byte, kSignatureBytes> start;
  const std::size_t count = source.read(0, start);
  if (count == 0) {
    fail_to_decode(name, "empty file");
  }
  if (const Codec* codec = codec_of_content(Bytes(start).first(count))) {
    return codec->open(source, name, options);
  }
  fail_to_decode(name, "not an image (" + image_formats() + ")");
}

bool format_holds(const std::string& extension, const ImageInfo& info) {
  const Codec* const codec = codec_of_extension(extension);
  return codec != nullptr && holds(*codec, info.channels, info.samples);
}

bool format_holds_orientation(const std::string& extension, const ImageMetadata& metadata) {
  const Codec* const codec = codec_of_extension(extension);
  return codec != nullptr &&
         (codec->holds_orientation ||
          (codec->holds_exif && exif_orientation(metadata.exif) == metadata.orientation));
}

bool format_holds_icc(const std::string& extension) {
  const Codec* const codec = codec_of_extension(extension);
  return codec != nullptr && codec->holds_icc;
}

std::unique_ptr<ImageWriter> create_image(ByteSink& sink, const ImageInfo& info,
                                          const std::string& extension,
                                          const WriteOptions& options) {
  const Codec& codec = codec_named(extension);
  if (info.width < 1 || info.height < 1 || info.channels < 1 || info.channels > 4) {
    throw Error(ErrorKind::usage,
                message("an image must have 1 to 4 channels and at least one pixel, got ",
                        info.width, "x", info.height, " with ", info.channels, " channels"));
  }
  check_holds(codec, info.channels, info.samples);
  return codec.create(sink, info, options);
}

AnyImage decode_image(std::span<const std::byte> file, const std::string& name,
                      const ReadOptions& options) {
  const auto source = memory_source(file);
  return read_pixels(*open_image(*source, name, options));
}

AnyImage read_image(const std::filesystem::path& path, const ReadOptions& options) {
  const auto source = file_source(path);
  return read_pixels(*open_image(*source, path.string(), options));
}

Image8 to_8_bit(const AnyImage& image) {
  if (const auto* narrow = std::get_if<Image8>(&image.pixels)) {
    return *narrow;
  }
  const auto& wide = std::get<Image16>(image.pixels);
  Image8 result(wide.width, wide.height, wide.channels);
  std::transform(wide.samples.begin(), wide.samples.end(), result.samples.begin(),
                 [](std::uint16_t v) { return static_cast<std::uint8_t>((v + 128) / 257); });
  return result;
}

Image8 read_image8(const std::filesystem::path& path, const ReadOptions& options) {
  AnyImage image = read_image(path, options);
  if (auto* narrow = std::get_if<Image8>(&image.pixels)) {
    return std::move(*narrow);
  }
  return to_8_bit(image);
}

void write_image(const std::filesystem::path& path, const Image8& image,
                 const WriteOptions& options) {
  write(path, image, options);
}
void write_image(const std::filesystem::path& path, const Image16& image,
                 const WriteOptions& options) {
  write(path, image, options);
}
void write_image(const std::filesystem::path& path, const AnyImage& image,
                 const WriteOptions& options) {
  std::visit([&](const auto& pixels) { write(path, pixels, options); }, image.pixels);
}

std::vector<std::byte> encode_image(const Image8& image, const std::string& extension,
                                    const WriteOptions& options) {
  return encode(image, extension, options);
}
std::vector<std::byte> encode_image(const Image16& image, const std::string& extension,
                                    const WriteOptions& options) {
  return encode(image, extension, options);
}

void check_format(const std::filesystem::path& path) {
  writing(path, [&] { codec_named(extension_of(path)); });
}

void check_format(const std::filesystem::path& path, const AnyImage& image) {
  writing(path, [&] {
    check_holds(codec_named(extension_of(path)), image.channels(),
                image.is_16_bit() ? SampleType::u16 : SampleType::u8);
  });
}

std::string image_formats() {
  std::vector<std::string> formats;
  for (const Codec& codec : codecs()) {
    formats.emplace_back(codec.name);
  }
  return alternatives(formats);
}

std::vector<std::string> image_extensions() {
  std::vector<std::string> extensions;
  for (const Codec& codec : codecs()) {
    extensions.insert(extensions.end(), codec.extensions.begin(), codec.extensions.end());
  }
  return extensions;
}

bool has_image_extension(const std::filesystem::path& path) {
  return codec_of_extension(extension_of(path)) != nullptr;
}

std::vector<std::filesystem::path> list_images(const std::filesystem::path& folder) {
  return list(folder, [](const std::filesystem::directory_entry& entry) {
    std::error_code none;
    return has_image_extension(entry.path()) && entry.is_regular_file(none);
  });
}

std::vector<std::filesystem::path> list_folders(const std::filesystem::path& folder) {
  return list(folder, [](const std::filesystem::directory_entry& entry) {
    std::error_code none;
    return entry.is_directory(none);
  });
}

}  // namespace pisr
