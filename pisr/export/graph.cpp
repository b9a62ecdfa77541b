#include "pisr/export/graph.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <span>
#include <utility>

#include "core/context.h"
#include "core/error.h"
#include "core/ops.h"
#include "core/philox.h"

namespace pisr {
namespace {

/// Where the numbers of a value are and how they are read: a reshape shares its input's memory.
using Identity = std::pair<const void*, std::string>;

Identity identity_of(const Tensor& tensor) {
  return {tensor.dtype() == DType::f32 ? static_cast<const void*>(tensor.data<float>())
                                       : static_cast<const void*>(tensor.data<double>()),
          message(tensor.shape())};
}

/// Values have the shapes of this image.
class Recorder final : public TapeObserver {
 public:
  Recorder(const ImageModel& network, const Variable& image) {
    for (const NamedParameter& named : network.parameters()) {
      names_[named.parameter->value.data<float>()] = named.name;
    }
    graph.input = add(image);
  }

  void observe(const char* op, std::span<const Variable* const> inputs,
               std::span<const Attribute> attributes, const Variable& result) override {
    GraphNode node;
    node.op = op;
    bool is_constant = true;
    for (const Variable* input : inputs) {
      node.inputs.push_back(input == nullptr || !input->defined() ? GraphNode::kAbsent
                                                                  : index_of(*input));
      is_constant = is_constant && (node.inputs.back() == GraphNode::kAbsent ||
                                    graph.values[value(node.inputs.back())].is_constant());
    }
    while (!node.inputs.empty() && node.inputs.back() == GraphNode::kAbsent) {
      node.inputs.pop_back();
    }
    for (const Attribute& attribute : attributes) {
      node.attributes[attribute.name] = attribute.value;
    }
    if (is_constant) {
      index_of(result);
    } else if (!known_.contains(identity_of(result.value()))) {  // otherwise a reshape to the same
      add_node(std::move(node), result);
    }
  }

  int index_of(const Variable& variable) {
    const auto found = known_.find(identity_of(variable.value()));
    if (found != known_.end()) {
      return found->second;
    }
    const int index = add(variable);
    GraphValue& added = graph.values[value(index)];
    added.constant = variable.value().clone();
    const auto name = names_.find(variable.value().data<float>());
    if (name != names_.end()) {
      added.name = name->second;
    }
    return index;
  }

  Graph graph;
  std::vector<Shape> shapes;  ///< of the values

 private:
  static std::size_t value(int index) { return static_cast<std::size_t>(index); }

  int add(const Variable& variable) {
    const int index = add(variable.shape());
    known_[identity_of(variable.value())] = index;
    kept_.push_back(variable);
    return index;
  }

  int add(const Shape& shape) {
    graph.values.emplace_back();
    shapes.push_back(shape);
    return static_cast<int>(shapes.size()) - 1;
  }

  void add_node(GraphNode node, const Variable& result) {
    if (node.op == "conv2d_prelu") {
      GraphNode activation{"prelu", {GraphNode::kAbsent, node.inputs[3]}, 0, {}};
      node.inputs.resize(node.inputs[2] == GraphNode::kAbsent ? 2 : 3);
      add_activated(std::move(node), std::move(activation), result);
    } else if (node.op == "conv2d_relu") {
      add_activated(std::move(node), {"relu", {GraphNode::kAbsent}, 0, {}}, result);
    } else if (node.op == "conv2d_leaky_relu") {
      GraphNode activation{
          "leaky_relu", {GraphNode::kAbsent}, 0, {{"slope", node.attribute("slope")}}};
      add_activated(std::move(node), std::move(activation), result);
    } else {
      rename(node);
      flatten(node);
      node.output = add(result);
      graph.nodes.push_back(std::move(node));
    }
  }

  void add_activated(GraphNode convolution, GraphNode activation, const Variable& result) {
    convolution.op = "conv2d";
    convolution.output = add(result.shape());
    activation.inputs[0] = convolution.output;
    activation.output = add(result);
    graph.nodes.push_back(std::move(convolution));
    graph.nodes.push_back(std::move(activation));
  }

  /// Names that core/ops.h gives to operations with a number too.
  static void rename(GraphNode& node) {
    if (node.attributes.contains("factor") && node.attributes.contains("offset")) {
      node.op = "affine";
    } else if (node.op == "divide" && node.inputs.size() == 1) {
      node.op = "reciprocal";
      node.attributes = {{"numerator", node.attribute("parameter")}};
    } else if (node.op == "leaky_relu") {
      node.attributes = {{"slope", node.attribute("parameter")}};
    } else if (node.op == "clamp") {
      node.attributes = {{"low", node.attribute("parameter")}, {"high", node.attribute("high")}};
    } else if (node.op == "softplus") {
      node.attributes = {{"factor", node.attribute("parameter")},
                         {"offset", node.attribute("offset")}};
    }
  }

  /// The tape joins more than four values in groups.
  void flatten(GraphNode& node) const {
    if (node.op != "concat_channels") {
      return;
    }
    std::vector<int> parts;
    for (const int input : node.inputs) {
      const auto made = std::ranges::find(graph.nodes, input, &GraphNode::output);
      if (made != graph.nodes.end() && made->op == node.op) {
        parts.insert(parts.end(), made->inputs.begin(), made->inputs.end());
      } else {
        parts.push_back(input);
      }
    }
    node.inputs = std::move(parts);
  }

  std::map<Identity, int> known_;
  std::map<const float*, std::string> names_;  ///< of parameters
  std::vector<Variable> kept_;                 ///< so that no later value is given the same memory
};

/// What one image shows.
struct Recording {
  Graph graph;
  std::vector<Shape> shapes;
};

Recording record(const ImageModel& network, int height, int width) {
  Context context(Backend::cpu);
  Tape tape(context, Tape::Mode::inference);
  const Tensor image = Tensor::empty({1, network.spec().channels, height, width});
  Random random(0, RandomUse::test, static_cast<std::uint64_t>(height));
  for (float& x : image.values<float>()) {
    x = static_cast<float>(random.uniform());
  }
  const Variable input = tape.constant(image);
  Recorder recorder(network, input);
  tape.set_observer(&recorder);
  recorder.graph.output = recorder.index_of(network.image(input));
  return {std::move(recorder.graph), std::move(recorder.shapes)};
}

bool same(const Tensor& a, const Tensor& b) {
  return a.defined() == b.defined() &&
         (!a.defined() || (a.shape() == b.shape() && a.dtype() == b.dtype() &&
                           std::memcmp(a.data<float>(), b.data<float>(),
                                       static_cast<std::size_t>(a.count()) * sizeof(float)) == 0));
}

bool same(const GraphNode& a, const GraphNode& b) {
  return a.op == b.op && a.inputs == b.inputs && a.output == b.output &&
         a.attributes == b.attributes;
}

void check_same(const Graph& a, const Graph& b) {
  const auto constants = [](const GraphValue& x, const GraphValue& y) {
    return same(x.constant, y.constant);
  };
  const auto nodes = [](const GraphNode& x, const GraphNode& y) { return same(x, y); };
  if (!std::ranges::equal(a.nodes, b.nodes, nodes) || a.output != b.output) {
    refuse_export("the network does other operations for an image of another size");
  }
  if (!std::ranges::equal(a.values, b.values, constants)) {
    refuse_export("the network has a constant that depends on the image or its size");
  }
}

/// Of what is small[axis] for an image of `small_size` and so on; nothing where it is no line.
std::optional<Extent> extent_of(std::array<std::int64_t, 3> of_map, std::array<int, 3> of_image) {
  const std::int64_t rise = of_map[1] - of_map[0];
  const std::int64_t run = of_image[1] - of_image[0];
  const Extent extent{static_cast<int>(rise / run),
                      static_cast<int>(of_map[0] - rise / run * of_image[0])};
  for (std::size_t i = 0; i < of_map.size(); ++i) {
    if (of_map[i] != std::int64_t{extent.factor} * of_image[i] + extent.offset) {
      return std::nullopt;
    }
  }
  return extent;
}

/// Leaves out what the result does not depend on.
void prune(Graph& graph) {
  std::vector<bool> needed(graph.values.size());
  needed[static_cast<std::size_t>(graph.output)] = true;
  std::vector<GraphNode> kept;
  for (auto node = graph.nodes.rbegin(); node != graph.nodes.rend(); ++node) {
    if (!needed[static_cast<std::size_t>(node->output)]) {
      continue;
    }
    for (const int input : node->inputs) {
      if (input != GraphNode::kAbsent) {
        needed[static_cast<std::size_t>(input)] = true;
      }
    }
    kept.push_back(std::move(*node));
  }
  std::ranges::reverse(kept);
  graph.nodes = std::move(kept);
}

}  // namespace

void refuse_export(const std::string& what, const std::string& hint) {
  throw Error(ErrorKind::usage, "cannot export: " + what, hint);
}

std::vector<int> readers(const Graph& graph, int value) {
  std::vector<int> result;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    if (std::ranges::find(graph.nodes[i].inputs, value) != graph.nodes[i].inputs.end()) {
      result.push_back(static_cast<int>(i));
    }
  }
  return result;
}

Graph record_graph(const ImageModel& network) {
  // Odd differences, so that halves of a size are not taken for a line.
  constexpr std::array<int, 3> kHeights{6, 7, 11};
  constexpr std::array<int, 3> kWidths{9, 12, 5};
  std::array<Recording, 3> recordings;
  for (std::size_t i = 0; i < recordings.size(); ++i) {
    recordings[i] = record(network, kHeights[i], kWidths[i]);
    check_same(recordings[0].graph, recordings[i].graph);
  }
  Graph graph = std::move(recordings[0].graph);
  prune(graph);
  std::vector<bool> used(graph.values.size());
  used[static_cast<std::size_t>(graph.input)] = true;
  for (const GraphNode& node : graph.nodes) {
    used[static_cast<std::size_t>(node.output)] = true;
  }
  for (std::size_t i = 0; i < graph.values.size(); ++i) {
    GraphValue& value = graph.values[i];
    if (value.is_constant() || !used[i]) {
      continue;
    }
    const auto extent = [&](int axis, const std::array<int, 3>& of_image) {
      std::array<std::int64_t, 3> of_map{};
      for (std::size_t r = 0; r < recordings.size(); ++r) {
        of_map[r] = recordings[r].shapes[i][axis];
      }
      return extent_of(of_map, of_image);
    };
    const Shape& shape = recordings[0].shapes[i];
    const auto height = extent(2, kHeights);
    const auto width = extent(3, kWidths);
    if (shape.rank() != 4 || shape[0] != 1 || !height || !width) {
      const auto made = std::ranges::find(graph.nodes, static_cast<int>(i), &GraphNode::output);
      refuse_export(message("the result of the operation ", made->op, ", ", shape,
                            ", is no map [1, c, h, w] that grows with the image"));
    }
    value.channels = static_cast<int>(shape[1]);
    value.height = *height;
    value.width = *width;
  }
  return graph;
}

}  // namespace pisr
