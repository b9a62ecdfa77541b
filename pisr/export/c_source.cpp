#include "pisr/export/c_source.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "pisr/export/c_functions.h"
#include "pisr/export/graph.h"
#include "pisr/export/number_text.h"
#include "pisr/export/scratch_places.h"
#include "pisr/export/subpixel.h"

namespace pisr {
namespace {

/// Writes the calls of a graph and the arrays that they read.
class CWriter {
 public:
  CWriter(const Graph& graph, std::string name)
      : graph_(graph), places_(graph), name_(std::move(name)) {}

  std::string source(const SrNetwork& network, const Facts& facts) {
    for (const GraphNode& node : graph_.nodes) {
      calls_ += call(node);
    }
    std::string functions;
    for (const std::string& function : functions_) {
      functions += find_c_function(function);
    }
    for (std::size_t at = 0; (at = functions.find('@', at)) != std::string::npos;) {
      functions.replace(at, 1, name_ + '_');
    }
    return header(network, facts) + arrays_ + functions + run_function() + "\n#endif\n";
  }

 private:
  const GraphValue& value(int index) const {
    return graph_.values[static_cast<std::size_t>(index)];
  }

  static std::string lengths(const Extent& extent, const char* of_image) {
    return extent.factor == 0 ? std::to_string(extent.offset)
           : extent.offset == 0
               ? message(extent.factor, " * ", of_image)
               : message(extent.factor, " * ", of_image, extent.offset < 0 ? " - " : " + ",
                         std::abs(extent.offset));
  }
  std::string height(int index) const { return lengths(value(index).height, "h"); }
  std::string width(int index) const { return lengths(value(index).width, "w"); }
  std::string inner(int index) const {
    return message("(size_t)(", height(index), ") * (", width(index), ')');
  }
  std::string count(int index) const { return message(value(index).channels, " * ", inner(index)); }
  /// "c, h, w" of a map, as functions take it.
  std::string sizes(int index) const {
    return message(value(index).channels, ", ", height(index), ", ", width(index));
  }

  /// A pointer to a value.
  std::string pointer(int index) {
    if (index == graph_.input) {
      return "in";
    }
    if (index == graph_.output) {
      return "out";
    }
    if (value(index).is_constant()) {
      return array(index);
    }
    return message("scratch + (size_t)", places_.of(index), " * w * h");
  }

  std::string array(int index) {
    std::string& name = array_names_[index];
    if (name.empty()) {
      std::string wanted = value(index).name;
      std::ranges::replace(wanted, '.', '_');
      name =
          add_array(wanted.empty() ? message("constant_", index) : wanted, value(index).constant);
    }
    return name;
  }
  /// Adds an array of the header and returns its name.
  std::string add_array(const std::string& wanted, const Tensor& numbers) {
    const std::string name = name_ + '_' + wanted;
    arrays_ += message("\n/* ", numbers.shape(), " */\nstatic const float ", name, '[',
                       numbers.count(), "] = {");
    std::size_t column = 1000;
    for (const float number : numbers.values<float>()) {
      const std::string text = number_text(number) + "f,";
      column += text.size() + 1;
      if (column > 118) {
        arrays_ += "\n ";
        column = text.size() + 1;
      }
      arrays_ += ' ' + text;
    }
    arrays_ += "\n};\n";
    return name;
  }

  /// A call; the function becomes part of the header.
  template <class... Arguments>
  std::string call_of(const std::string& function, const Arguments&... arguments) {
    functions_.insert(function);
    std::string list;
    ((list += (list.empty() ? "" : ", ") + message(arguments)), ...);
    return message("  ", name_, '_', function, '(', list, ");\n");
  }

  std::string call(const GraphNode& node);
  std::string call_convolution(const GraphNode& node);
  std::string call_binary(const GraphNode& node);
  std::string call_concat(const GraphNode& node);
  std::string call_enlargement(const GraphNode& node);
  std::string header(const SrNetwork& network, const Facts& facts) const;
  std::string run_function() const;

  const Graph& graph_;
  ScratchPlaces places_;
  std::string name_;
  std::string calls_, arrays_;
  std::set<std::string> functions_;
  std::map<int, std::string> array_names_;
  std::map<std::string, std::string> phase_names_;
};

std::string CWriter::call_convolution(const GraphNode& node) {
  const bool transposed = node.op == "conv_transpose2d";
  const Shape& weight = value(node.inputs[1]).constant.shape();
  const std::string bias = node.inputs.size() > 2 ? pointer(node.inputs[2]) : "0";
  const std::string shape = message(value(node.output).channels, ", ", weight[2], ", ", weight[3]);
  const std::string options =
      message(node.integer("stride"), ", ", node.integer("padding"), ", ", node.integer("groups"),
              transposed ? "" : message(", ", node.integer("replicate")));
  return call_of(node.op, pointer(node.inputs[0]), sizes(node.inputs[0]), pointer(node.inputs[1]),
                 bias, shape, options, pointer(node.output), height(node.output),
                 width(node.output));
}

std::string CWriter::call_binary(const GraphNode& node) {
  const char sign = node.op == "add"        ? '+'
                    : node.op == "subtract" ? '-'
                    : node.op == "multiply" ? '*'
                                            : '/';
  const GraphValue& b = value(node.inputs[1]);
  const std::string all = count(node.output);
  std::string share;  // elements of a for each of b
  if (b.is_constant()) {
    share = b.constant.count() == 1 ? all : inner(node.output);
  } else {
    const GraphValue& a = value(node.inputs[0]);
    const bool is_plane_mean = b.height.factor == 0 && b.width.factor == 0;
    share = !is_plane_mean || a.height == b.height ? "1"
            : b.channels == 1                      ? all
                                                   : inner(node.output);
  }
  return call_of("binary", message('\'', sign, '\''), pointer(node.inputs[0]),
                 pointer(node.inputs[1]), all, share, pointer(node.output));
}

std::string CWriter::call_concat(const GraphNode& node) {
  std::string calls;
  int channel = 0;
  for (const int input : node.inputs) {
    calls += call_of("copy", pointer(input), count(input),
                     message(pointer(node.output), " + ", channel, " * ", inner(node.output)));
    channel += value(input).channels;
  }
  return calls;
}

std::string CWriter::call_enlargement(const GraphNode& node) {
  const int scale = node.integer("scale");
  const bool bicubic = node.op == "upscale_bicubic";
  std::string& phases = phase_names_[message(node.op, '_', scale)];
  if (phases.empty()) {
    phases = add_array(message(node.op, '_', scale),
                       bicubic ? bicubic_phases(scale) : bilinear_phases(scale));
  }
  return call_of("enlarge", pointer(node.inputs[0]), sizes(node.inputs[0]), scale, phases,
                 bicubic ? "2, 1" : "1, 0", pointer(node.output));
}

std::string CWriter::call(const GraphNode& node) {
  const int x = node.inputs[0];
  const int y = node.output;
  const auto number = [&](const char* attribute) {
    return number_text(static_cast<float>(node.attribute(attribute))) + 'f';
  };
  if (value(x).is_constant()) {
    refuse_export(message("the first operand of ", node.op, " does not depend on the image"));
  }
  if (node.op == "conv2d" || node.op == "conv_transpose2d") {
    return call_convolution(node);
  }
  if (node.op == "prelu") {
    return call_of("prelu", pointer(x), value(x).channels, inner(x), pointer(node.inputs[1]),
                   value(node.inputs[1]).constant.count(), pointer(y));
  }
  if (node.op == "relu" || node.op == "sigmoid") {
    return call_of(node.op, pointer(x), count(x), pointer(y));
  }
  if (node.op == "leaky_relu") {
    return call_of(node.op, pointer(x), count(x), number("slope"), pointer(y));
  }
  if (node.op == "clamp") {
    return call_of(node.op, pointer(x), count(x), number("low"), number("high"), pointer(y));
  }
  if (node.op == "affine") {
    return call_of(node.op, pointer(x), count(x), number("factor"), number("offset"), pointer(y));
  }
  if (node.op == "add" || node.op == "subtract" || node.op == "multiply" || node.op == "divide") {
    return call_binary(node);
  }
  if (node.op == "concat_channels") {
    return call_concat(node);
  }
  if (node.op == "slice_channels") {
    return call_of("copy", message(pointer(x), " + ", node.integer("first"), " * ", inner(x)),
                   count(y), pointer(y));
  }
  if (node.op == "pixel_shuffle") {
    return call_of(node.op, pointer(x), value(y).channels, height(x), width(x),
                   node.integer("factor"), pointer(y));
  }
  if (node.op == "global_mean" || node.op == "global_standard_deviation") {
    return call_of(node.op, pointer(x), value(x).channels, inner(x), pointer(y));
  }
  if (node.op == "pad" || node.op == "crop") {
    const int sign = node.op == "pad" ? -1 : 1;
    return call_of("window", pointer(x), sizes(x), sign * node.integer("top"),
                   sign * node.integer("left"), pointer(y), height(y), width(y));
  }
  if (node.op == "upscale_bicubic" || node.op == "upscale_bilinear") {
    return call_enlargement(node);
  }
  refuse_export(message("the network has the operation ", node.op, ", which is not written as C"));
}

std::string CWriter::header(const SrNetwork& network, const Facts& facts) const {
  std::string lines = facts_as_lines(network, facts, "   ");
  for (std::size_t at = 0; (at = lines.find("*/", at)) != std::string::npos;) {
    lines.replace(at, 2, "* /");
  }
  const NetworkSpec& spec = network.spec();
  std::string guard = name_ + "_H";
  std::ranges::transform(guard, guard.begin(), [](unsigned char c) { return std::toupper(c); });
  return message(
      "/*\n", lines, "\n   ", name_,
      "_run(in, w, h, out, scratch) enlarges an image. in: ", spec.channels,
      spec.channels == 1 ? " plane" : " planes",
      " of h rows of w\n   numbers on 0..1; out: ", spec.channels,
      spec.channels == 1 ? " plane" : " planes", " of ", spec.scale, " h rows of ", spec.scale,
      " w numbers, neither rounded nor clamped; scratch: as many\n   floats as ", name_,
      "_scratch_floats(w, h) says. Link the mathematical library.\n   Weights of convolutions are "
      "[out, in / groups, rows, columns], of transposed ones [in, out / groups, rows, columns].\n"
      "*/\n#ifndef ",
      guard, "\n#define ", guard, "\n\n#include <math.h>\n#include <stddef.h>\n");
}

std::string CWriter::run_function() const {
  return message("\nstatic inline size_t ", name_,
                 "_scratch_floats(int w, int h) {\n  return (size_t)", places_.total(),
                 " * w * h;\n}\n\nstatic inline void ", name_,
                 "_run(const float* in, int w, int h, float* out, float* scratch) {\n"
                 "  (void)scratch;\n",
                 calls_, "}\n");
}

bool is_identifier(const std::string& name) {
  const auto is_letter = [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  return !name.empty() && is_letter(static_cast<unsigned char>(name.front())) &&
         std::ranges::all_of(
             name, [&](unsigned char c) { return is_letter(c) || (c >= '0' && c <= '9'); });
}

}  // namespace

std::string c_source(const SrNetwork& network, const Facts& facts, const std::string& name) {
  if (!is_identifier(name)) {
    throw Error(ErrorKind::usage,
                message("the name '", name, "' is no identifier of C: letters, digits and _"));
  }
  const Graph graph = record_graph(network);
  return CWriter(graph, name).source(network, facts);
}

}  // namespace pisr
