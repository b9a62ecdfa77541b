#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "core/error.h"
#include "kernels/export.h"
#include "pisr/library/frame_view.h"
#include "pisr/library/image_view.h"
#include "pisr/library/weights.h"

namespace pisr {

/// How an Upscaler works; none of it, but for self_ensemble, changes its results.
struct UpscalerOptions {
  /// Of each call of run(); 0: all that the process may use. The result does not depend on it.
  int threads = 0;
  /// "cpu", "cuda" or "cuda:N", or "auto": a CUDA device where one can be used, otherwise the CPU.
  std::string device = "cpu";
  /// Side of the tiles that the network is given; 0: as it takes least time. The result is the
  /// same.
  int tile = 0;
  /// About how many bytes a call of run() may take beside the caller's images, at least a few rows.
  /// A network that must see the whole image at once takes what it needs.
  std::int64_t memory = std::int64_t{96} << 20;
  /// The mean of the network's results for the image turned and mirrored in all eight ways: eight
  /// times the work. Not for video.
  bool self_ensemble = false;
  /// Is told, in a line, why "auto" is the CPU; may be empty.
  std::function<void(const std::string&)> log;
};

/// Of one call of run(). Both are called by the calling thread and may be empty. What they throw,
/// run() throws.
struct RunCallbacks {
  /// Is told how many of the input's rows are done.
  std::function<void(std::int64_t done, std::int64_t rows)> progress;
  /// Whether to stop: asked between strips of rows.
  std::function<bool()> cancelled;
};

/// Enlarges images and frames of video. Several threads may call run() at once: each call has
/// threads and memory of its own, which later calls use again. On a CUDA device calls wait for each
/// other.
///
///     pisr::Upscaler upscaler(pisr::Weights::builtin(2));
///     upscaler.run(pisr::interleaved(in, 320, 180, 3), pisr::interleaved(out, 640, 360, 3));
class PISR_API Upscaler {
 public:
  /// Throws Error usage for options out of range, device where the device cannot be used.
  explicit Upscaler(Weights weights, UpscalerOptions options = {});
  ~Upscaler();
  Upscaler(Upscaler&&) noexcept;
  Upscaler& operator=(Upscaler&&) noexcept;

  const Weights& weights() const noexcept;
  int scale() const noexcept { return weights().scale(); }

  /// Enlarges `in` [h, w, c] into `out` [h scale, w scale, c] of the same sample type, c = 1 to 4,
  /// which must not overlap. Luminance goes through the network, chroma and alpha through bicubic
  /// interpolation, colour weighted by alpha; a network on RGB takes all colours. Integers are
  /// clamped and rounded once; floating point is on 0..1 and neither.
  ///
  /// False where it was cancelled; some rows of `out` are then written. Throws Error usage for
  /// views that do not fit together, numeric where a value is not finite, memory.
  bool run(const ConstImageView& in, const ImageView& out,
           const RunCallbacks& callbacks = {}) const;

  /// Enlarges a frame of video: luminance by the network, chroma by bicubic interpolation that
  /// keeps its place. `out.format` is that of `in` with sides times the scale; depths of 8 to 16
  /// bits. Throws Error usage for frames that do not fit together, weights for a network on RGB.
  void run(const ConstFrameView& in, const FrameView& out) const;

  /// Gives back the memory and threads that calls of run() have left for later ones.
  void trim() const;

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace pisr
