// Any bytes as an image file: an Error, or rows; within the limits of memory, and the same by rows
// and at once.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>
#include <vector>

#include "core/error.h"
#include "pisr/image/byte_source.h"
#include "pisr/image/image_stream.h"

namespace {

/// A picture of this size takes little of the memory that libFuzzer allows.
constexpr std::int64_t kMostPixels = std::int64_t{1} << 20;

/// All samples, read `rows` at a time; empty where the file is refused.
std::vector<std::byte> samples(const pisr::ByteSource& source, int rows) {
  pisr::ReadOptions options;
  options.max_pixels = kMostPixels;
  options.warn = [](const std::string&) {};
  try {
    const auto reader = pisr::open_image(source, "fuzzed", options);
    const pisr::ImageInfo& info = reader->info();
    if (info.width < 1 || info.height < 1 || info.channels < 1 || info.channels > 4 ||
        info.width > kMostPixels / info.height) {
      std::abort();
    }
    std::vector<std::byte> all(info.row_bytes() * static_cast<std::size_t>(info.height));
    for (int y = 0; y < info.height; y += rows) {
      const auto count = static_cast<std::size_t>(std::min(rows, info.height - y));
      reader->read_rows(std::span(all).subspan(info.row_bytes() * static_cast<std::size_t>(y),
                                               info.row_bytes() * count));
    }
    reader->finish();
    return all;
  } catch (const pisr::Error&) {
    return {};
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto source = pisr::memory_source(std::as_bytes(std::span(data, size)));
  const std::vector<std::byte> at_once = samples(*source, 1 << 20);
  const std::vector<std::byte> by_rows = samples(*source, 3);
  // Of memory that was never written the two would differ.
  if (at_once != by_rows) {
    std::abort();
  }
  return 0;
}
