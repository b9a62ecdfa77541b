#pragma once

#include "core/context.h"

namespace pisr {

class ImageModel;

/// How long a network takes for an output of width x height, rounded up to a multiple of the
/// scale, once its memory is there: the median of up to seven runs in milliseconds. After half a
/// second three are enough.
double median_milliseconds(Context& context, const ImageModel& network, int width, int height);

}  // namespace pisr
