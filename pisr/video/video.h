#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace pisr {

/// How much less chroma there is than luminance.
enum class Chroma {
  none,  ///< grey
  s420,  ///< half in width and height
  s422,  ///< half in width
  s444   ///< as much
};

/// Where the chroma samples of s420 and s422 lie among those of luminance.
enum class ChromaSiting {
  centre,   ///< between two columns, and two rows: "420jpeg"
  left,     ///< on the left column of two, between two rows: "420mpeg2", and all of s422
  top_left  ///< on the left column and the upper row: "420paldv"
};

/// What all frames of a video have in common. Samples of 8 bits are bytes, those of 10 bits have
/// two bytes, the lower one first. Planes follow each other: luminance, Cb, Cr.
struct VideoFormat {
  int width = 0;  ///< of luminance
  int height = 0;
  Chroma chroma = Chroma::s420;
  int depth = 8;  ///< bits a sample: 8 or 10
  ChromaSiting siting = ChromaSiting::left;
  /// Luminance 0 is black and the largest value white; otherwise 16 and 235 (of 8 bits).
  bool full_range = false;

  int planes() const { return chroma == Chroma::none ? 1 : 3; }
  /// An odd side has half a sample of chroma more.
  int plane_width(int plane) const;
  int plane_height(int plane) const;
  std::size_t sample_bytes() const { return depth > 8 ? 2 : 1; }
  std::size_t plane_bytes(int plane) const;
  std::size_t frame_bytes() const;
  int largest() const { return (1 << depth) - 1; }

  friend bool operator==(const VideoFormat&, const VideoFormat&) = default;
};

/// The same with sides `scale` times as long. Throws Error memory where one would exceed 2^31 - 1.
VideoFormat enlarged(const VideoFormat& format, int scale);

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
