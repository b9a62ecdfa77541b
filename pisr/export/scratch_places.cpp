#include "pisr/export/scratch_places.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>

namespace pisr {
namespace {

/// Operations whose result may take the memory of their first input.
bool is_elementwise(const std::string& op) {
  static const std::set<std::string> kOps = {"prelu",    "leaky_relu", "relu", "sigmoid",
                                             "clamp",    "affine",     "add",  "subtract",
                                             "multiply", "divide"};
  return kOps.contains(op);
}

std::size_t index(int value) {
  return static_cast<std::size_t>(value);
}
bool is_map(const Graph& graph, int value) {
  return value != GraphNode::kAbsent && value != graph.input && value != graph.output &&
         !graph.values[index(value)].is_constant();
}
bool same_size(const Graph& graph, int a, int b) {
  const GraphValue& one = graph.values[index(a)];
  const GraphValue& two = graph.values[index(b)];
  return one.channels == two.channels && one.height == two.height && one.width == two.width;
}
/// At least as many as the map has for each pixel: factor n + offset <= (factor + offset) n.
std::size_t floats(const GraphValue& value) {
  const auto side = [](const Extent& extent) {
    return static_cast<std::size_t>(extent.factor + std::max(0, extent.offset));
  };
  return static_cast<std::size_t>(value.channels) * side(value.height) * side(value.width);
}

}  // namespace

ScratchPlaces::ScratchPlaces(const Graph& graph) : at_(graph.values.size()) {
  std::map<int, std::size_t> last_reader;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    for (const int input : graph.nodes[i].inputs) {
      last_reader[input] = i;
    }
  }
  std::vector<std::size_t> place_of(graph.values.size());
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const GraphNode& node = graph.nodes[i];
    std::vector<std::size_t> freed;
    for (const int input : std::set<int>(node.inputs.begin(), node.inputs.end())) {
      if (is_map(graph, input) && last_reader.at(input) == i) {
        freed.push_back(place_of[index(input)]);
      }
    }
    if (node.output == graph.output) {
      release(freed);
      continue;
    }
    const int first = node.inputs.front();
    const bool in_place = is_elementwise(node.op) && is_map(graph, first) &&
                          last_reader.at(first) == i && same_size(graph, first, node.output);
    if (in_place) {
      place_of[index(node.output)] = place_of[index(first)];
      std::erase(freed, place_of[index(first)]);
    } else {
      place_of[index(node.output)] = take(floats(graph.values[index(node.output)]));
    }
    release(freed);
  }
  std::vector<std::size_t> starts;
  for (std::size_t place = 0, start = 0; place < sizes_.size(); start += sizes_[place++]) {
    starts.push_back(start);
    total_ = start + sizes_[place];
  }
  for (const GraphNode& node : graph.nodes) {
    if (node.output != graph.output) {
      at_[index(node.output)] = starts[place_of[index(node.output)]];
    }
  }
}

/// The free place that needs to grow the least.
std::size_t ScratchPlaces::take(std::size_t floats) {
  const auto growth = [&](std::size_t place) {
    return sizes_[place] < floats ? floats - sizes_[place] : 0;
  };
  const auto best = std::ranges::min_element(free_, {}, growth);
  if (best == free_.end()) {
    sizes_.push_back(floats);
    return sizes_.size() - 1;
  }
  const std::size_t place = *best;
  free_.erase(best);
  sizes_[place] = std::max(sizes_[place], floats);
  return place;
}

void ScratchPlaces::release(const std::vector<std::size_t>& places) {
  free_.insert(free_.end(), places.begin(), places.end());
}

}  // namespace pisr
