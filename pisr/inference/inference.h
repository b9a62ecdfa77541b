#pragma once

#include "core/context.h"
#include "nn/conv_chain.h"
#include "pisr/image/image.h"

namespace pisr {

class Fsrcnn;
class Teacher;

/// Enlarges luminance, frame after frame. The network sees 0..1 and f32, or f64 where it was
/// converted. Memory beside the planes is that of the network's input and output and a few rows
/// (nn/conv_chain.h); from the second frame of a size on nothing is allocated. The result has the
/// bits of Fsrcnn::forward, for any number of threads. On a device, where the network has to be
/// too, all maps of a frame lie in its memory at once.
class LumaUpscaler {
 public:
  /// Keeps a reference to the context, whose step memory is reset by each frame, and a copy of the
  /// parameters that the network has now. A device puts them in order once, in the first frame.
  LumaUpscaler(Context& context, const Fsrcnn& network);

  /// `low` [h, w] on 0..255 -> `high` [h scale, w scale] on 0..255, neither clamped nor rounded;
  /// the memory of `high` is reused where it is large enough. Error usage for an empty plane,
  /// numeric where an output is not finite.
  void run(const Plane& low, Plane& high);

 private:
  Context& context_;
  int scale_;
  DType dtype_;
  ConvChain chain_;
};

/// One frame.
Plane upscale_luma(Context& context, const Fsrcnn& network, const Plane& low);

/// What the teacher makes of the truth itself: `high` [h, w] on 0..255, sides multiples of the
/// scale, through encoder and decoder -> [h, w]. In one piece: it is for validation only.
Plane reconstruct_luma(Context& context, const Teacher& teacher, const Plane& high);

}  // namespace pisr
