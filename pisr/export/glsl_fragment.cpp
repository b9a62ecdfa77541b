#include <set>

#include "pisr/export/shader_text.h"

/// A pass for each group of four channels. Its texture is called mapN_G.
namespace pisr {
namespace {

std::string texture_name(int map, int group) {
  return map == 0 ? "HOOKED" : message("map", map, '_', group);
}

/// The maps that a layer reads.
std::set<int> maps_of(const PlannedLayer& layer) {
  std::set<int> maps = {layer.input};
  for (const PointwiseStep& step : layer.steps) {
    if (step.kind == PointwiseStep::Kind::add) {
      maps.insert(step.map);
    }
  }
  return maps;
}

std::string binds(const ConvPlan& plan, const PlannedLayer& layer, int group) {
  std::string text;
  for (const int map : maps_of(layer)) {
    if (map == 0) {
      continue;
    }
    const int groups = groups_of(plan.layers[static_cast<std::size_t>(map) - 1].out_channels());
    for (int g = 0; g < groups; ++g) {
      // What is added is read at the same channels alone.
      if (map == layer.input || g == group) {
        text += message("//!BIND ", texture_name(map, g), '\n');
      }
    }
  }
  return text;
}

/// The vec4 of a map at a pixel. Sampling at its centre may give a little less.
std::string fetch_text(const std::string& name, const std::string& pixel) {
  return message(name, "_mul * texelFetch(", name, "_raw, ", pixel, ", 0)");
}

/// The vec4 at a pixel beside this one, or the number of the image, which a player may give a part
/// of a texture.
std::string tap_text(const PlannedLayer& layer, int group, int row, int column) {
  const std::string name = texture_name(layer.input, group);
  const int dy = row - layer.before;
  const int dx = column - layer.before;
  if (layer.input == 0) {
    return dx == 0 && dy == 0 ? message(name, "_tex(", name, "_pos).x")
                              : message(name, "_texOff(vec2(", dx, ".0, ", dy, ".0)).x");
  }
  const std::string pixel =
      dx == 0 && dy == 0 ? "pixel" : message("pixel + ivec2(", dx, ", ", dy, ")");
  return message(
      '(',
      fetch_text(
          name, layer.replicate ? message("clamp(", pixel, ", ivec2(0), ivec2(size) - 1)") : pixel),
      ')');
}

/// Where the network sees zeros around a map a texture would repeat its border.
std::string inside_text(const PlannedLayer& layer, int row, int column) {
  std::string text;
  const auto add = [&](const std::string& condition) {
    text += (text.empty() ? "" : " && ") + condition;
  };
  const int dy = row - layer.before;
  const int dx = column - layer.before;
  if (dy != 0) {
    add(dy < 0 ? message("here.y > ", -dy, ".0") : message("here.y < size.y - ", dy, ".0"));
  }
  if (dx != 0) {
    add(dx < 0 ? message("here.x > ", -dx, ".0") : message("here.x < size.x - ", dx, ".0"));
  }
  return layer.replicate ? "" : text;
}

std::string convolution_text(const PlannedLayer& layer, int group) {
  std::string text = message("  vec4 r = ", bias_text(layer, group), ";\n");
  const int in_groups = layer.input == 0 ? 1 : groups_of(layer.in_channels());
  for (int row = 0; row < layer.kernel(); ++row) {
    for (int column = 0; column < layer.kernel(); ++column) {
      const std::string inside = inside_text(layer, row, column);
      std::string sums;
      for (int in = 0; in < in_groups; ++in) {
        const std::string tap = tap_text(layer, in, row, column);
        sums +=
            message(inside.empty() ? "  " : "    ", "r += ",
                    product_text(layer, group, in, row, column,
                                 layer.in_channels() == 1 && layer.input != 0 ? tap + ".x" : tap),
                    ";\n");
      }
      text += inside.empty() ? sums : message("  if (", inside, ") {\n", sums, "  }\n");
    }
  }
  return text;
}

std::string layer_pass(const ConvPlan& plan, std::size_t index, int group,
                       const std::string& title) {
  const PlannedLayer& layer = plan.layers[index];
  const int groups = groups_of(layer.out_channels());
  const auto map_at_pixel = [](int map, int of_group) {
    return map == 0 ? "vec4(HOOKED_tex(HOOKED_pos).x)"
                    : fetch_text(texture_name(map, of_group), "pixel");
  };
  return message("\n//!DESC ", title, ", layer ", index + 1, " of ", plan.layers.size(), ", part ",
                 group + 1, " of ", groups, "\n//!HOOK LUMA\n//!BIND HOOKED\n",
                 binds(plan, layer, group), "//!SAVE ",
                 texture_name(static_cast<int>(index) + 1, group),
                 "\n//!WIDTH LUMA.w\n//!HEIGHT LUMA.h\n//!COMPONENTS 4\n", when_text(plan.scale),
                 "vec4 hook() {\n"
                 "  vec2 size = HOOKED_size;\n"
                 "  vec2 here = HOOKED_pos * size;\n"
                 "  ivec2 pixel = ivec2(here);\n",
                 convolution_text(layer, group), steps_text(layer, group, "r", "  ", map_at_pixel),
                 "  return r;\n}\n");
}

/// Depth to space.
std::string last_pass(const ConvPlan& plan, const std::string& title) {
  const int map = static_cast<int>(plan.layers.size());
  const int groups = groups_of(plan.scale * plan.scale);
  std::string text =
      message("\n//!DESC ", title, ", depth to space\n//!HOOK LUMA\n//!BIND HOOKED\n");
  for (int group = 0; group < groups; ++group) {
    text += message("//!BIND ", texture_name(map, group), '\n');
  }
  text += message(enlarged_size_text(plan.scale), when_text(plan.scale),
                  "vec4 hook() {\n"
                  "  vec2 here = HOOKED_pos * HOOKED_size;\n"
                  "  ivec2 pixel = ivec2(here);\n"
                  "  ivec2 phase = ivec2(fract(here) * ",
                  plan.scale, ".0);\n  int channel = phase.y * ", plan.scale, " + phase.x;\n");
  for (int group = 0; group < groups; ++group) {
    const std::string read =
        message('(', fetch_text(texture_name(map, group), "pixel"), ")[channel - ", 4 * group, ']');
    text += group + 1 < groups ? message("  if (channel < ", 4 * group + 4, ") {\n    return vec4(",
                                         read, ", 0.0, 0.0, 1.0);\n  }\n")
                               : message("  return vec4(", read, ", 0.0, 0.0, 1.0);\n");
  }
  return text + "}\n";
}

}  // namespace

std::string fragment_passes(const ConvPlan& plan, const std::string& title) {
  std::string text;
  for (std::size_t layer = 0; layer < plan.layers.size(); ++layer) {
    for (int group = 0; group < groups_of(plan.layers[layer].out_channels()); ++group) {
      text += layer_pass(plan, layer, group, title);
    }
  }
  return text + last_pass(plan, title);
}

}  // namespace pisr
