#include "pisr/inference/video_upscaler.h"

#include <cstddef>
#include <exception>
#include <optional>
#include <span>
#include <utility>

#include "core/error.h"
#include "core/for_rows.h"
#include "core/pipeline.h"
#include "pisr/model/network.h"
#include "pisr/video/byte_stream.h"
#include "pisr/video/chroma.h"
#include "pisr/video/samples.h"

namespace pisr {
namespace {

/// Luminance of a video in the network's units, and back: network = from + sample * unit.
struct LumaUnits {
  double from, unit;
};

LumaUnits luma_units(const VideoFormat& format) {
  if (format.full_range) {
    return {16.0 / 255, 219.0 / 255 / format.largest()};
  }
  return {0, 1.0 / 255 / (1 << (format.depth - 8))};
}

/// What is thrown in place of a failure after some frames.
[[noreturn]] void rethrow_with_count(std::exception_ptr failure, std::int64_t frames) {
  const std::string count =
      message("; ", frames, frames == 1 ? " whole frame was" : " whole frames were", " written");
  try {
    std::rethrow_exception(std::move(failure));
  } catch (const NoSpaceError& error) {
    throw NoSpaceError(error.what() + count);
  } catch (const Error& error) {
    throw Error(error.kind(), error.what() + count, error.hint());
  }
}

}  // namespace

FrameUpscaler::FrameUpscaler(Context& context, const SrNetwork& network, const VideoFormat& format,
                             const InferenceOptions& options)
    : context_(context),
      scale_(network.spec().scale),
      format_(format),
      enlarged_(enlarged(format, scale_)),
      inference_(context, network, options) {
  if (network.spec().channels != 1) {
    throw Error(ErrorKind::weights, "video: the network is on RGB, video needs one on luminance");
  }
}

void FrameUpscaler::run(const Frame& frame, Frame& large) {
  const std::size_t bytes = format_.sample_bytes();
  const LumaUnits units = luma_units(format_);
  large.parameters = frame.parameters;
  large.samples.resize(enlarged_.frame_bytes());

  low_.resize(format_.width, format_.height, 1);
  for_rows(context_.pool(), format_.height, [&](int first, int past) {
    for (int y = first; y < past; ++y) {
      const std::size_t row = static_cast<std::size_t>(y) * format_.width;
      for (int x = 0; x < format_.width; ++x) {
        low_.row(0, y)[x] = static_cast<float>(
            units.from + units.unit * load_sample(frame.samples.data(), row + x, bytes));
      }
    }
  });
  inference_.run(low_.view(), high_);
  for_rows(context_.pool(), enlarged_.height, [&](int first, int past) {
    for (int y = first; y < past; ++y) {
      const std::size_t row = static_cast<std::size_t>(y) * enlarged_.width;
      for (int x = 0; x < enlarged_.width; ++x) {
        const double value = (double{high_.row(0, y)[x]} - units.from) / units.unit;
        store_sample(large.samples.data(), row + x, bytes, value, enlarged_.largest());
      }
    }
  });

  std::size_t from = format_.plane_bytes(0);
  std::size_t to = enlarged_.plane_bytes(0);
  for (int plane = 1; plane < format_.planes(); ++plane) {
    enlarge_chroma(context_.pool(), format_, scale_,
                   std::span(frame.samples).subspan(from, format_.plane_bytes(plane)),
                   std::span(large.samples).subspan(to, enlarged_.plane_bytes(plane)));
    from += format_.plane_bytes(plane);
    to += enlarged_.plane_bytes(plane);
  }
}

std::int64_t upscale_video(Context& context, const SrNetwork& network, VideoReader& reader,
                           VideoWriter& writer, const VideoOptions& options) {
  InferenceOptions inference;
  inference.tile = options.tile;
  FrameUpscaler upscaler(context, network, reader.format(), inference);
  const auto cancelled = [&] { return options.cancelled && options.cancelled(); };
  std::exception_ptr unreadable;
  std::int64_t frames_read = 0;
  std::int64_t computed = 0;
  std::int64_t written = 0;

  // A frame that cannot be read ends the video after the frames before it, not instead of them.
  const auto produce = [&]() -> std::optional<Frame> {
    try {
      for (; frames_read < options.start_frame; ++frames_read) {
        if (cancelled()) {
          return std::nullopt;
        }
        if (!reader.skip()) {
          throw Error(ErrorKind::input,
                      message("the video has ", frames_read, " frames, none from --start-frame ",
                              options.start_frame, " on"));
        }
      }
      const bool enough =
          options.frames >= 0 && frames_read - options.start_frame >= options.frames;
      Frame frame;
      if (enough || cancelled() || !reader.read(frame)) {
        return std::nullopt;
      }
      ++frames_read;
      return frame;
    } catch (const StreamCancelled&) {
    } catch (...) {
      unreadable = std::current_exception();
    }
    return std::nullopt;
  };
  // What ends the work must not wait for a reader that waits for bytes.
  const auto ending_reads = [&](auto&& work) {
    try {
      return work();
    } catch (...) {
      reader.cancel();
      throw;
    }
  };
  const auto compute = [&](const Frame& frame) {
    return ending_reads([&]() -> std::optional<Frame> {
      if (cancelled()) {
        reader.cancel();
        return std::nullopt;
      }
      Frame large;
      upscaler.run(frame, large);
      ++computed;
      if (options.progress) {
        options.progress(computed);
      }
      return large;
    });
  };
  const auto consume = [&](const Frame& large) {
    ending_reads([&] {
      writer.write(large);
      ++written;
    });
  };
  try {
    run_pipeline(true, produce, compute, consume);
  } catch (...) {
    rethrow_with_count(std::current_exception(), written);
  }
  if (unreadable) {
    rethrow_with_count(unreadable, written);
  }
  return written;
}

}  // namespace pisr
