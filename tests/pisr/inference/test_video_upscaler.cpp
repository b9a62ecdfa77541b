#include <atomic>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <unistd.h>

#include "core/context.h"
#include "core/error.h"
#include "core/parallel.h"
#include "core/philox.h"
#include "nn/init.h"
#include "pisr/image/byte_sink.h"
#include "pisr/inference/video_upscaler.h"
#include "pisr/model/fsrcnn.h"
#include "pisr/model/plain.h"
#include "pisr/video/byte_stream.h"
#include "pisr/video/chroma.h"
#include "pisr/video/raw_video.h"
#include "pisr/video/samples.h"
#include "pisr/video/y4m.h"
#include "tests/catch.h"
#include "tests/thrown.h"

namespace pisr {
namespace {

std::unique_ptr<Fsrcnn> small_network(int scale) {
  auto network = std::make_unique<Fsrcnn>(FsrcnnOptions{
      .feature_channels = 8, .shrink_channels = 4, .mapping_layers = 1, .scale = scale});
  initialise(*network, 5);
  return network;
}

Frame random_frame(const VideoFormat& format, int seed) {
  Frame frame;
  frame.samples.resize(format.frame_bytes());
  Random random(static_cast<std::uint64_t>(seed), RandomUse::test, 2);
  for (std::size_t i = 0; i < frame.samples.size() / format.sample_bytes(); ++i) {
    store_sample(frame.samples.data(), i, format.sample_bytes(),
                 std::floor(random.uniform(0, format.largest() + 1)), format.largest());
  }
  return frame;
}

/// Luminance of the enlarged frame in the video's units, not rounded.
std::vector<double> naive_luminance(const Fsrcnn& network, const VideoFormat& format,
                                    const Frame& frame) {
  Plane plane(format.width, format.height, 1);
  for (std::size_t i = 0; i < plane.samples.size(); ++i) {
    const double sample = load_sample(frame.samples.data(), i, format.sample_bytes());
    plane.samples[i] = format.full_range    ? 16 + sample * 219 / format.largest()
                       : format.depth == 10 ? sample / 4
                                            : sample;
  }
  Context context;
  std::vector<double> result;
  for (const double value : infer(context, network, plane).samples) {
    const double back = format.full_range    ? (value - 16) * format.largest() / 219
                        : format.depth == 10 ? value * 4
                                             : value;
    result.push_back(std::min<double>(format.largest(), std::max(0.0, back)));
  }
  return result;
}

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text));
}

/// A stream of frames that differ.
std::string stream_of(int frames) {
  const VideoFormat format = parse_raw_video("9x7:yuv420p");
  std::string text = "YUV4MPEG2 W9 H7 F25:1 C420mpeg2\n";
  for (int n = 0; n < frames; ++n) {
    const Frame frame = random_frame(format, n);
    text += "FRAME\n";
    text.append(reinterpret_cast<const char*>(frame.samples.data()), frame.samples.size());
  }
  return text;
}

/// What is written, without a header, and how many frames that are.
struct Written {
  std::string text;
  std::int64_t frames = 0;
};

Written upscaled(const std::string& text, const VideoOptions& options = {}, int threads = 2) {
  static const std::unique_ptr<Fsrcnn> kNetwork = small_network(2);
  ThreadPool pool(threads);
  Context context(pool);
  const auto stream = memory_stream(bytes_of(text));
  Y4mReader reader(*stream, "t", {});
  MemorySink sink;
  Y4mWriter writer(sink);
  Written written;
  written.frames = upscale_video(context, *kNetwork, reader, writer, options);
  written.text.assign(reinterpret_cast<const char*>(sink.bytes().data()), sink.bytes().size());
  return written;
}

/// Keeps the frames and fails at one of them.
class FailingWriter : public VideoWriter {
 public:
  explicit FailingWriter(int last) : last_(last) {}
  void write(const Frame&) override {
    if (frames == last_) {
      throw NoSpaceError("cannot write 'x': full");
    }
    ++frames;
  }
  int frames = 0;

 private:
  int last_;
};

}  // namespace

TEST_CASE("a frame: luminance by the network in its range, chroma in its place, one rounding",
          "[video]") {
  ThreadPool pool(2);
  Context context(pool);
  for (const int scale : {2, 3}) {
    const auto network = small_network(scale);
    for (const Chroma chroma : {Chroma::none, Chroma::s420, Chroma::s422, Chroma::s444}) {
      for (const int depth : {8, 10}) {
        for (const bool full : {false, true}) {
          CAPTURE(scale, static_cast<int>(chroma), depth, full);
          const VideoFormat format{21, 13, chroma, depth, ChromaSiting::left, full};
          FrameUpscaler upscaler(context, *network, format);
          CHECK(upscaler.format() == enlarged(format, scale));
          Frame large;
          for (const int seed : {1, 2}) {  // memory is used again
            Frame frame = random_frame(format, seed);
            frame.parameters = " Ip";
            upscaler.run(frame, large);
            CHECK(large.parameters == " Ip");
            REQUIRE(large.samples.size() == upscaler.format().frame_bytes());
            const std::vector<double> wanted = naive_luminance(*network, format, frame);
            for (std::size_t i = 0; i < wanted.size(); ++i) {
              const int got = load_sample(large.samples.data(), i, format.sample_bytes());
              REQUIRE(std::abs(got - wanted[i]) <= 0.5 + 1e-3);
            }
            std::size_t from = format.plane_bytes(0);
            std::size_t to = upscaler.format().plane_bytes(0);
            for (int plane = 1; plane < format.planes(); ++plane) {
              std::vector<std::byte> colour(upscaler.format().plane_bytes(plane));
              enlarge_chroma(nullptr, format, scale,
                             std::span(frame.samples).subspan(from, format.plane_bytes(plane)),
                             colour);
              CHECK(std::equal(colour.begin(), colour.end(),
                               large.samples.begin() + static_cast<std::ptrdiff_t>(to)));
              from += format.plane_bytes(plane);
              to += colour.size();
            }
            CHECK(to == large.samples.size());
          }
        }
      }
    }
  }
}

TEST_CASE("video: parts joined are the whole, for any threads", "[video][threads]") {
  const std::string text = stream_of(7);
  const Written whole = upscaled(text);
  CHECK(whole.frames == 7);
  CHECK(whole.text.size() == 7 * (6 + enlarged(parse_raw_video("9x7:yuv420p"), 2).frame_bytes()));
  CHECK(upscaled(text, {}, 1).text == whole.text);
  CHECK(upscaled(text, {.tile = 4}).text == whole.text);
  for (std::int64_t start = 0; start <= 7; ++start) {
    const Written first = upscaled(text, {.frames = start});
    const Written rest = upscaled(text, {.start_frame = start});
    CHECK(first.frames == start);
    CHECK(rest.frames == 7 - start);
    CHECK(first.text + rest.text == whole.text);
  }
  const Written middle = upscaled(text, {.start_frame = 2, .frames = 3});
  CHECK(middle.text == whole.text.substr(2 * whole.text.size() / 7, 3 * whole.text.size() / 7));
  CHECK(upscaled(text, {.start_frame = 6, .frames = 100}).frames == 1);
  const Error behind = thrown([&] { upscaled(text, {.start_frame = 8}); });
  CHECK(behind.kind() == ErrorKind::input);
  CHECK(std::string(behind.what()) ==
        "the video has 7 frames, none from --start-frame 8 on; 0 whole frames were written");
}

TEST_CASE("video: what cannot be read ends it after the frames before", "[video][threads]") {
  const std::string text = stream_of(5);
  const Written whole = upscaled(text);
  const auto network = small_network(2);
  const auto read = [&](const std::string& damaged, std::string& written) {
    Context context;
    const auto stream = memory_stream(bytes_of(damaged));
    Y4mReader reader(*stream, "t", {});
    MemorySink sink;
    Y4mWriter writer(sink);
    const Error error = thrown([&] { upscale_video(context, *network, reader, writer); });
    written.assign(reinterpret_cast<const char*>(sink.bytes().data()), sink.bytes().size());
    return error;
  };
  std::string written;
  const Error cut = read(text.substr(0, text.size() - 1), written);
  CHECK(cut.kind() == ErrorKind::input);
  CHECK(std::string(cut.what()) ==
        "cannot decode 't': frame 4 is truncated: 102 of 103 bytes; 4 whole frames were written");
  CHECK(written == whole.text.substr(0, 4 * whole.text.size() / 5));
  std::string garbled = text;
  garbled[text.find("FRAME", text.find("FRAME") + 100)] = 'f';
  CHECK(contains(read(garbled, written).what(), "1 whole frame was written"));
  CHECK(written == whole.text.substr(0, whole.text.size() / 5));
}

TEST_CASE("video: a failure of the output ends it, though the input is silent",
          "[video][threads]") {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const std::string text = stream_of(3);
  REQUIRE(::write(ends[1], text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  const auto stream = descriptor_stream(ends[0], "pipe");
  Y4mReader reader(*stream, "pipe", {});
  Context context;
  const auto network = small_network(2);
  FailingWriter writer(2);
  bool is_of_space = false;
  std::string what;
  try {
    upscale_video(context, *network, reader, writer);
  } catch (const NoSpaceError& error) {
    is_of_space = true;
    what = error.what();
  }
  CHECK(is_of_space);
  CHECK(what == "cannot write 'x': full; 2 whole frames were written");
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST_CASE("video: it stops where it is cancelled, between frames", "[video][threads]") {
  const std::string text = stream_of(6);
  const Written whole = upscaled(text);
  VideoOptions options;
  std::atomic<std::int64_t> done = 0;  // the reading thread asks too
  options.progress = [&](std::int64_t frames) { done = frames; };
  options.cancelled = [&] { return done >= 2; };
  const Written part = upscaled(text, options);
  CHECK(part.frames >= 2);
  CHECK(part.frames < 6);
  CHECK(part.text ==
        whole.text.substr(0, static_cast<std::size_t>(part.frames) * whole.text.size() / 6));

  // While it waits for bytes that do not come.
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const std::string header = "YUV4MPEG2 W9 H7 C420mpeg2\n";
  REQUIRE(::write(ends[1], header.data(), header.size()) > 0);
  int asked = 0;
  const auto stream = descriptor_stream(ends[0], "pipe", [&] { return ++asked > 30; });
  Y4mReader reader(*stream, "pipe", {});
  MemorySink sink;
  Y4mWriter writer(sink);
  Context context;
  CHECK(upscale_video(context, *small_network(2), reader, writer) == 0);
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST_CASE("video: a network on RGB is refused, a result that is not finite an error", "[video]") {
  Context context;
  Plain rgb({.feature_channels = 3, .layers = 1, .channels = 3});
  const Error refused =
      thrown([&] { FrameUpscaler(context, rgb, parse_raw_video("4x4:yuv420p")); });
  CHECK(refused.kind() == ErrorKind::weights);
  const auto network = small_network(2);
  network->parameters().front().parameter->value.values<float>()[0] = NAN;
  FrameUpscaler upscaler(context, *network, parse_raw_video("4x4:yuv420p"));
  Frame large;
  CHECK(thrown([&] {
          upscaler.run(random_frame(parse_raw_video("4x4:yuv420p"), 1), large);
        }).kind() == ErrorKind::numeric);
}

}  // namespace pisr
