#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "pisr/image/byte_sink.h"
#include "pisr/image/byte_source.h"
#include "pisr/image/image_stream.h"
#include "pisr/image/whole_image.h"
#include "tests/pisr/image/images.h"

namespace pisr {

/// What came of reading a file.
struct Decoded {
  AnyImage image;
  ImageMetadata metadata;
  std::vector<std::string> warnings;
  std::string error = "none";  ///< as of error_of()
};

inline Decoded decode(std::span<const std::byte> file, const std::string& name = "test") {
  Decoded result;
  result.error = error_of([&] {
    const auto source = memory_source(file);
    const auto reader = open_image(*source, name, {.warn = [&](const std::string& warning) {
      result.warnings.push_back(warning);
    }});
    result.metadata = reader->info().metadata;
    result.image = read_pixels(*reader);
  });
  return result;
}

inline bool same_pixels(const AnyImage& a, const AnyImage& b) {
  return std::visit(
      [&](const auto& pixels) {
        const auto* other = std::get_if<std::decay_t<decltype(pixels)>>(&b.pixels);
        return other != nullptr && largest_difference(pixels, *other) == 0;
      },
      a.pixels);
}

/// Every beginning of the file, from `from` bytes on, must be refused, or be read as the whole file
/// is, with one warning. Returns how many were read.
inline int check_beginnings(std::span<const std::byte> file, std::size_t from) {
  const Decoded whole = decode(file);
  REQUIRE(whole.error == "none");
  int read = 0;
  for (std::size_t length = from; length < file.size(); ++length) {
    INFO(length << " of " << file.size() << " bytes");
    const Decoded cut = decode(file.first(length));
    if (cut.error != "none") {
      REQUIRE(cut.error == "input: cannot decode 'test': truncated");
      REQUIRE(read == 0);  // what is missing does not come back where more is missing
      continue;
    }
    REQUIRE(same_pixels(cut.image, whole.image));
    REQUIRE(cut.warnings.size() == whole.warnings.size() + 1);
    ++read;
  }
  return read;
}

/// What a writer makes of an image, the rows given in portions.
inline std::vector<std::byte> encode_rows(const AnyImage& image, const std::string& extension,
                                          const ImageMetadata& metadata = {},
                                          const WriteOptions& options = {}, int portion = 1) {
  MemorySink sink;
  const ImageInfo info = {image.width(), image.height(), image.channels(),
                          image.is_16_bit() ? SampleType::u16 : SampleType::u8, metadata};
  const auto writer = create_image(sink, info, extension, options);
  const std::span<const std::byte> rows = std::visit(
      [](const auto& pixels) { return std::as_bytes(std::span(pixels.samples)); }, image.pixels);
  const std::size_t step = portion * info.row_bytes();
  for (std::size_t at = 0; at < rows.size(); at += step) {
    writer->write_rows(rows.subspan(at, std::min(step, rows.size() - at)));
  }
  writer->finish();
  return std::move(sink.bytes());
}

}  // namespace pisr
