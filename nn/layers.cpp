#include "nn/layers.h"

#include <cmath>

#include "nn/conv_chain.h"

namespace pisr {
namespace {

using Role = ParameterRole;

/// [outer, inner / groups, kernel, kernel]: outer is out_channels of a convolution and in_channels
/// of a transposed one. Throws unless such a layer can exist.
Shape weight_shape(const char* layer, int outer, int inner, int kernel, int groups) {
  if (outer < 1 || inner < 1 || kernel < 1 || groups < 1) {
    throw Error(ErrorKind::usage,
                message(layer, ": channels, kernel and groups must be at least 1, got channels ",
                        outer, " and ", inner, ", kernel ", kernel, ", groups ", groups));
  }
  if (outer % groups != 0 || inner % groups != 0) {
    throw Error(ErrorKind::usage, message(layer, ": groups must divide the channels, got ", groups,
                                          " groups, channels ", outer, " and ", inner));
  }
  return {outer, inner / groups, kernel, kernel};
}

/// The products summed in one output, for both kinds of convolution (PyTorch's definition).
std::int64_t fan_in(const Shape& weight) {
  return weight[1] * weight[2] * weight[3];
}

Variable optional_parameter(Tape& tape, const Parameter* parameter) {
  return parameter == nullptr ? Variable() : tape.parameter(*parameter);
}

Tensor optional_value(const Parameter* parameter) {
  return parameter == nullptr ? Tensor() : parameter->value;
}

ConvChain::Stage chain_stage(const Parameter& weight, const Parameter* bias,
                             const Conv2dOptions& options) {
  return {.weight = weight.value,
          .bias = optional_value(bias),
          .slope = {},
          .stride = options.stride,
          .padding = options.padding,
          .groups = options.groups,
          .padding_mode = options.padding_mode};
}

}  // namespace

Conv2d::Conv2d(int in_channels, int out_channels, int kernel, Conv2dOptions options, bool with_bias)
    : Conv2d(weight_shape("Conv2d", out_channels, in_channels, kernel, options.groups),
             out_channels, options, with_bias) {}

Conv2d::Conv2d(const Shape& shape, int out_channels, const Conv2dOptions& options, bool with_bias)
    : weight(add_parameter("weight", shape, Role::weight, fan_in(shape))),
      bias(with_bias ? &add_parameter("bias", {out_channels}, Role::bias, fan_in(shape)) : nullptr),
      options_(options) {}

Variable Conv2d::operator()(const Variable& x) const {
  Tape& tape = common_tape("Conv2d", {&x});
  return conv2d(x, tape.parameter(weight), optional_parameter(tape, bias), options_);
}

Variable Conv2d::relu(const Variable& x) const {
  Tape& tape = common_tape("Conv2d", {&x});
  return conv2d_relu(x, tape.parameter(weight), optional_parameter(tape, bias), options_);
}

Variable Conv2d::leaky_relu(const Variable& x, double slope) const {
  Tape& tape = common_tape("Conv2d", {&x});
  return conv2d_leaky_relu(x, tape.parameter(weight), optional_parameter(tape, bias), slope,
                           options_);
}

void Conv2d::append_to(ConvChain& chain) const {
  chain.add(chain_stage(weight, bias, options_));
}

ConvTranspose2d::ConvTranspose2d(int in_channels, int out_channels, int kernel,
                                 ConvTranspose2dOptions options, bool with_bias)
    : ConvTranspose2d(
          weight_shape("ConvTranspose2d", in_channels, out_channels, kernel, options.groups),
          out_channels, options, with_bias) {}

ConvTranspose2d::ConvTranspose2d(const Shape& shape, int out_channels,
                                 const ConvTranspose2dOptions& options, bool with_bias)
    : weight(add_parameter("weight", shape, Role::transposed_weight, fan_in(shape))),
      bias(with_bias ? &add_parameter("bias", {out_channels}, Role::bias, fan_in(shape)) : nullptr),
      options_(options) {}

Variable ConvTranspose2d::operator()(const Variable& x) const {
  Tape& tape = common_tape("ConvTranspose2d", {&x});
  return conv_transpose2d(x, tape.parameter(weight), optional_parameter(tape, bias), options_);
}

void ConvTranspose2d::append_to(ConvChain& chain) const {
  chain.add({.transposed = true,
             .weight = weight.value,
             .bias = optional_value(bias),
             .slope = {},
             .stride = options_.stride,
             .padding = options_.padding,
             .output_padding = options_.output_padding,
             .groups = options_.groups});
}

Prelu::Prelu(int slopes) : slope(add_parameter("slope", {slopes}, Role::slope)) {}

Variable Prelu::operator()(const Variable& x) const {
  return prelu(x, common_tape("Prelu", {&x}).parameter(slope));
}

void Prelu::append_to(ConvChain& chain) const {
  chain.add_prelu(slope.value);
}

LeakyRelu::LeakyRelu(double slope) : slope_(slope) {
  if (!std::isfinite(slope)) {
    throw Error(ErrorKind::usage, message("LeakyRelu: slope must be finite, got ", slope));
  }
}

Variable LeakyRelu::operator()(const Variable& x) const {
  return leaky_relu(x, slope_);
}

void LeakyRelu::append_to(ConvChain& chain) const {
  chain.add_leaky_relu(slope_);
}

Variable Relu::operator()(const Variable& x) const {
  return relu(x);
}

void Relu::append_to(ConvChain& chain) const {
  chain.add_relu();
}

Conv2dPrelu::Conv2dPrelu(int in_channels, int out_channels, int kernel, Conv2dOptions options,
                         int slopes)
    : Conv2dPrelu(weight_shape("Conv2dPrelu", out_channels, in_channels, kernel, options.groups),
                  options, slopes) {
  if (slopes != 1 && slopes != out_channels) {
    throw Error(ErrorKind::usage, message("Conv2dPrelu: slopes must be 1 or one for each of the ",
                                          out_channels, " channels, got ", slopes));
  }
}

Conv2dPrelu::Conv2dPrelu(const Shape& shape, const Conv2dOptions& options, int slopes)
    : weight(add_parameter("weight", shape, Role::weight, fan_in(shape))),
      bias(add_parameter("bias", {shape[0]}, Role::bias, fan_in(shape))),
      slope(add_parameter("slope", {slopes}, Role::slope)),
      options_(options) {}

Variable Conv2dPrelu::operator()(const Variable& x) const {
  Tape& tape = common_tape("Conv2dPrelu", {&x});
  return conv2d_prelu(x, tape.parameter(weight), tape.parameter(bias), tape.parameter(slope),
                      options_);
}

void Conv2dPrelu::append_to(ConvChain& chain) const {
  chain.add(chain_stage(weight, &bias, options_));
  chain.add_prelu(slope.value);
}

Variable Sequential::operator()(const Variable& x) const {
  Variable value = x;
  for (const std::unique_ptr<Layer>& layer : layers_) {
    value = (*layer)(value);
  }
  return value;
}

void Sequential::append_to(ConvChain& chain) const {
  for (const std::unique_ptr<Layer>& layer : layers_) {
    layer->append_to(chain);
  }
}

}  // namespace pisr
