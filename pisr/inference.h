#pragma once

#include "core/context.h"
#include "pisr/image.h"

namespace pisr {

class Fsrcnn;
class Teacher;

/// Enlarges luminance: `low` [h, w] on 0..255 -> [h scale, w scale] on 0..255, neither clamped nor
/// rounded. The network sees 0..1 and f32, or f64 where it was converted. Large images are computed
/// in strips of rows with the halo the network needs, so memory does not grow with the height; the
/// result is that of one piece bit for bit, for any number of threads.
///
/// Throws Error: usage for an empty plane, numeric where an output is not finite.
Plane upscale_luma(Context& context, const Fsrcnn& network, const Plane& low);

/// The same in strips of `strip_rows` LR rows (>= 1), the halo not counted.
Plane upscale_luma(Context& context, const Fsrcnn& network, const Plane& low, int strip_rows);

/// What the teacher makes of the truth itself: `high` [h, w] on 0..255, sides multiples of the
/// scale, through encoder and decoder -> [h, w]. In one piece: it is for validation only.
Plane reconstruct_luma(Context& context, const Teacher& teacher, const Plane& high);

}  // namespace pisr
