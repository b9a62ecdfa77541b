#include "pisr/video/raw_video.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "core/error.h"

namespace pisr {
namespace {

struct PixelFormat {
  std::string_view name;
  Chroma chroma;
  int depth;
};

constexpr std::array<PixelFormat, 8> kPixelFormats = {{
    {"yuv420p", Chroma::s420, 8},
    {"yuv422p", Chroma::s422, 8},
    {"yuv444p", Chroma::s444, 8},
    {"gray", Chroma::none, 8},
    {"yuv420p10le", Chroma::s420, 10},
    {"yuv422p10le", Chroma::s422, 10},
    {"yuv444p10le", Chroma::s444, 10},
    {"gray10le", Chroma::none, 10},
}};

[[noreturn]] void refuse(std::string_view text, const std::string& reason) {
  std::string names;
  for (const PixelFormat& format : kPixelFormats) {
    names += message(names.empty() ? "" : ", ", format.name);
  }
  throw Error(ErrorKind::usage, message("raw video '", text, "': ", reason),
              "wanted is WxH:FORMAT[:FPS], e.g. 640x360:yuv420p:25; formats are " + names);
}

/// The part before `end`, which is taken off `rest` with it; all of it where there is no `end`.
std::string_view take(std::string_view& rest, char end) {
  const std::size_t at = rest.find(end);
  const std::string_view part = rest.substr(0, at);
  rest.remove_prefix(at == std::string_view::npos ? rest.size() : at + 1);
  return part;
}

/// The whole number above 0 that `text` is; 0 where it is none.
int positive(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? std::max(0, value) : 0;
}

/// "25", "24000/1001" or "29.97".
bool is_rate(std::string_view text) {
  const std::size_t mark = text.find_first_of("/.");
  return positive(text.substr(0, mark)) > 0 &&
         (mark == std::string_view::npos || positive(text.substr(mark + 1)) > 0);
}

}  // namespace

VideoFormat parse_raw_video(std::string_view text) {
  std::string_view rest = text;
  std::string_view size = take(rest, ':');
  VideoFormat format;
  format.width = positive(take(size, 'x'));
  format.height = positive(size);
  if (format.width == 0 || format.height == 0) {
    refuse(text, "has no size");
  }
  const std::string_view name = take(rest, ':');
  const auto* const known = std::ranges::find(kPixelFormats, name, &PixelFormat::name);
  if (known == kPixelFormats.end()) {
    refuse(text, message("unknown format '", name, "'"));
  }
  format.chroma = known->chroma;
  format.depth = known->depth;
  if ((text.ends_with(':') || !rest.empty()) && !is_rate(rest)) {
    refuse(text, message("'", rest, "' is no number of frames a second"));
  }
  return format;
}

RawVideoReader::RawVideoReader(ByteStream& stream, std::string name, const VideoFormat& format,
                               const VideoLimits& limits)
    : stream_(stream), name_(std::move(name)) {
  format_ = format;
  check_limits(format_, name_, limits);
}

bool RawVideoReader::read(Frame& frame) {
  frame.parameters.clear();
  return read_samples(stream_, format_, name_, number_++, frame.samples);
}

bool RawVideoReader::skip() {
  return skip_samples(stream_, format_, name_, number_++);
}

}  // namespace pisr
