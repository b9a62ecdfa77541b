#include "pisr/export/onnx_builder.h"

#include <cstring>

#include "core/error.h"

/// The numbers of fields and types are those of onnx.proto.
namespace pisr {
namespace {

constexpr int kIrVersion = 7;
constexpr int kFloatType = 1;
constexpr int kInt64Type = 7;

ProtobufMessage attribute_message(const std::string& name, const OnnxAttribute& value) {
  enum Type { number = 1, integer = 2, text = 3, integers = 7 };
  ProtobufMessage result;
  result.text(1, name);
  if (const auto* const whole = std::get_if<std::int64_t>(&value)) {
    result.integer(3, *whole).integer(20, integer);
  } else if (const auto* const real = std::get_if<float>(&value)) {
    result.number(2, *real).integer(20, number);
  } else if (const auto* const word = std::get_if<std::string>(&value)) {
    result.text(4, *word).integer(20, text);
  } else {
    for (const std::int64_t one : std::get<std::vector<std::int64_t>>(value)) {
      result.integer(8, one);
    }
    result.integer(20, integers);
  }
  return result;
}

template <class T>
ProtobufMessage tensor_message(const std::string& name, std::span<const std::int64_t> shape,
                               std::span<const T> values, int type) {
  ProtobufMessage tensor;
  for (const std::int64_t extent : shape) {
    tensor.integer(1, extent);
  }
  // Raw numbers are little-endian, as those of every machine that pisr runs on.
  std::string raw(values.size_bytes(), '\0');
  std::memcpy(raw.data(), values.data(), values.size_bytes());
  return tensor.integer(2, type).text(8, name).text(9, raw);
}

/// A value and its type.
ProtobufMessage value_info(const std::string& name, const std::vector<OnnxAxis>& shape) {
  ProtobufMessage axes;
  for (const OnnxAxis& axis : shape) {
    ProtobufMessage extent;
    if (const auto* const number = std::get_if<std::int64_t>(&axis)) {
      extent.integer(1, *number);
    } else {
      extent.text(2, std::get<std::string>(axis));
    }
    axes.message(1, extent);
  }
  const ProtobufMessage tensor = ProtobufMessage().integer(1, kFloatType).message(2, axes);
  return ProtobufMessage().text(1, name).message(2, ProtobufMessage().message(1, tensor));
}

}  // namespace

std::string OnnxBuilder::free_name(const std::string& wanted) {
  const int before = names_[wanted]++;
  return before == 0 ? wanted : free_name(message(wanted, '_', before + 1));
}

std::string OnnxBuilder::node(const std::string& op, const std::vector<std::string>& inputs,
                              const OnnxAttributes& attributes, const std::string& wanted) {
  const std::string result = free_name(wanted.empty() ? op : wanted);
  ProtobufMessage node;
  for (const std::string& input : inputs) {
    node.text(1, input);
  }
  node.text(2, result).text(3, result).text(4, op);
  for (const auto& [name, value] : attributes) {
    node.message(5, attribute_message(name, value));
  }
  nodes_.message(1, node);
  return result;
}

std::string OnnxBuilder::floats(std::span<const float> values,
                                const std::vector<std::int64_t>& shape, const std::string& wanted) {
  const std::string name = free_name(wanted.empty() ? "constant" : wanted);
  constants_.message(5, tensor_message<float>(name, shape, values, kFloatType));
  return name;
}

std::string OnnxBuilder::integers(const std::vector<std::int64_t>& values) {
  std::string& name = integers_[values];
  if (name.empty()) {
    name = free_name("integers");
    const std::vector<std::int64_t> shape{static_cast<std::int64_t>(values.size())};
    constants_.message(5, tensor_message<std::int64_t>(name, shape, values, kInt64Type));
  }
  return name;
}

void OnnxBuilder::input(const std::string& name, const std::vector<OnnxAxis>& shape) {
  names_[name] = 1;
  ends_.message(11, value_info(name, shape));
}

void OnnxBuilder::output(const std::string& name, const std::vector<OnnxAxis>& shape) {
  ends_.message(12, value_info(name, shape));
}

std::string OnnxBuilder::file(const std::string& graph_name, const std::string& description,
                              const std::map<std::string, std::string>& metadata, int opset) const {
  // Fields may come in any order, and those of one message in pieces.
  ProtobufMessage graph;
  graph.text(2, graph_name);
  const std::string fields = nodes_.bytes() + graph.bytes() + constants_.bytes() + ends_.bytes();
  ProtobufMessage model;
  model.integer(1, kIrVersion)
      .text(2, "pisr")
      .text(6, description)
      .text(7, fields)
      .message(8, ProtobufMessage().text(1, "").integer(2, opset));
  for (const auto& [key, value] : metadata) {
    model.message(14, ProtobufMessage().text(1, key).text(2, value));
  }
  return model.bytes();
}

}  // namespace pisr
