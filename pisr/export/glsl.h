#pragma once

#include <string>

#include "pisr/export/facts.h"

namespace pisr {

enum class ShaderVariant {
  fragment,  ///< one pass for each four channels of each layer: runs wherever mpv does
  compute,   ///< one pass for each layer, or for two, which share a tile: Vulkan, OpenGL 4.3
};

/// A user shader of mpv and libplacebo that enlarges luminance. Each pass stores 16-bit floats.
/// The facts stand in comments above the first pass.
///
/// Throws Error(usage) naming the operation for a network that is no chain of convolutions and
/// activations with sums between them and one enlargement at the end (conv_plan.h).
std::string glsl_shader(const SrNetwork& network, const Facts& facts, ShaderVariant variant);

}  // namespace pisr
