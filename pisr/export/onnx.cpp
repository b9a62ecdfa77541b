#include "pisr/export/onnx.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <utility>

#include "pisr/export/onnx_builder.h"
#include "pisr/export/subpixel.h"

namespace pisr {
namespace {

constexpr int kOpset = 13;
constexpr std::int64_t kRowAxis = 2;
constexpr std::int64_t kColumnAxis = 3;
/// As the end of a slice: that of the axis.
constexpr std::int64_t kEnd = std::numeric_limits<std::int64_t>::max();

using Names = std::vector<std::string>;
using Integers = std::vector<std::int64_t>;

/// Writes the nodes of a graph.
class OnnxWriter {
 public:
  OnnxWriter(const Graph& graph, const OnnxOptions& options)
      : graph_(graph), options_(options), names_(graph.values.size()) {}

  std::string file(const SrNetwork& network, const Facts& facts);

 private:
  using Handler = std::string (OnnxWriter::*)(const GraphNode&);
  static const std::map<std::string, Handler>& handlers();

  const GraphValue& value(int index) const {
    return graph_.values[static_cast<std::size_t>(index)];
  }
  /// The name of a node's input; a constant is written when it is first asked for.
  std::string input(const GraphNode& node, std::size_t index);
  /// The same of one that is broadcast over [1, c, h, w].
  std::string broadcast_input(const GraphNode& node, std::size_t index);
  std::string constant(int index);
  std::string scalar(double number);

  std::string slice(const std::string& x, std::int64_t axis, std::int64_t first,
                    std::int64_t past) {
    return onnx_.node("Slice",
                      {x, onnx_.integers({first}), onnx_.integers({past}), onnx_.integers({axis})});
  }
  std::string depth_to_space(const std::string& x, int factor) {
    return onnx_.node("DepthToSpace", {x},
                      {{"blocksize", std::int64_t{factor}}, {"mode", std::string("CRD")}});
  }
  /// Pixels of the border repeated on all sides.
  std::string replicated(const std::string& x, std::int64_t pixels) {
    return onnx_.node("Pad", {x, onnx_.integers({0, 0, pixels, pixels, 0, 0, pixels, pixels})},
                      {{"mode", std::string("edge")}});
  }
  std::string mirrored(const std::string& x, std::int64_t axis);
  std::string enlarged(const std::string& padded, int channels, int scale, const Tensor& phases);

  std::string conv2d(const GraphNode& node);
  std::string conv_transpose2d(const GraphNode& node);
  std::string conv_and_shuffle(const GraphNode& node);
  std::string prelu(const GraphNode& node);
  std::string leaky_relu(const GraphNode& node);
  std::string clamp(const GraphNode& node);
  std::string softplus(const GraphNode& node);
  std::string affine(const GraphNode& node);
  std::string affine(const std::string& x, double factor, double offset);
  std::string reciprocal(const GraphNode& node);
  std::string concat(const GraphNode& node);
  std::string slice_channels(const GraphNode& node);
  std::string pixel_shuffle(const GraphNode& node);
  std::string block_mean(const GraphNode& node);
  std::string global_standard_deviation(const GraphNode& node);
  std::string pad(const GraphNode& node);
  std::string crop(const GraphNode& node);
  std::string upscale_bicubic(const GraphNode& node);
  std::string upscale_bilinear(const GraphNode& node);
  template <const char* const& op>
  std::string unary(const GraphNode& node) {
    return onnx_.node(op, {input(node, 0)});
  }
  template <const char* const& op>
  std::string binary(const GraphNode& node) {
    return onnx_.node(op, {broadcast_input(node, 0), broadcast_input(node, 1)});
  }

  const Graph& graph_;
  OnnxOptions options_;
  OnnxBuilder onnx_;
  Names names_;                                 ///< of values
  std::map<int, std::string> broadcast_names_;  ///< of constants that are broadcast
};

constexpr const char* kRelu = "Relu";
constexpr const char* kSigmoid = "Sigmoid";
constexpr const char* kExp = "Exp";
constexpr const char* kLog = "Log";
constexpr const char* kAbs = "Abs";
constexpr const char* kMean = "GlobalAveragePool";
constexpr const char* kAdd = "Add";
constexpr const char* kSub = "Sub";
constexpr const char* kMul = "Mul";
constexpr const char* kDiv = "Div";

const std::map<std::string, OnnxWriter::Handler>& OnnxWriter::handlers() {
  static const std::map<std::string, Handler> kHandlers = {
      {"conv2d", &OnnxWriter::conv2d},
      {"conv_transpose2d", &OnnxWriter::conv_transpose2d},
      {"prelu", &OnnxWriter::prelu},
      {"leaky_relu", &OnnxWriter::leaky_relu},
      {"relu", &OnnxWriter::unary<kRelu>},
      {"sigmoid", &OnnxWriter::unary<kSigmoid>},
      {"exp", &OnnxWriter::unary<kExp>},
      {"log", &OnnxWriter::unary<kLog>},
      {"abs", &OnnxWriter::unary<kAbs>},
      {"global_mean", &OnnxWriter::unary<kMean>},
      {"global_standard_deviation", &OnnxWriter::global_standard_deviation},
      {"clamp", &OnnxWriter::clamp},
      {"softplus", &OnnxWriter::softplus},
      {"affine", &OnnxWriter::affine},
      {"reciprocal", &OnnxWriter::reciprocal},
      {"add", &OnnxWriter::binary<kAdd>},
      {"subtract", &OnnxWriter::binary<kSub>},
      {"multiply", &OnnxWriter::binary<kMul>},
      {"divide", &OnnxWriter::binary<kDiv>},
      {"concat_channels", &OnnxWriter::concat},
      {"slice_channels", &OnnxWriter::slice_channels},
      {"pixel_shuffle", &OnnxWriter::pixel_shuffle},
      {"block_mean", &OnnxWriter::block_mean},
      {"pad", &OnnxWriter::pad},
      {"crop", &OnnxWriter::crop},
      {"upscale_bicubic", &OnnxWriter::upscale_bicubic},
      {"upscale_bilinear", &OnnxWriter::upscale_bilinear},
  };
  return kHandlers;
}

Integers shape_of(const Tensor& tensor) {
  Integers shape;
  for (int axis = 0; axis < tensor.shape().rank(); ++axis) {
    shape.push_back(tensor.shape()[axis]);
  }
  return shape;
}

std::string OnnxWriter::constant(int index) {
  std::string& name = names_[static_cast<std::size_t>(index)];
  if (name.empty()) {
    const GraphValue& wanted = value(index);
    name = onnx_.floats(wanted.constant.values<float>(), shape_of(wanted.constant), wanted.name);
  }
  return name;
}

std::string OnnxWriter::scalar(double number) {
  const auto single = static_cast<float>(number);
  return onnx_.floats(std::span(&single, 1), {1});
}

std::string OnnxWriter::input(const GraphNode& node, std::size_t index) {
  const int input = node.inputs.at(index);
  return value(input).is_constant() ? constant(input) : names_[static_cast<std::size_t>(input)];
}

std::string OnnxWriter::broadcast_input(const GraphNode& node, std::size_t index) {
  const int input = node.inputs.at(index);
  const Tensor& number = value(input).constant;
  if (!number.defined() || number.shape().rank() == 4) {
    return this->input(node, index);
  }
  std::string& name = broadcast_names_[input];
  if (name.empty()) {
    // One number for each channel, or one for all.
    name = onnx_.floats(number.values<float>(), {number.count(), 1, 1}, value(input).name);
  }
  return name;
}

std::string OnnxWriter::conv2d(const GraphNode& node) {
  const Shape& weight = value(node.inputs[1]).constant.shape();
  const std::int64_t padding = node.integer("padding");
  const std::int64_t stride = node.integer("stride");
  const bool replicate = node.integer("replicate") != 0 && padding > 0;
  Names inputs{input(node, 0), input(node, 1)};
  if (replicate) {
    inputs[0] = replicated(inputs[0], padding);
  }
  if (node.inputs.size() > 2) {
    inputs.push_back(input(node, 2));
  }
  const std::int64_t around = replicate ? 0 : padding;
  return onnx_.node("Conv", inputs,
                    {{"kernel_shape", Integers{weight[2], weight[3]}},
                     {"strides", Integers{stride, stride}},
                     {"pads", Integers(4, around)},
                     {"group", std::int64_t{node.integer("groups")}}});
}

std::string OnnxWriter::conv_transpose2d(const GraphNode& node) {
  if (options_.depth_to_space) {
    return conv_and_shuffle(node);
  }
  const Shape& weight = value(node.inputs[1]).constant.shape();
  const std::int64_t padding = node.integer("padding");
  const std::int64_t stride = node.integer("stride");
  const std::int64_t output_padding = node.integer("output_padding");
  Names inputs{input(node, 0), input(node, 1)};
  if (node.inputs.size() > 2) {
    inputs.push_back(input(node, 2));
  }
  return onnx_.node("ConvTranspose", inputs,
                    {{"kernel_shape", Integers{weight[2], weight[3]}},
                     {"strides", Integers{stride, stride}},
                     {"pads", Integers(4, padding)},
                     {"output_padding", Integers{output_padding, output_padding}},
                     {"group", std::int64_t{node.integer("groups")}}});
}

std::string OnnxWriter::conv_and_shuffle(const GraphNode& node) {
  const SubpixelConvolution conv = subpixel_convolution(graph_, node);
  const std::string weight =
      onnx_.floats(conv.weight.values<float>(), shape_of(conv.weight), value(node.inputs[1]).name);
  Names inputs{input(node, 0), weight};
  if (node.inputs.size() > 2) {
    std::vector<float> bias;
    for (const float b : value(node.inputs[2]).constant.values<float>()) {
      bias.insert(bias.end(), static_cast<std::size_t>(conv.scale) * conv.scale, b);
    }
    inputs.push_back(
        onnx_.floats(bias, {static_cast<std::int64_t>(bias.size())}, value(node.inputs[2]).name));
  }
  const Shape& shape = conv.weight.shape();
  std::string x =
      onnx_.node("Conv", inputs,
                 {{"kernel_shape", Integers{shape[2], shape[3]}},
                  {"strides", Integers{1, 1}},
                  {"pads", Integers{conv.before, conv.before, conv.behind, conv.behind}},
                  {"group", std::int64_t{conv.groups}}});
  x = depth_to_space(x, conv.scale);
  // Rows and columns behind the wanted ones.
  const GraphValue& from = value(node.inputs[0]);
  const GraphValue& to = value(node.output);
  const auto beyond = [&](const Extent& before, const Extent& after) {
    return std::int64_t{conv.scale} * (before.offset + conv.extra) - after.offset;
  };
  const std::int64_t rows = beyond(from.height, to.height);
  const std::int64_t columns = beyond(from.width, to.width);
  x = rows > 0 ? slice(x, kRowAxis, 0, -rows) : x;
  return columns > 0 ? slice(x, kColumnAxis, 0, -columns) : x;
}

std::string OnnxWriter::prelu(const GraphNode& node) {
  const GraphValue& slope = value(node.inputs[1]);
  const std::int64_t channels = value(node.inputs[0]).channels;
  std::vector<float> slopes(slope.constant.values<float>().begin(),
                            slope.constant.values<float>().end());
  slopes.resize(static_cast<std::size_t>(channels), slopes.front());
  return onnx_.node("PRelu", {input(node, 0), onnx_.floats(slopes, {channels, 1, 1}, slope.name)});
}

std::string OnnxWriter::leaky_relu(const GraphNode& node) {
  return onnx_.node("LeakyRelu", {input(node, 0)},
                    {{"alpha", static_cast<float>(node.attribute("slope"))}});
}

std::string OnnxWriter::clamp(const GraphNode& node) {
  const auto bound = [&](const char* name) {
    const auto number = static_cast<float>(node.attribute(name));
    return onnx_.floats(std::span(&number, 1), {});
  };
  return onnx_.node("Clip", {input(node, 0), bound("low"), bound("high")});
}

std::string OnnxWriter::affine(const std::string& x, double factor, double offset) {
  const std::string scaled = factor == 1 ? x : onnx_.node("Mul", {x, scalar(factor)});
  return offset == 0 ? scaled : onnx_.node("Add", {scaled, scalar(offset)});
}

std::string OnnxWriter::affine(const GraphNode& node) {
  return affine(input(node, 0), node.attribute("factor"), node.attribute("offset"));
}

std::string OnnxWriter::softplus(const GraphNode& node) {
  return affine(onnx_.node("Softplus", {input(node, 0)}), node.attribute("factor"),
                node.attribute("offset"));
}

std::string OnnxWriter::reciprocal(const GraphNode& node) {
  return onnx_.node("Div", {scalar(node.attribute("numerator")), input(node, 0)});
}

std::string OnnxWriter::concat(const GraphNode& node) {
  Names inputs;
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    inputs.push_back(input(node, i));
  }
  return onnx_.node("Concat", inputs, {{"axis", std::int64_t{1}}});
}

std::string OnnxWriter::slice_channels(const GraphNode& node) {
  const std::int64_t first = node.integer("first");
  return slice(input(node, 0), 1, first, first + node.integer("count"));
}

std::string OnnxWriter::pixel_shuffle(const GraphNode& node) {
  return depth_to_space(input(node, 0), node.integer("factor"));
}

std::string OnnxWriter::block_mean(const GraphNode& node) {
  const std::int64_t factor = node.integer("factor");
  return onnx_.node(
      "AveragePool", {input(node, 0)},
      {{"kernel_shape", Integers{factor, factor}}, {"strides", Integers{factor, factor}}});
}

std::string OnnxWriter::global_standard_deviation(const GraphNode& node) {
  const std::string x = input(node, 0);
  const std::string mean = onnx_.node("GlobalAveragePool", {x});
  const std::string deviation = onnx_.node("Sub", {x, mean});
  const std::string square = onnx_.node("Mul", {deviation, deviation});
  return onnx_.node("Sqrt", {onnx_.node("GlobalAveragePool", {square})});
}

std::string OnnxWriter::pad(const GraphNode& node) {
  return onnx_.node(
      "Pad", {input(node, 0), onnx_.integers({0, 0, node.integer("top"), node.integer("left"), 0, 0,
                                              node.integer("bottom"), node.integer("right")})});
}

std::string OnnxWriter::crop(const GraphNode& node) {
  const auto end = [&](const char* side) {
    const std::int64_t pixels = node.integer(side);
    return pixels == 0 ? kEnd : -pixels;
  };
  std::string x = input(node, 0);
  if (node.integer("top") > 0 || node.integer("bottom") > 0) {
    x = slice(x, kRowAxis, node.integer("top"), end("bottom"));
  }
  if (node.integer("left") > 0 || node.integer("right") > 0) {
    x = slice(x, kColumnAxis, node.integer("left"), end("right"));
  }
  return x;
}

/// An axis with two more pixels at both ends, of pixels d c b a | a b c d: the border mirrored with
/// the edge repeated. `x` has two more already, the edge repeated twice. Of one pixel all are it.
std::string OnnxWriter::mirrored(const std::string& x, std::int64_t axis) {
  const std::string before = slice(x, axis, 3, 4);
  const std::string middle = slice(x, axis, 1, -1);
  const std::string behind = slice(x, axis, -4, -3);
  return onnx_.node("Concat", {before, middle, behind}, {{"axis", axis}});
}

std::string OnnxWriter::enlarged(const std::string& padded, int channels, int scale,
                                 const Tensor& phases) {
  std::vector<float> weight;
  for (int c = 0; c < channels; ++c) {
    weight.insert(weight.end(), phases.values<float>().begin(), phases.values<float>().end());
  }
  Integers shape = shape_of(phases);
  shape[0] *= channels;
  const std::string x = onnx_.node(
      "Conv", {padded, onnx_.floats(weight, shape, "enlargement")},
      {{"kernel_shape", Integers{shape[2], shape[3]}}, {"group", std::int64_t{channels}}});
  return depth_to_space(x, scale);
}

// Resize clamps coordinates where ours mirrors the border, and few programs run its cubic mode.
std::string OnnxWriter::upscale_bicubic(const GraphNode& node) {
  const int scale = node.integer("scale");
  std::string x = replicated(input(node, 0), 2);
  for (const std::int64_t axis : {kRowAxis, kColumnAxis}) {
    x = mirrored(x, axis);
  }
  return enlarged(x, value(node.inputs[0]).channels, scale, bicubic_phases(scale));
}

std::string OnnxWriter::upscale_bilinear(const GraphNode& node) {
  const int scale = node.integer("scale");
  return enlarged(replicated(input(node, 0), 1), value(node.inputs[0]).channels, scale,
                  bilinear_phases(scale));
}

std::string OnnxWriter::file(const SrNetwork& network, const Facts& facts) {
  const NetworkSpec& spec = network.spec();
  const std::string rows = "height";
  const std::string columns = "width";
  const std::int64_t channels = spec.channels;
  std::string image = "input";
  if (options_.channels_last) {
    onnx_.input(image, {std::int64_t{1}, rows, columns, channels});
    image = onnx_.node("Transpose", {image}, {{"perm", Integers{0, 3, 1, 2}}});
  } else {
    onnx_.input(image, {std::int64_t{1}, channels, rows, columns});
  }
  names_[static_cast<std::size_t>(graph_.input)] = image;
  for (const GraphNode& node : graph_.nodes) {
    const auto handler = handlers().find(node.op);
    if (handler == handlers().end()) {
      refuse_export(
          message("the network has the operation ", node.op, ", which is not written as ONNX"));
    }
    // Weights are constants; what a network would compute them from has no counterpart.
    if (node.op.starts_with("conv")) {
      for (std::size_t i = 1; i < node.inputs.size(); ++i) {
        if (!value(node.inputs[i]).is_constant()) {
          refuse_export(message(node.op, " has a weight that depends on the image"));
        }
      }
    }
    names_[static_cast<std::size_t>(node.output)] = (this->*handler->second)(node);
  }
  const std::string output = "output";
  onnx_.node("Identity", {names_[static_cast<std::size_t>(graph_.output)]}, {}, output);
  onnx_.output(output, {std::int64_t{1}, channels, "output_" + rows, "output_" + columns});
  return onnx_.file(spec.architecture, facts_as_lines(network, facts, ""), facts, kOpset);
}

}  // namespace

std::string onnx_file(const SrNetwork& network, const Facts& facts, const OnnxOptions& options) {
  if (options.channels_last && network.spec().channels != 1) {
    refuse_export("OpenCV's dnn_superres enlarges luminance, and these weights are of RGB");
  }
  const Graph graph = record_graph(network);
  return OnnxWriter(graph, options).file(network, facts);
}

}  // namespace pisr
