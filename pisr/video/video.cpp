#include "pisr/video/video.h"

#include <algorithm>
#include <span>

#include "core/error.h"
#include "pisr/video/byte_stream.h"

namespace pisr {
void check_limits(const VideoFormat& format, const std::string& name, const VideoLimits& limits) {
  const VideoFormat result = enlarged(format, limits.scale);
  if (std::int64_t{result.width} * result.height > limits.max_pixels) {
    throw Error(ErrorKind::memory,
                message("'", name, "': a frame enlarged to ", result.width, "x", result.height,
                        " exceeds the limit of ", limits.max_pixels, " pixels"),
                "--max-pixels allows more");
  }
}

void fail_truncated(const VideoFormat& format, const std::string& name, std::int64_t number,
                    std::int64_t got) {
  throw Error(ErrorKind::input,
              message("cannot decode '", name, "': frame ", number, " is truncated: ", got, " of ",
                      format.frame_bytes(), " bytes"));
}

bool read_samples(ByteStream& stream, const VideoFormat& format, const std::string& name,
                  std::int64_t number, std::vector<std::byte>& samples) {
  const std::size_t wanted = format.frame_bytes();
  // Of the first frame twice as much as has arrived, so that a small file takes little memory.
  const std::size_t least = number > 0 ? wanted : std::size_t{1} << 20;
  std::size_t got = 0;
  while (got < wanted) {
    const std::size_t next = std::min(wanted, std::max({least, 2 * got, samples.size()}));
    samples.resize(next);
    const std::size_t some = stream.read(std::span(samples).subspan(got));
    if (some == 0 && got == 0) {
      return false;
    }
    if (some < next - got) {
      fail_truncated(format, name, number, static_cast<std::int64_t>(got + some));
    }
    got = next;
  }
  samples.resize(wanted);
  if (format.sample_bytes() == 2) {
    const auto largest_high_byte = static_cast<std::byte>(format.largest() >> 8);
    for (std::size_t i = 1; i < samples.size(); i += 2) {
      if (samples[i] > largest_high_byte) {
        throw Error(ErrorKind::input,
                    message("cannot decode '", name, "': frame ", number, ": sample ", i / 2,
                            " is larger than ", format.largest()),
                    message("is it of ", format.depth, " bits, the lower byte first?"));
      }
    }
  }
  return true;
}

bool skip_samples(ByteStream& stream, const VideoFormat& format, const std::string& name,
                  std::int64_t number) {
  const auto wanted = static_cast<std::int64_t>(format.frame_bytes());
  const std::int64_t got = stream.skip(wanted);
  if (got > 0 && got < wanted) {
    fail_truncated(format, name, number, got);
  }
  return got > 0;
}

}  // namespace pisr
