// Any bytes as a YUV4MPEG2 stream: an Error, or frames of the size that the header tells; skipped
// and read frames are the same.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/error.h"
#include "pisr/video/y4m.h"

namespace {

/// Frames of the stream; of every second one the samples are left out where `skips`. Ends at the
/// first that is damaged.
std::vector<std::vector<std::byte>> frames(std::span<const std::byte> bytes, bool skips) {
  std::vector<std::vector<std::byte>> all;
  const auto stream = pisr::memory_stream(bytes);
  try {
    pisr::VideoLimits limits;
    limits.max_pixels = std::int64_t{1} << 20;
    pisr::Y4mReader reader(*stream, "fuzzed", limits);
    const pisr::Y4mHeader again = pisr::parse_y4m_header(
        [&] {
          std::string line =
              pisr::y4m_header_line(reader.header(), reader.format().width, reader.format().height);
          line.pop_back();
          return line;
        }(),
        "again");
    if (!(again.format == reader.format())) {
      std::abort();
    }
    pisr::Frame frame;
    for (int i = 0;; ++i) {
      const bool left_out = skips && i % 2 == 1;
      if (left_out ? !reader.skip() : !reader.read(frame)) {
        return all;
      }
      if (!left_out && frame.samples.size() != reader.format().frame_bytes()) {
        std::abort();
      }
      all.push_back(left_out ? std::vector<std::byte>() : frame.samples);
    }
  } catch (const pisr::Error&) {
    return all;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  const auto read = frames(bytes, false);
  const auto skipped = frames(bytes, true);
  // Samples that are too large are seen only where they are read.
  for (std::size_t i = 0; i < std::min(read.size(), skipped.size()); i += 2) {
    if (read[i] != skipped[i]) {
      std::abort();
    }
  }
  return 0;
}
