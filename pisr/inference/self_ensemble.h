#pragma once

#include "pisr/image/float_planes.h"
#include "pisr/inference/inference.h"

namespace pisr {

/// The mean of the results for the image turned and mirrored in all eight ways, each turned back
/// ("Seven ways to improve example-based single image super resolution", Timofte et al., CVPR
/// 2016). Planes as in Inference::run. `input` may be a strip of an image of `whole_height` rows,
/// which begins at an even one: its last row is then not to be relied on, others have the bits of
/// the whole image as far as Inference's do.
void run_self_ensemble(Inference& inference, const PlanesView& input, int whole_height,
                       FloatPlanes& output);

}  // namespace pisr
