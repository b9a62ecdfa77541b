#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "pisr/video/video_format.h"

namespace pisr {

/// The bytes of one frame.
struct Frame {
  std::string parameters;          ///< of its own, with the space in front; mostly empty
  std::vector<std::byte> samples;  ///< VideoFormat::frame_bytes()
};

/// What a video may be.
struct VideoLimits {
  std::int64_t max_pixels = std::int64_t{1} << 27;  ///< of an enlarged frame
  int scale = 1;
};

/// Throws Error memory, naming --max-pixels, where the frames exceed the limits.
void check_limits(const VideoFormat& format, const std::string& name, const VideoLimits& limits);

/// Frames from the first to the last.
class VideoReader {
 public:
  VideoReader() = default;
  VideoReader(const VideoReader&) = delete;
  VideoReader& operator=(const VideoReader&) = delete;
  virtual ~VideoReader() = default;

  const VideoFormat& format() const { return format_; }
  /// The next frame, in memory that it reuses; false at the end. No memory is taken for what has
  /// not arrived. Throws Error input where a frame is truncated or damaged.
  virtual bool read(Frame& frame) = 0;
  /// Passes over the next frame, whose samples are not looked at; false at the end.
  virtual bool skip() = 0;
  /// ByteStream::cancel().
  virtual void cancel() noexcept = 0;

 protected:
  VideoFormat format_;
};

/// Writes frames one after another.
class VideoWriter {
 public:
  VideoWriter() = default;
  VideoWriter(const VideoWriter&) = delete;
  VideoWriter& operator=(const VideoWriter&) = delete;
  virtual ~VideoWriter() = default;

  /// Throws Error output.
  virtual void write(const Frame& frame) = 0;
};

class ByteStream;

/// Reads the samples of frame `number`, counted from 0, for a VideoReader; false where the stream
/// has ended. Throws Error input where it ends within them, or one is larger than the depth allows.
bool read_samples(ByteStream& stream, const VideoFormat& format, const std::string& name,
                  std::int64_t number, std::vector<std::byte>& samples);
/// Passes over them.
bool skip_samples(ByteStream& stream, const VideoFormat& format, const std::string& name,
                  std::int64_t number);
/// The Error input of a frame that ends early.
[[noreturn]] void fail_truncated(const VideoFormat& format, const std::string& name,
                                 std::int64_t number, std::int64_t got);

}  // namespace pisr
