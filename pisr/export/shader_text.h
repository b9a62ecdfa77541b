#pragma once

#include <algorithm>
#include <string>

#include "core/error.h"
#include "pisr/export/conv_plan.h"
#include "pisr/export/number_text.h"

/// Pieces of shaders. Channels come in groups of four, a vec4 each; missing ones are 0.
namespace pisr {

inline int groups_of(int channels) {
  return (channels + 3) / 4;
}

/// vec4 of values(i) for the four channels of a group.
template <class Values>
std::string vec4_text(int group, int channels, Values values) {
  std::string text = "vec4(";
  for (int i = 4 * group; i < 4 * group + 4; ++i) {
    text += number_text(i < channels ? values(i) : 0.0F) + (i % 4 < 3 ? ", " : ")");
  }
  return text;
}

/// A weight of a layer.
inline float weight_at(const PlannedLayer& layer, int out, int in, int row, int column) {
  const int kernel = layer.kernel();
  return layer.weight
      .data<float>()[((out * layer.in_channels() + in) * kernel + row) * kernel + column];
}

/// What four outputs take from the inputs of a group at one tap: `source` is the vec4 of the
/// inputs, or their one number where the layer has a single input.
inline std::string product_text(const PlannedLayer& layer, int out_group, int in_group, int row,
                                int column, const std::string& source) {
  const auto column_of = [&](int in) {
    return vec4_text(out_group, layer.out_channels(),
                     [&](int out) { return weight_at(layer, out, in, row, column); });
  };
  if (layer.in_channels() == 1) {
    return column_of(0) + " * " + source;
  }
  std::string text = "mat4(";
  for (int in = 4 * in_group; in < 4 * in_group + 4; ++in) {
    text += (in < layer.in_channels() ? column_of(in) : "vec4(0.0)") + (in % 4 < 3 ? ", " : ")");
  }
  return text + " * " + source;
}

/// Statements that apply the steps of a layer to the vec4 `name`; `map_text` gives the vec4 of a
/// map's group at the pixel.
template <class MapText>
std::string steps_text(const PlannedLayer& layer, int group, const std::string& name,
                       const std::string& indent, MapText map_text) {
  std::string text;
  for (const PointwiseStep& step : layer.steps) {
    text += indent + name + " = ";
    switch (step.kind) {
      case PointwiseStep::Kind::prelu:
        text += message(
            "max(", name, ", vec4(0.0)) + ",
            vec4_text(group, layer.out_channels(),
                      [&](int channel) { return step.slopes[static_cast<std::size_t>(channel)]; }),
            " * min(", name, ", vec4(0.0))");
        break;
      case PointwiseStep::Kind::affine:
        text += message(name, " * ", number_text(step.factor), " + ", number_text(step.offset));
        break;
      case PointwiseStep::Kind::add:
        text += message(name, " + ", map_text(step.map, group));
        break;
    }
    text += ";\n";
  }
  return text;
}

inline std::string bias_text(const PlannedLayer& layer, int group) {
  return vec4_text(group, layer.out_channels(),
                   [&](int channel) { return layer.bias[static_cast<std::size_t>(channel)]; });
}

/// The condition of a pass: the picture is shown at two thirds of the scale or larger.
inline std::string when_text(int scale) {
  const std::string least = number_text(0.65F * static_cast<float>(scale));
  return message("//!WHEN OUTPUT.w LUMA.w / ", least, " > OUTPUT.h LUMA.h / ", least, " > *\n");
}

/// The directives of the last pass.
inline std::string enlarged_size_text(int scale) {
  return message("//!WIDTH LUMA.w ", scale, " *\n//!HEIGHT LUMA.h ", scale,
                 " *\n//!COMPONENTS 1\n");
}

/// The passes of each variant.
std::string fragment_passes(const ConvPlan& plan, const std::string& title);
std::string compute_passes(const ConvPlan& plan, const std::string& title);

}  // namespace pisr
