#include "pisr/export/conv_plan.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "core/error.h"
#include "pisr/export/subpixel.h"

namespace pisr {
namespace {

constexpr int kImage = 0;

/// Builds the plan node by node.
class Planner {
 public:
  Planner(const Graph& graph, int scale) : graph_(graph) {
    plan_.scale = scale;
    maps_[graph.input] = kImage;
  }

  ConvPlan plan() {
    for (const GraphNode& node : graph_.nodes) {
      take(node);
    }
    if (enlarged_ != graph_.output) {
      refuse_export("the network does not end with depth to space or a transposed convolution");
    }
    return std::move(plan_);
  }

 private:
  const GraphValue& value(int index) const {
    return graph_.values[static_cast<std::size_t>(index)];
  }
  std::vector<float> numbers(int index) const {
    const auto span = value(index).constant.values<float>();
    return {span.begin(), span.end()};
  }

  [[noreturn]] static void refuse(const GraphNode& node, const std::string& why) {
    refuse_export(message("the operation ", node.op, ' ', why),
                  "this format takes chains of convolutions and activations with sums between "
                  "them, whose last step enlarges; onnx and c take other networks");
  }

  void take(const GraphNode& node) {
    if (node.op == "crop" && node.inputs[0] == enlarged_ && node.integer("top") == 0 &&
        node.integer("left") == 0) {
      enlarged_ = node.output;  // no pixel beyond the image is computed
    } else if (enlarged_) {
      refuse(node, "follows the enlargement");
    } else if (node.op == "conv2d") {
      add_convolution(node);
    } else if (node.op == "conv_transpose2d") {
      add_transposed(node);
    } else if (node.op == "pixel_shuffle") {
      layer_to_extend(node, 0);
      if (node.integer("factor") != plan_.scale) {
        refuse(node, message("enlarges by ", node.integer("factor"), " and not by the scale"));
      }
      enlarged_ = node.output;
    } else if (node.op == "concat_channels" && is_image_copies(node)) {
      maps_[node.output] = kImage;
    } else if (node.op == "add" && node.inputs.size() == 2) {
      add_sum(node);
    } else {
      add_step(node);
    }
  }

  /// Channels that are all the image itself.
  bool is_image_copies(const GraphNode& node) const {
    return std::ranges::all_of(node.inputs, [&](int input) {
      const auto map = maps_.find(input);
      return map != maps_.end() && map->second == kImage;
    });
  }

  /// A value that a layer can read.
  int map_of(const GraphNode& node, std::size_t index) const {
    const auto map = maps_.find(node.inputs[index]);
    if (map == maps_.end()) {
      refuse(node, "reads a value that is no map, nor the image");
    }
    return map->second;
  }

  void check_weights(const GraphNode& node) const {
    for (std::size_t i = 1; i < node.inputs.size(); ++i) {
      if (!value(node.inputs[i]).is_constant()) {
        refuse(node, "has a weight that depends on the image");
      }
    }
    if (node.integer("groups") != 1) {
      refuse(node, message("has ", node.integer("groups"), " groups"));
    }
  }

  std::vector<float> bias_of(const GraphNode& node, std::int64_t channels) const {
    return node.inputs.size() > 2 ? numbers(node.inputs[2])
                                  : std::vector<float>(static_cast<std::size_t>(channels));
  }

  void add_layer(const GraphNode& node, PlannedLayer layer) {
    layer.input = map_of(node, 0);
    if (layer.input == kImage && layer.in_channels() != 1) {
      refuse(node, "reads copies of the image");
    }
    plan_.layers.push_back(std::move(layer));
    open_ = node.output;
    maps_[node.output] = static_cast<int>(plan_.layers.size());
  }

  void add_convolution(const GraphNode& node) {
    check_weights(node);
    PlannedLayer layer;
    layer.weight = value(node.inputs[1]).constant;
    layer.before = node.integer("padding");
    layer.replicate = node.integer("replicate") != 0;
    const Shape& shape = layer.weight.shape();
    if (node.integer("stride") != 1 || shape[2] != shape[3] || shape[2] != 2 * layer.before + 1) {
      refuse(node, message("with weight ", shape, ", stride ", node.integer("stride"),
                           " and padding ", layer.before, " changes the size of its map"));
    }
    layer.bias = bias_of(node, shape[0]);
    add_layer(node, std::move(layer));
  }

  void add_transposed(const GraphNode& node) {
    check_weights(node);
    const SubpixelConvolution conv = subpixel_convolution(graph_, node);
    const GraphValue& result = value(node.output);
    if (conv.scale != plan_.scale || result.channels != 1 || !reaches(result.height, node) ||
        !reaches(result.width, node)) {
      refuse(node, "does not enlarge to the whole image");
    }
    PlannedLayer layer;
    layer.weight = conv.weight;
    layer.before = conv.before;
    layer.bias.assign(static_cast<std::size_t>(conv.scale) * conv.scale, bias_of(node, 1)[0]);
    add_layer(node, std::move(layer));
    enlarged_ = node.output;
  }

  /// Rows or columns of the image, and those beyond it that a crop takes away.
  bool reaches(const Extent& extent, const GraphNode& node) const {
    return extent.factor == plan_.scale &&
           (extent.offset == 0 || (extent.offset > 0 && node.output != graph_.output));
  }

  /// The last layer, where the node reads its result and nothing else does.
  PlannedLayer& layer_to_extend(const GraphNode& node, std::size_t index) {
    if (!open_ || node.inputs[index] != *open_ || readers(graph_, *open_).size() != 1) {
      refuse(node, "does not follow a convolution whose result it alone reads");
    }
    return plan_.layers.back();
  }

  /// The result of the node in place of that of the last layer.
  void extend(const GraphNode& node, PointwiseStep step) {
    plan_.layers.back().steps.push_back(std::move(step));
    maps_.erase(*open_);
    open_ = node.output;
    maps_[node.output] = static_cast<int>(plan_.layers.size());
  }

  void add_sum(const GraphNode& node) {
    const bool first_is_open = open_ && node.inputs[0] == *open_;
    const std::size_t other = first_is_open ? 1 : 0;
    layer_to_extend(node, 1 - other);
    PointwiseStep step;
    step.kind = PointwiseStep::Kind::add;
    step.map = map_of(node, other);
    if (value(node.inputs[other]).channels != plan_.layers.back().out_channels()) {
      refuse(node, "adds a map of other channels");
    }
    extend(node, std::move(step));
  }

  void add_step(const GraphNode& node) {
    PointwiseStep step;
    const auto slopes_of = [&](std::vector<float> slopes) {
      slopes.resize(static_cast<std::size_t>(value(node.output).channels), slopes.front());
      return slopes;
    };
    if (node.op == "prelu" && value(node.inputs[1]).is_constant()) {
      step.slopes = slopes_of(numbers(node.inputs[1]));
    } else if (node.op == "leaky_relu") {
      step.slopes = slopes_of({static_cast<float>(node.attribute("slope"))});
    } else if (node.op == "relu") {
      step.slopes = slopes_of({0});
    } else if (node.op == "affine") {
      step.kind = PointwiseStep::Kind::affine;
      step.factor = static_cast<float>(node.attribute("factor"));
      step.offset = static_cast<float>(node.attribute("offset"));
    } else {
      refuse(node, "is not one of these");
    }
    layer_to_extend(node, 0);
    extend(node, std::move(step));
  }

  const Graph& graph_;
  ConvPlan plan_;
  std::map<int, int> maps_;      ///< by value
  std::optional<int> open_;      ///< the value that the last layer makes so far
  std::optional<int> enlarged_;  ///< the value that is the result, once there is one
};

}  // namespace

bool ConvPlan::is_read_by_next_alone(std::size_t index) const {
  const int map = static_cast<int>(index);
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const bool adds = std::ranges::any_of(layers[i].steps, [&](const PointwiseStep& step) {
      return step.kind == PointwiseStep::Kind::add && step.map == map;
    });
    if (adds || (layers[i].input == map) != (i == index)) {
      return false;
    }
  }
  return true;
}

ConvPlan plan_of(const SrNetwork& network) {
  if (network.spec().channels != 1) {
    refuse_export("a shader is given luminance, and these weights are of RGB");
  }
  const Graph graph = record_graph(network);
  return Planner(graph, network.spec().scale).plan();
}

}  // namespace pisr
