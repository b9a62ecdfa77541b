#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/philox.h"
#include "pisr/image/byte_sink.h"
#include "pisr/video/raw_video.h"
#include "pisr/video/y4m.h"
#include "tests/catch.h"
#include "tests/thrown.h"

namespace pisr {
namespace {

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text));
}

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

const std::vector<std::string>& colour_tags() {
  static const std::vector<std::string> kTags = {"420jpeg", "420mpeg2", "420paldv", "420",
                                                 "422",     "444",      "mono",     "420p10",
                                                 "422p10",  "444p10",   "mono10"};
  return kTags;
}

/// A stream of frames of different samples, the second with parameters of its own.
std::string stream_of(const std::string& colour, int width, int height, int frames) {
  const Y4mHeader header = parse_y4m_header(
      message("YUV4MPEG2 W", width, " H", height, " F24000:1001 Ip A1:1 C", colour), "test");
  std::string text = y4m_header_line(header, width, height);
  Random random(1, RandomUse::test, 7);
  for (int frame = 0; frame < frames; ++frame) {
    text += frame == 1 ? "FRAME Ip XA=b\n" : "FRAME\n";
    for (std::size_t i = 0; i < header.format.frame_bytes(); ++i) {
      const bool high = header.format.depth == 10 && i % 2 == 1;
      text += static_cast<char>(static_cast<int>(random.uniform(0, high ? 4 : 256)));
    }
  }
  return text;
}

/// Reads everything; the text is what it would write again.
std::string copied(const std::string& text, const VideoLimits& limits = {}) {
  const auto stream = memory_stream(bytes_of(text));
  Y4mReader reader(*stream, "t.y4m", limits);
  MemorySink sink;
  const std::string line =
      y4m_header_line(reader.header(), reader.format().width, reader.format().height);
  sink.write(bytes_of(line));
  Y4mWriter writer(sink);
  for (Frame frame; reader.read(frame);) {
    writer.write(frame);
  }
  CHECK(reader.position() == static_cast<std::int64_t>(text.size()));
  return text_of(sink.bytes());
}

}  // namespace

TEST_CASE("y4m: the header tells format, siting, depth and range", "[video]") {
  const auto format = [](const std::string& tags) {
    return parse_y4m_header("YUV4MPEG2 W6 H4" + tags, "t").format;
  };
  CHECK(format("") == VideoFormat{6, 4, Chroma::s420, 8, ChromaSiting::centre, false});
  CHECK(format(" C420jpeg") == format(""));
  CHECK(format(" C420") == format(""));
  CHECK(format(" C420mpeg2") == VideoFormat{6, 4, Chroma::s420, 8, ChromaSiting::left, false});
  CHECK(format(" C420paldv") == VideoFormat{6, 4, Chroma::s420, 8, ChromaSiting::top_left, false});
  CHECK(format(" C422") == VideoFormat{6, 4, Chroma::s422, 8, ChromaSiting::left, false});
  CHECK(format(" C444").chroma == Chroma::s444);
  CHECK(format(" Cmono").chroma == Chroma::none);
  CHECK(format(" C420p10") == VideoFormat{6, 4, Chroma::s420, 10, ChromaSiting::left, false});
  CHECK(format(" C422p10").depth == 10);
  CHECK(format(" C444p10").chroma == Chroma::s444);
  CHECK(format(" Cmono10") == VideoFormat{6, 4, Chroma::none, 10, ChromaSiting::left, false});
  CHECK(format(" XCOLORRANGE=FULL").full_range);
  CHECK(!format(" XCOLORRANGE=LIMITED").full_range);
  for (const char* tag : {" Ip", " I?", "", " XIt"}) {
    CHECK(!parse_y4m_header(std::string("YUV4MPEG2 W6 H4") + tag, "t").interlaced);
  }
  for (const char* tag : {" It", " Ib", " Im"}) {
    CHECK(parse_y4m_header(std::string("YUV4MPEG2 W6 H4") + tag, "t").interlaced);
  }
}

TEST_CASE("y4m: planes of odd sizes, and bytes of a frame", "[video]") {
  const auto format = [](const std::string& tags) {
    return parse_y4m_header("YUV4MPEG2 W5 H3" + tags, "t").format;
  };
  CHECK(format(" C420").frame_bytes() == 15 + 2 * 3 * 2);
  CHECK(format(" C422").frame_bytes() == 15 + 2 * 3 * 3);
  CHECK(format(" C444").frame_bytes() == 45);
  CHECK(format(" Cmono").frame_bytes() == 15);
  CHECK(format(" C420p10").frame_bytes() == 2 * (15 + 2 * 3 * 2));
  const VideoFormat large = enlarged(format(" C420"), 3);
  CHECK(large.width == 15);
  CHECK(large.plane_width(1) == 8);
  CHECK(large.plane_height(2) == 5);
  CHECK_THROWS_AS(enlarged(parse_y4m_header("YUV4MPEG2 W2000000000 H1", "t").format, 2), Error);
}

TEST_CASE("y4m: a header keeps what it does not change", "[video]") {
  const std::string line =
      "YUV4MPEG2 W6 H4 F30000:1001 Ip A128:117 C420mpeg2 XYSCSS=420MPEG2 XCOLORRANGE=FULL Zother";
  const Y4mHeader header = parse_y4m_header(line, "t");
  CHECK(y4m_header_line(header, 6, 4) == line + "\n");
  CHECK(y4m_header_line(header, 12, 8) ==
        "YUV4MPEG2 W12 H8 F30000:1001 Ip A128:117 C420mpeg2 XYSCSS=420MPEG2 XCOLORRANGE=FULL "
        "Zother\n");
  CHECK(y4m_header_line(parse_y4m_header("YUV4MPEG2  H4  W6", "t"), 6, 4) == "YUV4MPEG2 H4 W6\n");
}

TEST_CASE("y4m: headers that are refused", "[video]") {
  const auto text = [](const std::string& line) {
    const Error error = thrown([&] { parse_y4m_header(line, "t.y4m"); });
    CHECK(error.kind() == ErrorKind::input);
    return std::string(error.what());
  };
  const std::string start = "cannot decode 't.y4m': ";
  for (const char* line : {"", "YUV4MPEG", "YUV4MPEG22 W6 H4", "P6", "RIFF W6 H4"}) {
    CHECK(text(line) == start + "not YUV4MPEG2");
  }
  for (const char* line : {"YUV4MPEG2", "YUV4MPEG2 W6", "YUV4MPEG2 H6", "YUV4MPEG2 F1:1"}) {
    CHECK(text(line) == start + "its header lacks width or height");
  }
  for (const char* size : {"W0", "W-6", "W", "W6x", "W99999999999", "W+6", "W6.0"}) {
    CHECK(text(std::string("YUV4MPEG2 H4 ") + size) ==
          start + "its header has the size '" + size + "'");
  }
  CHECK(text("YUV4MPEG2 W6 W6 H4") == start + "its header has two tags W");
  CHECK(text("YUV4MPEG2 W6 H4 C420 C444") == start + "its header has two tags C");
  for (const char* colour : {"411", "444alpha", "420p12", "420p16", "mono16", "", "420JPEG"}) {
    CHECK(text(std::string("YUV4MPEG2 W6 H4 C") + colour) ==
          start + "colour space 'C" + colour + "' is not handled");
  }
}

TEST_CASE("y4m: frames and their parameters come back as they were", "[video]") {
  for (const std::string& colour : colour_tags()) {
    for (const int width : {1, 2, 5, 16}) {
      CAPTURE(colour, width);
      const std::string text = stream_of(colour, width, 3, 3);
      CHECK(copied(text) == text);
    }
  }
}

TEST_CASE("y4m: skipped frames are not looked at, but counted", "[video]") {
  const std::string text = stream_of("420p10", 5, 3, 4);
  const auto stream = memory_stream(bytes_of(text));
  Y4mReader reader(*stream, "t", {});
  CHECK(reader.skip());
  CHECK(reader.skip());
  Frame frame;
  REQUIRE(reader.read(frame));
  const std::string samples = text_of(frame.samples);
  CHECK(text.find(samples) == text.size() - 2 * samples.size() - 6);
  CHECK(reader.skip());
  CHECK(reader.position() == static_cast<std::int64_t>(text.size()));
  CHECK(!reader.skip());
  CHECK(!reader.read(frame));
}

TEST_CASE("y4m: every truncation is an error, but for those between frames", "[video]") {
  for (const char* colour : {"420jpeg", "mono10"}) {
    const std::string text = stream_of(colour, 3, 2, 3);
    const Y4mHeader header = parse_y4m_header(text.substr(0, text.find('\n')), "t");
    std::vector<std::size_t> whole = {text.find('\n') + 1};
    for (int frame = 0; frame < 3; ++frame) {
      whole.push_back(text.find('\n', whole.back()) + 1 + header.format.frame_bytes());
    }
    REQUIRE(whole.back() == text.size());
    for (std::size_t size = 0; size <= text.size(); ++size) {
      CAPTURE(colour, size);
      const std::string cut = text.substr(0, size);
      if (std::find(whole.begin(), whole.end(), size) != whole.end()) {
        CHECK(copied(cut) == cut);
      } else {
        const Error error = thrown([&] { copied(cut); });
        CHECK(error.kind() == ErrorKind::input);
        CHECK(contains(error.what(), "cannot decode 't.y4m'"));
        // Passing over finds it too.
        CHECK(thrown([&] {
                const auto stream = memory_stream(bytes_of(cut));
                Y4mReader reader(*stream, "t", {});
                while (reader.skip()) {
                }
              }).kind() == ErrorKind::input);
      }
    }
  }
}

TEST_CASE("y4m: damage is an error or another video, never more", "[video]") {
  const std::string text = stream_of("422", 4, 2, 2);
  Random random(2, RandomUse::test, 7);
  VideoLimits limits;
  limits.max_pixels = 1 << 20;
  for (int round = 0; round < 4000; ++round) {
    std::string damaged = text;
    const int flips = 1 + round % 4;
    for (int flip = 0; flip < flips; ++flip) {
      // Most of them in the header, where there is something to damage.
      const double most = round % 2 == 0 ? 80 : static_cast<double>(text.size());
      const auto at = static_cast<std::size_t>(random.uniform(0, most));
      damaged[at % damaged.size()] = static_cast<char>(random.uniform(0, 256));
    }
    const auto stream = memory_stream(bytes_of(damaged));
    try {
      Y4mReader reader(*stream, "t", limits);
      for (Frame frame; reader.read(frame);) {
        REQUIRE(frame.samples.size() == reader.format().frame_bytes());
      }
    } catch (const Error& error) {
      const bool foreseen = error.kind() == ErrorKind::input || error.kind() == ErrorKind::memory;
      REQUIRE(foreseen);
    }
  }
}

TEST_CASE("y4m: lines without an end and large sizes take no memory", "[video]") {
  CHECK(contains(thrown([] { copied("YUV4MPEG2 W6 H4 X" + std::string(1 << 20, 'x')); }).what(),
                 "has a line of more than 4096 bytes"));
  const std::string one = stream_of("mono", 2, 2, 1);
  CHECK(contains(thrown([&] { copied(one + "FRAME " + std::string(1 << 20, 'x')); }).what(),
                 "has a line of more than 4096 bytes"));
  const Error limit =
      thrown([] { copied("YUV4MPEG2 W40000 H40000\n", {.max_pixels = 1 << 20, .scale = 2}); });
  CHECK(limit.kind() == ErrorKind::memory);
  CHECK(std::string(limit.what()) ==
        "'t.y4m': a frame enlarged to 80000x80000 exceeds the limit of 1048576 pixels");
  CHECK(limit.hint() == "--max-pixels allows more");
  // A frame of 12 GB is announced, of which 10 bytes come.
  const std::string large = "YUV4MPEG2 W90000 H90000\nFRAME\n0123456789";
  const auto stream = memory_stream(bytes_of(large));
  Y4mReader reader(*stream, "t", {.max_pixels = std::int64_t{1} << 40, .scale = 1});
  Frame frame;
  CHECK(contains(thrown([&] { reader.read(frame); }).what(), "frame 0 is truncated: 10 of 12150"));
  CHECK(frame.samples.capacity() < (std::size_t{4} << 20));
}

TEST_CASE("y4m: a sample of more than 10 bits is an error", "[video]") {
  std::string text = stream_of("mono10", 4, 2, 2);
  text[text.size() - 3] = '\x04';
  const Error error = thrown([&] { copied(text); });
  CHECK(std::string(error.what()) ==
        "cannot decode 't.y4m': frame 1: sample 6 is larger than 1023");
}

TEST_CASE("raw video: what the option says", "[video]") {
  CHECK(parse_raw_video("6x4:yuv420p") ==
        VideoFormat{6, 4, Chroma::s420, 8, ChromaSiting::left, false});
  CHECK(parse_raw_video("6x4:yuv422p:25").chroma == Chroma::s422);
  CHECK(parse_raw_video("6x4:yuv444p:24000/1001").chroma == Chroma::s444);
  CHECK(parse_raw_video("6x4:gray:29.97").chroma == Chroma::none);
  CHECK(parse_raw_video("6x4:yuv420p10le").depth == 10);
  CHECK(parse_raw_video("6x4:yuv422p10le").depth == 10);
  CHECK(parse_raw_video("6x4:yuv444p10le").depth == 10);
  CHECK(parse_raw_video("6x4:gray10le").chroma == Chroma::none);
  for (const char* text :
       {"", "6x4", "6x4:", "x4:gray", "6x:gray", "6:gray", "0x4:gray", "-6x4:gray", "6x4:rgb24",
        "6x4:gray:", "6x4:gray:0", "6x4:gray:x", "6x4:gray:25/0", "6x4:gray:25:1", "6 x4:gray",
        "99999999999x4:gray", "6x4:gray10be"}) {
    CAPTURE(text);
    CHECK(thrown([&] { parse_raw_video(text); }).kind() == ErrorKind::usage);
  }
}

TEST_CASE("raw video: frames of one size, the last one whole", "[video]") {
  const VideoFormat format = parse_raw_video("3x2:yuv420p");
  REQUIRE(format.frame_bytes() == 10);
  for (std::size_t size = 0; size <= 30; ++size) {
    CAPTURE(size);
    const std::string text(size, 'x');
    const auto read = [&](bool skip) {
      const auto stream = memory_stream(bytes_of(text));
      RawVideoReader reader(*stream, "t.yuv", format, {});
      int frames = 0;
      Frame frame;
      while (skip ? reader.skip() : reader.read(frame)) {
        ++frames;
      }
      CHECK(frames == static_cast<int>(size / 10));
    };
    for (const bool skip : {false, true}) {
      if (size % 10 == 0) {
        read(skip);
      } else {
        CHECK(std::string(thrown([&] { read(skip); }).what()) ==
              message("cannot decode 't.yuv': frame ", size / 10, " is truncated: ", size % 10,
                      " of 10 bytes"));
      }
    }
  }
  CHECK(thrown([&] {
          const auto stream = memory_stream({});
          RawVideoReader(*stream, "t", format, {.max_pixels = 23, .scale = 2});
        }).kind() == ErrorKind::memory);
}

}  // namespace pisr
