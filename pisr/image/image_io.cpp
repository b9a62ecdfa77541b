#include "pisr/image/image_io.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <system_error>
#include <utility>

#include "core/atomic_file.h"
#include "core/error.h"
#include "pisr/image/codec.h"

namespace pisr {
namespace {

enum class Format { none, png, jpeg, bmp };

Format format_of_content(Bytes file) {
  const auto starts_with = [file](std::initializer_list<int> signature) {
    return file.size() >= signature.size() &&
           std::equal(signature.begin(), signature.end(), file.begin(),
                      [](int wanted, std::byte got) { return std::byte(wanted) == got; });
  };
  if (starts_with({0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'})) {
    return Format::png;
  }
  if (starts_with({0xff, 0xd8, 0xff})) {
    return Format::jpeg;
  }
  return starts_with({'B', 'M'}) ? Format::bmp : Format::none;
}

Format format_of_extension(const std::filesystem::path& path) {
  std::string extension = path.extension().string();
  for (char& letter : extension) {
    letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  }
  if (extension == ".png") {
    return Format::png;
  }
  if (extension == ".jpg" || extension == ".jpeg") {
    return Format::jpeg;
  }
  return extension == ".bmp" ? Format::bmp : Format::none;
}

std::string reason_of(int error) {
  return error == ENOENT ? "no such file" : std::generic_category().message(error);
}

[[noreturn]] void fail_to_read(const std::filesystem::path& path, const std::string& reason) {
  throw Error(ErrorKind::input, message("cannot read '", path.string(), "': ", reason));
}

/// The whole file, provided that it starts like an image: a large file of another kind, given by
/// mistake, is not read into memory first.
std::vector<std::byte> read_image_file(const std::filesystem::path& path) {
  std::error_code none;
  if (std::filesystem::is_directory(path, none)) {
    fail_to_read(path, "is a folder");
  }
  errno = 0;
  std::ifstream stream(path, std::ios::binary);
  if (!stream) {
    fail_to_read(path, reason_of(errno));
  }
  constexpr std::size_t kBlock = std::size_t{1} << 16;
  std::vector<std::byte> file;
  while (stream) {
    const std::size_t have = file.size();
    file.resize(have + std::max(kBlock, have));
    stream.read(reinterpret_cast<char*>(file.data() + have),
                static_cast<std::streamsize>(file.size() - have));
    file.resize(have + static_cast<std::size_t>(stream.gcount()));
    if (have == 0 && format_of_content(file) == Format::none) {
      break;  // decode_image says why
    }
  }
  if (stream.bad()) {
    fail_to_read(path, reason_of(errno));
  }
  return file;
}

std::vector<std::byte> encode(const Image8& image, Format format, const WriteOptions& options) {
  switch (format) {
    case Format::png:
      return encode_png(image);
    case Format::jpeg:
      return encode_jpeg(image, options.jpeg_quality);
    case Format::bmp:
      return encode_bmp(image);
    case Format::none:
      break;
  }
  throw Error(ErrorKind::usage, "unknown image format",
              "the extensions are png, jpg, jpeg and bmp");
}

std::vector<std::byte> encode(const Image16& image, Format format, const WriteOptions&) {
  if (format == Format::jpeg || format == Format::bmp) {
    throw Error(ErrorKind::usage, "JPEG and BMP hold 8 bits a sample, the image has 16",
                "write a .png, or convert the image to 8 bits");
  }
  if (format == Format::none) {
    throw Error(ErrorKind::usage, "unknown image format", "a 16 bit image wants the extension png");
  }
  return encode_png(image);
}

template <class Image>
void write(const std::filesystem::path& path, const Image& image, const WriteOptions& options) {
  std::vector<std::byte> file;
  try {
    file = encode(image, format_of_extension(path), options);
  } catch (const Error& error) {
    throw Error(error.kind(), message("cannot write '", path.string(), "': ", error.what()),
                error.hint());
  }
  write_file_atomically(path, Bytes(file));
}

}  // namespace

int AnyImage::width() const {
  return std::visit([](const auto& image) { return image.width; }, pixels);
}
int AnyImage::height() const {
  return std::visit([](const auto& image) { return image.height; }, pixels);
}
int AnyImage::channels() const {
  return std::visit([](const auto& image) { return image.channels; }, pixels);
}

void fail_to_decode(const std::string& name, std::string reason) {
  for (char& letter : reason) {
    letter = letter >= ' ' && letter <= '~' ? letter : '?';
  }
  throw Error(ErrorKind::input, message("cannot decode '", name, "': ", reason));
}

void check_declared_size(std::int64_t width, std::int64_t height, const std::string& name,
                         const ReadLimits& limits) {
  if (width < 1 || height < 1) {
    fail_to_decode(name, message("declares a size of ", width, "x", height));
  }
  // Divided, not multiplied: the product of two damaged sizes may overflow.
  if (width > limits.max_pixels / height) {
    throw Error(ErrorKind::memory, message("cannot decode '", name, "': ", width, "x", height,
                                           " exceeds the limit of ", limits.max_pixels, " pixels"));
  }
}

AnyImage decode_image(std::span<const std::byte> file, const std::string& name,
                      const ReadLimits& limits) {
  if (file.empty()) {
    fail_to_decode(name, "empty file");
  }
  switch (format_of_content(file)) {
    case Format::png:
      return decode_png(file, name, limits);
    case Format::jpeg:
      return {decode_jpeg(file, name, limits)};
    case Format::bmp:
      return {decode_bmp(file, name, limits)};
    case Format::none:
      break;
  }
  fail_to_decode(name, "not an image (PNG, JPEG or BMP)");
}

AnyImage read_image(const std::filesystem::path& path, const ReadLimits& limits) {
  return decode_image(read_image_file(path), path.string(), limits);
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

Image8 read_image8(const std::filesystem::path& path, const ReadLimits& limits) {
  AnyImage image = read_image(path, limits);
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

bool has_image_extension(const std::filesystem::path& path) {
  return format_of_extension(path) != Format::none;
}

std::vector<std::filesystem::path> list_images(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    std::error_code none;
    if (has_image_extension(entry->path()) && entry->is_regular_file(none)) {
      files.push_back(entry->path());
    }
  }
  if (error) {
    throw Error(ErrorKind::input,
                message("cannot read the folder '", folder.string(), "': ", error.message()));
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace pisr
