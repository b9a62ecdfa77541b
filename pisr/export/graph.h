#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/tensor.h"
#include "pisr/model/network.h"

namespace pisr {

/// Rows or columns of a map, as a function of those of the image: factor n + offset.
struct Extent {
  int factor = 1;
  int offset = 0;

  friend bool operator==(const Extent&, const Extent&) = default;
};

/// What an operation reads or makes.
struct GraphValue {
  /// The numbers of a value that does not depend on the image; otherwise undefined.
  Tensor constant;
  std::string name;  ///< of a parameter, "mapping.0.weight"; otherwise empty
  /// Of a value that depends on the image: [1, channels, height, width].
  int channels = 0;
  Extent height, width;

  bool is_constant() const noexcept { return constant.defined(); }
};

/// An operation. Its name and attributes are those of a function of core/ops.h, with these
/// exceptions: a convolution and its activation are two; concat_channels has any number of inputs;
/// x times and plus a number is "affine" {factor, offset}; a number over x is "reciprocal"
/// {numerator}.
struct GraphNode {
  std::string op;
  std::vector<int> inputs;  ///< indices of values; kAbsent where there is none
  int output = 0;
  std::map<std::string, double> attributes;

  static constexpr int kAbsent = -1;

  /// Throws std::out_of_range where there is none.
  double attribute(const std::string& name) const { return attributes.at(name); }
  int integer(const std::string& name) const { return static_cast<int>(attribute(name)); }
};

/// What a network computes for an image of any size.
struct Graph {
  std::vector<GraphValue> values;
  std::vector<GraphNode> nodes;  ///< each after those whose results it reads
  int input = 0;                 ///< the low-resolution image [1, c, h, w] on 0..1
  int output = 0;                ///< [1, c, h scale, w scale]
};

/// Records what the network does with images of several sizes. Operations that do not depend on
/// the image are computed, and those that the result does not depend on left out. Parameters must
/// be f32 and on the host.
///
/// Throws Error(usage) where no graph says it for all sizes: the network does other operations, or
/// has other constants, for another image; or the size of a map does not grow in proportion.
Graph record_graph(const ImageModel& network);

/// The nodes that read a value.
std::vector<int> readers(const Graph& graph, int value);

/// As in messages: "reshape: cannot be ..., as its ...".
[[noreturn]] void refuse_export(const std::string& what, const std::string& hint = "");

}  // namespace pisr
