#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "pisr/video/byte_stream.h"
#include "pisr/video/video.h"

namespace pisr {

/// The first line of a YUV4MPEG2 stream.
struct Y4mHeader {
  VideoFormat format;
  /// All its tags in their order, of which those that say something else (rate, aspect, comments)
  /// are kept as they are.
  std::vector<std::string> tags;
  bool interlaced = false;
};

/// Reads the line, without its end. A stream without a C tag is 420jpeg, "C420" is centred like it,
/// other 4:2:0 and all 4:2:2 has its chroma at the left. Throws Error input: `cannot decode 'NAME':
/// REASON`, for what is no such line, a size that is missing, and a colour space that is not
/// handled.
Y4mHeader parse_y4m_header(std::string_view line, const std::string& name);

/// The line of the same video with frames of another size, with its end.
std::string y4m_header_line(const Y4mHeader& header, int width, int height);

/// Reads a YUV4MPEG2 stream frame by frame.
class Y4mReader : public VideoReader {
 public:
  /// Reads the header. Keeps a reference to the stream; `name` stands in error messages. Throws
  /// what parse_y4m_header() and check_limits() do.
  Y4mReader(ByteStream& stream, std::string name, const VideoLimits& limits);

  const Y4mHeader& header() const { return header_; }
  /// Bytes from the beginning of the stream to the end of what was read.
  std::int64_t position() const { return position_; }
  bool read(Frame& frame) override;
  bool skip() override;
  void cancel() noexcept override { stream_.cancel(); }

 private:
  std::string read_line(std::string line);
  bool read_frame_line(std::string& parameters);

  ByteStream& stream_;
  std::string name_;
  Y4mHeader header_;
  std::int64_t number_ = 0;
  std::int64_t position_ = 0;
};

/// The frames alone: a header is written by the caller, or not at all.
class Y4mWriter : public VideoWriter {
 public:
  explicit Y4mWriter(ByteSink& sink) : sink_(sink) {}
  void write(const Frame& frame) override;

 private:
  ByteSink& sink_;
};

}  // namespace pisr
