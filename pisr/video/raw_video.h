#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "pisr/video/byte_stream.h"
#include "pisr/video/video.h"

namespace pisr {

/// Reads WxH:FORMAT[:FPS], e.g. "640x360:yuv420p:24000/1001". FORMAT is yuv420p, yuv422p, yuv444p,
/// gray, yuv420p10le, yuv422p10le, yuv444p10le or gray10le; the range is limited, and chroma lies
/// at the left. FPS, which changes no sample, is checked and else ignored. Throws Error usage.
VideoFormat parse_raw_video(std::string_view text);

/// Frames one after another, without anything between them.
class RawVideoReader : public VideoReader {
 public:
  /// Keeps a reference to the stream. Throws what check_limits() does.
  RawVideoReader(ByteStream& stream, std::string name, const VideoFormat& format,
                 const VideoLimits& limits);
  bool read(Frame& frame) override;
  bool skip() override;
  void cancel() noexcept override { stream_.cancel(); }

 private:
  ByteStream& stream_;
  std::string name_;
  std::int64_t number_ = 0;
};

/// Writes frames without headers.
class RawVideoWriter : public VideoWriter {
 public:
  explicit RawVideoWriter(ByteSink& sink) : sink_(sink) {}
  void write(const Frame& frame) override { sink_.write(frame.samples); }

 private:
  ByteSink& sink_;
};

}  // namespace pisr
