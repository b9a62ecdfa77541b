#include <optional>
#include <vector>

#include "pisr/export/shader_text.h"

/// A pass for each layer, or for two where one has a 1x1 kernel. Its texture, called mapN, holds
/// the groups of four channels of a pixel beside each other. A work group loads the pixels that it
/// reads, a tile and a border, into shared memory once.
namespace pisr {
namespace {

constexpr int kTile = 16;  ///< side, in pixels; a thread each
/// Every device has 32 KiB of shared memory for a work group.
constexpr int kMostSharedBytes = 32 * 1024;

/// What one pass computes: the layer `last`, and before it `first`, whose result no texture holds.
struct Pass {
  std::size_t first, last;
  bool is_pair() const { return first != last; }
};

int border_of(const PlannedLayer& layer) {
  return std::max(layer.before, layer.kernel() - 1 - layer.before);
}

/// The side of the square of pixels that a tile reads.
int side_of(const PlannedLayer& layer) {
  return kTile + 2 * border_of(layer);
}

bool adds_nothing(const PlannedLayer& layer) {
  return std::ranges::none_of(
      layer.steps, [](const PointwiseStep& step) { return step.kind == PointwiseStep::Kind::add; });
}

/// Whether the two layers from `first` on are one pass: the first feeds the second alone and has
/// more channels than it reads, so that they need no texture. One of them has a 1x1 kernel.
bool are_pair(const ConvPlan& plan, std::size_t first) {
  if (first + 1 >= plan.layers.size() || !plan.is_read_by_next_alone(first + 1)) {
    return false;
  }
  const PlannedLayer& one = plan.layers[first];
  const PlannedLayer& two = plan.layers[first + 1];
  const int side = side_of(two);
  const int shared = (groups_of(one.in_channels()) + 1) * side * side * 16;
  return adds_nothing(one) && one.out_channels() > one.in_channels() &&
         (two.is_pointwise() || (one.is_pointwise() && shared <= kMostSharedBytes));
}

std::vector<Pass> passes_of(const ConvPlan& plan) {
  std::vector<Pass> passes;
  for (std::size_t layer = 0; layer < plan.layers.size(); ++layer) {
    const std::size_t last = layer + (are_pair(plan, layer) ? 1 : 0);
    passes.push_back({layer, last});
    layer = last;
  }
  return passes;
}

/// Writes one pass.
class PassWriter {
 public:
  PassWriter(const ConvPlan& plan, const Pass& pass)
      : plan_(plan),
        first_(plan.layers[pass.first]),
        last_(plan.layers[pass.last]),
        pass_(pass),
        is_end_(pass.last + 1 == plan.layers.size()) {}

  std::string text(const std::string& title) {
    // A pair whose second layer is 1x1 loads what the first reads; otherwise the second's border
    // decides.
    const PlannedLayer& wide = last_.is_pointwise() ? first_ : last_;
    side_ = side_of(wide);
    border_ = border_of(wide);
    return header(title) + shared_memory() + "void hook() {\n" +
           "  ivec2 size = ivec2(LUMA_size);\n"
           "  ivec2 corner = ivec2(gl_WorkGroupID.xy) * " +
           message(kTile) +
           ";\n"
           "  ivec2 thread = ivec2(gl_LocalInvocationID.xy);\n"
           "  ivec2 here = corner + thread;\n" +
           body() + stores() + "}\n";
  }

 private:
  int groups(int map) const {
    return map == 0 ? 1 : groups_of(plan_.layers[static_cast<std::size_t>(map) - 1].out_channels());
  }
  static std::string texture_name(int map) { return map == 0 ? "LUMA" : message("map", map); }

  std::string header(const std::string& title) const {
    std::string text = message("\n//!DESC ", title, ", layer ", pass_.first + 1,
                               pass_.is_pair() ? message(" and ", pass_.last + 1) : "", " of ",
                               plan_.layers.size(), "\n//!HOOK LUMA\n//!BIND LUMA\n");
    std::vector<int> maps = {first_.input};
    for (const PointwiseStep& step : last_.steps) {
      if (step.kind == PointwiseStep::Kind::add &&
          std::ranges::find(maps, step.map) == maps.end()) {
        maps.push_back(step.map);
      }
    }
    for (const int map : maps) {
      text += map == 0 ? "" : message("//!BIND ", texture_name(map), '\n');
    }
    const int columns = is_end_ ? plan_.scale : groups_of(last_.out_channels());
    const int rows = is_end_ ? plan_.scale : 1;
    if (is_end_) {
      text += enlarged_size_text(plan_.scale);
    } else {
      text += message("//!SAVE map", pass_.last + 1, "\n//!WIDTH LUMA.w ", columns,
                      " *\n//!HEIGHT LUMA.h\n//!COMPONENTS 4\n");
    }
    return text + message("//!COMPUTE ", kTile * columns, ' ', kTile * rows, ' ', kTile, ' ', kTile,
                          '\n', when_text(plan_.scale));
  }

  /// Of the square that is loaded. A 1x1 layer has no border of its own.
  bool replicates() const { return has_work_tile() ? last_.replicate : first_.replicate; }
  bool has_work_tile() const { return pass_.is_pair() && !last_.is_pointwise(); }
  /// Pixels of the image take a float, others a vec4.
  const char* element() const { return first_.input == 0 ? "float" : "vec4"; }
  /// Whether all groups of the input are in shared memory at once.
  bool keeps_input() const { return has_work_tile(); }

  std::string shared_memory() const {
    const int kept = keeps_input() ? groups(first_.input) : 1;
    std::string text =
        message("shared ", element(), " tile[", kept, "][", side_, "][", side_, "];\n");
    if (has_work_tile()) {
      text += message("shared vec4 between[", side_, "][", side_, "];\n");
    }
    return text;
  }

  /// A loop of all threads over the pixels of the square: (x, y) in it, `at` in the image.
  std::string for_square(const std::string& statements) const {
    return message("  for (int y = thread.y; y < ", side_, "; y += ", kTile,
                   ") {\n"
                   "    for (int x = thread.x; x < ",
                   side_, "; x += ", kTile,
                   ") {\n"
                   "      ivec2 at = corner + ivec2(x, y) - ",
                   border_, ";\n", statements, "    }\n  }\n");
  }

  /// Loads a group of the input. Outside the image are zeros, or the border repeated.
  std::string load(int slot, int group) const {
    const int map = first_.input;
    const std::string name = texture_name(map);
    const int wide = groups(map);
    const std::string inside = "all(greaterThanEqual(at, ivec2(0))) && all(lessThan(at, size))";
    const std::string within = "clamp(at, ivec2(0), size - 1)";
    const std::string column =
        wide == 1 ? "p" : message("ivec2(p.x * ", wide, " + ", group, ", p.y)");
    const std::string read =
        map == 0 ? message("(", name, "_mul * texelFetch(", name, "_raw, ", column, ", 0)).x")
                 : message(name, "_mul * texelFetch(", name, "_raw, ", column, ", 0)");
    const std::string zero = map == 0 ? "0.0" : "vec4(0.0)";
    return for_square(message(
        "      ivec2 p = ", within, ";\n      tile[", slot,
        "][y][x] = ", replicates() ? read : message(inside, " ? ", read, " : ", zero), ";\n"));
  }

  std::string barrier() const { return "  barrier();\n"; }

  /// Sums of a layer over the taps of one input group, which is read at (thread + tap).
  std::string taps(const PlannedLayer& layer, int in_group, const std::string& source,
                   const std::string& result, int out_group) const {
    std::string text;
    const int shift = border_ - layer.before;
    for (int row = 0; row < layer.kernel(); ++row) {
      for (int column = 0; column < layer.kernel(); ++column) {
        const std::string read =
            message(source, "[thread.y + ", row + shift, "][thread.x + ", column + shift, "]");
        const bool one_of_four = layer.in_channels() == 1 && layer.input != 0;
        text += message(
            "  ", result, " += ",
            product_text(layer, out_group, in_group, row, column, one_of_four ? read + ".x" : read),
            ";\n");
      }
    }
    return text;
  }

  std::string sums_at_start() const {
    std::string text;
    for (int group = 0; group < groups_of(last_.out_channels()); ++group) {
      text += message("  vec4 r", group, " = ", bias_text(last_, group), ";\n");
    }
    return text;
  }

  std::string body() const {
    return sums_at_start() + (!pass_.is_pair()       ? single()
                              : last_.is_pointwise() ? then_pointwise()
                                                     : pointwise_then());
  }

  std::string single() const {
    std::string text;
    for (int in = 0; in < groups(last_.input); ++in) {
      text += (in > 0 ? barrier() : "") + load(0, in) + barrier();
      for (int out = 0; out < groups_of(last_.out_channels()); ++out) {
        text += taps(last_, in, "tile[0]", message("r", out), out);
      }
    }
    return text;
  }

  static std::string no_map(int, int) { return ""; }

  /// What the second layer, 1x1, takes from a group of the first that is in `source`.
  std::string add_pointwise(int group, const std::string& source) const {
    std::string text;
    for (int out = 0; out < groups_of(last_.out_channels()); ++out) {
      text += message("    r", out, " += ", product_text(last_, out, group, 0, 0, source), ";\n");
    }
    return text;
  }

  /// A convolution and a 1x1 convolution of its result, which stays in registers.
  std::string then_pointwise() const {
    std::string text;
    const int in_groups = groups(first_.input);
    for (int between = 0; between < groups_of(first_.out_channels()); ++between) {
      text += message("  vec4 f", between, " = ", bias_text(first_, between), ";\n");
    }
    for (int in = 0; in < in_groups; ++in) {
      text += (in > 0 ? barrier() : "") + load(0, in) + barrier();
      for (int between = 0; between < groups_of(first_.out_channels()); ++between) {
        text += taps(first_, in, "tile[0]", message("f", between), between);
      }
    }
    for (int between = 0; between < groups_of(first_.out_channels()); ++between) {
      const std::string name = message("f", between);
      text += steps_text(first_, between, name, "  ", no_map) + add_pointwise(between, name);
    }
    return text;
  }

  /// A 1x1 convolution at all pixels of the square, group by group, and a convolution of it.
  std::string pointwise_then() const {
    std::string text;
    const int in_groups = groups(first_.input);
    for (int in = 0; in < in_groups; ++in) {
      text += load(in, in);
    }
    for (int group = 0; group < groups_of(first_.out_channels()); ++group) {
      std::string at_pixel = message("      vec4 f = ", bias_text(first_, group), ";\n");
      for (int in = 0; in < in_groups; ++in) {
        const std::string read = message("tile[", in, "][y][x]");
        const bool one_of_four = first_.in_channels() == 1 && first_.input != 0;
        at_pixel += message(
            "      f += ", product_text(first_, group, in, 0, 0, one_of_four ? read + ".x" : read),
            ";\n");
      }
      at_pixel += steps_text(first_, group, "f", "      ", no_map);
      // The second layer sees zeros around the map, not what the first makes of zeros.
      at_pixel += last_.replicate ? "      between[y][x] = f;\n"
                                  : "      between[y][x] = all(greaterThanEqual(at, ivec2(0))) && "
                                    "all(lessThan(at, size)) ? f : vec4(0.0);\n";
      text += barrier() + for_square(at_pixel) + barrier();
      for (int out = 0; out < groups_of(last_.out_channels()); ++out) {
        text += taps(last_, group, "between", message("r", out), out);
      }
    }
    return text;
  }

  std::string map_at_pixel(int map, int group) const {
    const std::string name = texture_name(map);
    if (map == 0) {
      return message("vec4((", name, "_mul * texelFetch(", name,
                     "_raw, min(here, size - 1), 0)).x)");
    }
    return message(name, "_mul * texelFetch(", name, "_raw, min(here, size - 1) * ivec2(",
                   groups(map), ", 1) + ivec2(", group, ", 0), 0)");
  }

  std::string stores() const {
    std::string text;
    const int out_groups = groups_of(last_.out_channels());
    for (int group = 0; group < out_groups; ++group) {
      const std::string name = message("r", group);
      text += steps_text(last_, group, name, "  ",
                         [&](int map, int of_group) { return map_at_pixel(map, of_group); });
      if (!is_end_) {
        text += message("  imageStore(out_image, here * ivec2(", out_groups, ", 1) + ivec2(", group,
                        ", 0), ", name, ");\n");
        continue;
      }
      for (int channel = 4 * group; channel < std::min(last_.out_channels(), 4 * group + 4);
           ++channel) {
        text += message("  imageStore(out_image, here * ", plan_.scale, " + ivec2(",
                        channel % plan_.scale, ", ", channel / plan_.scale, "), vec4(", name, '[',
                        channel % 4, "], 0.0, 0.0, 1.0));\n");
      }
    }
    return text;
  }

  const ConvPlan& plan_;
  const PlannedLayer& first_;
  const PlannedLayer& last_;
  Pass pass_;
  bool is_end_;
  int side_ = 0, border_ = 0;
};

}  // namespace

std::string compute_passes(const ConvPlan& plan, const std::string& title) {
  std::string text;
  for (const Pass& pass : passes_of(plan)) {
    text += PassWriter(plan, pass).text(title);
  }
  return text;
}

}  // namespace pisr
