#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "pisr/export/protobuf.h"

namespace pisr {

/// An attribute of a node.
using OnnxAttribute = std::variant<std::int64_t, float, std::string, std::vector<std::int64_t>>;
using OnnxAttributes = std::vector<std::pair<std::string, OnnxAttribute>>;

/// An axis: a number, or the name of one that only a run knows.
using OnnxAxis = std::variant<std::int64_t, std::string>;

/// Writes a model of the Open Neural Network Exchange, node by node. Values are float32 and known
/// by their names.
class OnnxBuilder {
 public:
  /// Adds a node with one result, whose name it returns: `wanted`, or one that is not taken.
  std::string node(const std::string& op, const std::vector<std::string>& inputs,
                   const OnnxAttributes& attributes = {}, const std::string& wanted = "");
  /// Adds constants; the shape of numbers is `shape`.
  std::string floats(std::span<const float> values, const std::vector<std::int64_t>& shape,
                     const std::string& wanted = "");
  std::string integers(const std::vector<std::int64_t>& values);

  void input(const std::string& name, const std::vector<OnnxAxis>& shape);
  void output(const std::string& name, const std::vector<OnnxAxis>& shape);

  /// The file. opset: the version of the operators; `metadata` as key and value.
  std::string file(const std::string& graph_name, const std::string& description,
                   const std::map<std::string, std::string>& metadata, int opset) const;

 private:
  std::string free_name(const std::string& wanted);

  ProtobufMessage nodes_, constants_, ends_;  ///< fields of the graph
  std::map<std::string, int> names_;          ///< how often each was wanted
  std::map<std::vector<std::int64_t>, std::string> integers_;
};

}  // namespace pisr
