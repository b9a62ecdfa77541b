#include "pisr/video/y4m.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <span>
#include <utility>

#include "core/error.h"

namespace pisr {
namespace {

constexpr std::string_view kSignature = "YUV4MPEG2";
constexpr std::string_view kFrame = "FRAME";
constexpr std::size_t kLongestLine = 4096;

[[noreturn]] void fail(const std::string& name, const std::string& reason,
                       const std::string& hint = "") {
  throw Error(ErrorKind::input, message("cannot decode '", name, "': ", reason), hint);
}

struct ColourSpace {
  std::string_view tag;
  Chroma chroma;
  int depth;
  ChromaSiting siting;
};

constexpr std::array<ColourSpace, 11> kColourSpaces = {{
    {"420jpeg", Chroma::s420, 8, ChromaSiting::centre},
    {"420mpeg2", Chroma::s420, 8, ChromaSiting::left},
    {"420paldv", Chroma::s420, 8, ChromaSiting::top_left},
    {"420", Chroma::s420, 8, ChromaSiting::centre},
    {"422", Chroma::s422, 8, ChromaSiting::left},
    {"444", Chroma::s444, 8, ChromaSiting::left},
    {"mono", Chroma::none, 8, ChromaSiting::left},
    {"420p10", Chroma::s420, 10, ChromaSiting::left},
    {"422p10", Chroma::s422, 10, ChromaSiting::left},
    {"444p10", Chroma::s444, 10, ChromaSiting::left},
    {"mono10", Chroma::none, 10, ChromaSiting::left},
}};

std::optional<int> side_of(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 1) {
    return std::nullopt;
  }
  return value;
}

void set_colour_space(std::string_view tag, const std::string& name, VideoFormat& format) {
  const auto* const known = std::ranges::find(kColourSpaces, tag, &ColourSpace::tag);
  if (known == kColourSpaces.end()) {
    std::string names;
    for (const ColourSpace& space : kColourSpaces) {
      names += message(names.empty() ? "" : ", ", 'C', space.tag);
    }
    fail(name, message("colour space 'C", tag, "' is not handled"), "handled are " + names);
  }
  format.chroma = known->chroma;
  format.depth = known->depth;
  format.siting = known->siting;
}

}  // namespace

Y4mHeader parse_y4m_header(std::string_view line, const std::string& name) {
  if (!line.starts_with(kSignature) ||
      (line.size() > kSignature.size() && line[kSignature.size()] != ' ')) {
    fail(name, "not YUV4MPEG2");
  }
  line.remove_prefix(kSignature.size());
  Y4mHeader header;
  set_colour_space("420jpeg", name, header.format);
  std::string seen;
  while (!line.empty()) {
    line.remove_prefix(1);  // the space
    const std::string_view tag = line.substr(0, line.find(' '));
    line.remove_prefix(tag.size());
    if (tag.empty()) {
      continue;
    }
    header.tags.emplace_back(tag);
    const char kind = tag.front();
    const std::string_view value = tag.substr(1);
    if (std::string_view("WHCI").find(kind) != std::string_view::npos) {
      if (seen.find(kind) != std::string::npos) {
        fail(name, message("its header has two tags ", kind));
      }
      seen += kind;
    }
    if (kind == 'W' || kind == 'H') {
      const std::optional<int> side = side_of(value);
      if (!side) {
        fail(name, message("its header has the size '", tag, "'"));
      }
      (kind == 'W' ? header.format.width : header.format.height) = *side;
    } else if (kind == 'C') {
      set_colour_space(value, name, header.format);
    } else if (kind == 'I') {
      header.interlaced = value == "t" || value == "b" || value == "m";
    } else if (value == "COLORRANGE=FULL" && kind == 'X') {
      header.format.full_range = true;
    }
  }
  if (header.format.width == 0 || header.format.height == 0) {
    fail(name, "its header lacks width or height");
  }
  return header;
}

std::string y4m_header_line(const Y4mHeader& header, int width, int height) {
  std::string line(kSignature);
  for (const std::string& tag : header.tags) {
    line += ' ';
    line += tag.front() == 'W'   ? message('W', width)
            : tag.front() == 'H' ? message('H', height)
                                 : tag;
  }
  return line + '\n';
}

Y4mReader::Y4mReader(ByteStream& stream, std::string name, const VideoLimits& limits)
    : stream_(stream), name_(std::move(name)) {
  std::array<std::byte, kSignature.size()> start;
  const std::size_t count = stream_.read(start);
  position_ += static_cast<std::int64_t>(count);
  std::string line(reinterpret_cast<const char*>(start.data()), count);
  if (count == 0) {
    fail(name_, "empty");
  }
  if (line != kSignature) {
    fail(name_, "not YUV4MPEG2");
  }
  header_ = parse_y4m_header(read_line(line), name_);
  format_ = header_.format;
  check_limits(format_, name_, limits);
}

/// The rest of a line that begins so.
std::string Y4mReader::read_line(std::string line) {
  for (;;) {
    std::byte byte;
    if (stream_.read(std::span(&byte, 1)) == 0) {
      fail(name_, "truncated");
    }
    ++position_;
    if (byte == std::byte{'\n'}) {
      return line;
    }
    line += static_cast<char>(byte);
    if (line.size() > kLongestLine) {
      fail(name_, message("has a line of more than ", kLongestLine, " bytes"));
    }
  }
}

bool Y4mReader::read_frame_line(std::string& parameters) {
  std::array<std::byte, kFrame.size() + 1> start;
  const std::size_t count = stream_.read(start);
  position_ += static_cast<std::int64_t>(count);
  if (count == 0) {
    return false;
  }
  const std::string_view text(reinterpret_cast<const char*>(start.data()), count);
  if (!text.starts_with(kFrame.substr(0, std::min(count, kFrame.size())))) {
    fail(name_, message("frame ", number_, " does not begin with 'FRAME'"));
  }
  if (count < start.size()) {
    fail(name_, message("frame ", number_, " is truncated"));
  }
  parameters.clear();
  if (text.back() == ' ') {
    parameters = read_line(" ");
  } else if (text.back() != '\n') {
    fail(name_, message("frame ", number_, " does not begin with 'FRAME'"));
  }
  return true;
}

bool Y4mReader::read(Frame& frame) {
  if (!read_frame_line(frame.parameters)) {
    return false;
  }
  if (!read_samples(stream_, format_, name_, number_, frame.samples)) {
    fail_truncated(format_, name_, number_, 0);
  }
  position_ += static_cast<std::int64_t>(format_.frame_bytes());
  ++number_;
  return true;
}

bool Y4mReader::skip() {
  std::string parameters;
  if (!read_frame_line(parameters)) {
    return false;
  }
  if (!skip_samples(stream_, format_, name_, number_)) {
    fail_truncated(format_, name_, number_, 0);
  }
  position_ += static_cast<std::int64_t>(format_.frame_bytes());
  ++number_;
  return true;
}

void Y4mWriter::write(const Frame& frame) {
  const std::string line = std::string(kFrame) + frame.parameters + '\n';
  sink_.write(std::as_bytes(std::span(line)));
  sink_.write(frame.samples);
}

}  // namespace pisr
