#pragma once

#include <cstdint>
#include <functional>

#include "core/context.h"
#include "pisr/image/float_planes.h"
#include "pisr/inference/inference.h"
#include "pisr/video/video.h"

namespace pisr {

class SrNetwork;

/// Enlarges frame after frame: luminance by the network, chroma by bicubic interpolation that keeps
/// its place (pisr/video/chroma.h), each value rounded once. The network sees luminance as 16..235
/// of 0..255; that of a full-range video is mapped to it and back. Parameters of frames are kept.
class FrameUpscaler {
 public:
  /// Keeps references to the context and the network. Throws Error weights for a network on RGB.
  FrameUpscaler(Context& context, const SrNetwork& network, const VideoFormat& format,
                const InferenceOptions& options = {});

  /// Of the enlarged frames.
  const VideoFormat& format() const { return enlarged_; }
  /// Throws what Inference::run() does.
  void run(const Frame& frame, Frame& large);

 private:
  Context& context_;
  int scale_;
  VideoFormat format_;
  VideoFormat enlarged_;
  Inference inference_;
  FloatPlanes low_, high_;
};

/// Which frames are enlarged, and who is told.
struct VideoOptions {
  std::int64_t start_frame = 0;  ///< so many frames are passed over
  std::int64_t frames = -1;      ///< so many are enlarged at most; -1: all
  int tile = 0;                  ///< InferenceOptions::tile
  /// Is told how many frames are enlarged, by the calling thread; may be empty.
  std::function<void(std::int64_t frames)> progress = {};
  /// Whether to stop: asked between frames; may be empty.
  std::function<bool()> cancelled = {};
};

/// Enlarges the frames of `reader`, in their order, in memory that does not depend on their number;
/// reading, computing and writing overlap. Returns how many were written. Where it is cancelled,
/// frames that are enlarged already are written.
///
/// Throws what reader, writer and network do, with the number of the frames that were written, all
/// of them whole: also those before one that cannot be read. Throws Error input where the video
/// ends before frame `start_frame`.
std::int64_t upscale_video(Context& context, const SrNetwork& network, VideoReader& reader,
                           VideoWriter& writer, const VideoOptions& options = {});

}  // namespace pisr
