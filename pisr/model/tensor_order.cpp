#include "pisr/model/tensor_order.h"

#include <algorithm>
#include <cctype>
#include <utility>
#include <vector>

#include "core/error.h"

namespace pisr {
namespace {

/// A layer: its tensors by the last part of their names, e.g. "weight" and "bias".
struct LayerTensors {
  std::string name;
  std::map<std::string, std::string> tensors;  ///< names by part
  std::string shapes;                          ///< the same for layers that may stand for another
};

bool is_digit(char c) {
  return std::isdigit(static_cast<unsigned char>(c)) != 0;
}

/// The order of people: "net.2" before "net.10".
bool comes_before(const LayerTensors& left, const LayerTensors& right) {
  const auto padded = [](const std::string& name) {
    std::string result;
    for (std::size_t at = 0; at < name.size();) {
      std::size_t end = at;
      while (end < name.size() && is_digit(name[end])) {
        ++end;
      }
      constexpr std::size_t kWidth = 12;
      result += end > at ? std::string(kWidth - std::min(kWidth, end - at), '0') : "";
      end = std::max(end, at + 1);
      result += name.substr(at, end - at);
      at = end;
    }
    return result;
  };
  return padded(left.name) < padded(right.name);
}

/// "net.12" -> "net.#".
std::string without_numbers(const std::string& name) {
  std::string result;
  for (const char c : name) {
    if (!is_digit(c)) {
      result += c;
    } else if (result.empty() || result.back() != '#') {
      result += '#';
    }
  }
  return result;
}

/// Adds a tensor to the layer that it is of, which is the last one if any. PReLU slopes are layers
/// of their own, as others have them.
void add(std::vector<LayerTensors>& layers, const std::string& name, const Shape& shape) {
  const std::size_t dot = name.rfind('.');
  std::string layer = name.substr(0, dot);
  std::string part = dot == std::string::npos ? "weight" : name.substr(dot + 1);
  if (part == "slope") {
    layer = name;
    part = "weight";
  }
  auto found = std::ranges::find(layers, layer, &LayerTensors::name);
  if (found == layers.end()) {
    layers.push_back({layer, {}, {}});
    found = layers.end() - 1;
  }
  found->tensors[part] = name;
  found->shapes += message(part, shape, ' ');
}

}  // namespace

std::optional<std::map<std::string, std::string>> paired_by_order(
    const Module& network, const std::map<std::string, Tensor>& tensors) {
  // In the order of names, so that the shapes of a layer are described alike on both sides.
  std::map<std::string, Shape> own_shapes;
  std::vector<LayerTensors> in_order;
  for (const NamedParameter& named : network.parameters()) {
    own_shapes.emplace(named.name, named.parameter->value.shape());
    add(in_order, named.name, {});
  }
  std::vector<LayerTensors> own;
  for (const auto& [name, shape] : own_shapes) {
    add(own, name, shape);
  }
  std::vector<LayerTensors> theirs;
  for (const auto& [name, tensor] : tensors) {
    add(theirs, name, tensor.shape());
  }
  if (own.size() != theirs.size()) {
    return std::nullopt;
  }
  std::ranges::sort(theirs, comes_before);
  std::map<std::string, std::string> pairs;
  for (const LayerTensors& layer : in_order) {
    const LayerTensors& with_shapes = *std::ranges::find(own, layer.name, &LayerTensors::name);
    const auto is_alike = [&](const LayerTensors& other) {
      return other.shapes == with_shapes.shapes;
    };
    const auto found = std::ranges::find_if(theirs, is_alike);
    if (found == theirs.end()) {
      return std::nullopt;
    }
    const std::string stem = without_numbers(found->name);
    if (!std::ranges::all_of(theirs, [&](const LayerTensors& other) {
          return !is_alike(other) || without_numbers(other.name) == stem;
        })) {
      return std::nullopt;
    }
    for (const auto& [part, name] : with_shapes.tensors) {
      pairs[name] = found->tensors.at(part);
    }
    theirs.erase(found);
  }
  return pairs;
}

}  // namespace pisr
