#include "nn/expanded_conv2d.h"

#include <string>
#include <vector>

#include "core/error.h"

namespace pisr {
namespace {

using Role = ParameterRole;

Shape checked_shape(int in_channels, int out_channels, int kernel,
                    const ExpandedConv2dOptions& options) {
  if (in_channels < 1 || out_channels < 1 || kernel < 1 || options.expanded_channels < 1) {
    throw Error(ErrorKind::usage,
                message("ExpandedConv2d: channels and kernel must be at least 1, got channels ",
                        in_channels, ", ", options.expanded_channels, " and ", out_channels,
                        ", kernel ", kernel));
  }
  if (options.convolution.groups != 1) {
    throw Error(ErrorKind::usage,
                message("ExpandedConv2d: groups must be 1, got ", options.convolution.groups));
  }
  if (options.with_identity && (in_channels != out_channels || kernel % 2 == 0)) {
    throw Error(ErrorKind::usage,
                message("ExpandedConv2d: the identity wants as many channels in as out and an odd "
                        "kernel, got channels ",
                        in_channels, " and ", out_channels, ", kernel ", kernel));
  }
  if (options.slopes != 0 && options.slopes != 1 && options.slopes != out_channels) {
    throw Error(ErrorKind::usage, message("ExpandedConv2d: slopes must be 0, 1 or one for each of "
                                          "the ",
                                          out_channels, " channels, got ", options.slopes));
  }
  return {out_channels, in_channels, kernel, kernel};
}

void set_identity(const Tensor& kernel) {
  const Shape& shape = kernel.shape();
  const std::int64_t taps = shape[2] * shape[3];
  float* const values = kernel.data<float>();
  for (std::int64_t channel = 0; channel < shape[0]; ++channel) {
    values[(channel * shape[1] + channel) * taps + taps / 2] = 1;
  }
}

}  // namespace

ExpandedConv2d::ExpandedConv2d(int in_channels, int out_channels, int kernel,
                               const ExpandedConv2dOptions& options)
    : options_(options),
      shape_(checked_shape(in_channels, out_channels, kernel, options)),
      expansion_(add_parameter("expansion",
                               {options.expanded_channels, in_channels, kernel, kernel},
                               Role::weight, std::int64_t{in_channels} * kernel * kernel)),
      projection_(add_parameter("projection", {out_channels, options.expanded_channels, 1, 1},
                                Role::linear_weight, options.expanded_channels)),
      bias_(add_parameter("bias", {out_channels}, Role::bias, options.expanded_channels)) {
  if (options.slopes > 0) {
    slope_ = &add_parameter("slope", {options.slopes}, Role::slope);
  }
  if (options.with_identity) {
    Parameter& identity = add_parameter("identity", shape_, Role::constant);
    set_identity(identity.value);
    identity_ = &identity;
  }
}

Variable ExpandedConv2d::merged_weight(Tape& tape) const {
  // The product of two matrices is a 1 x 1 convolution over a row of pixels.
  const std::int64_t columns = shape_[1] * shape_[2] * shape_[3];
  const Variable rows =
      reshape(tape.parameter(expansion_), {1, options_.expanded_channels, 1, columns});
  const Variable product = reshape(conv2d(rows, tape.parameter(projection_), Variable()), shape_);
  return identity_ == nullptr ? product : product + tape.parameter(*identity_);
}

Variable ExpandedConv2d::operator()(const Variable& x) const {
  Tape& tape = common_tape("ExpandedConv2d", {&x});
  const Variable weight = merged_weight(tape);
  const Variable bias = tape.parameter(bias_);
  return slope_ == nullptr
             ? conv2d(x, weight, bias, options_.convolution)
             : conv2d_prelu(x, weight, bias, tape.parameter(*slope_), options_.convolution);
}

void ExpandedConv2d::merge_into(Layer& layer) const {
  const std::vector<NamedParameter> targets = layer.parameters();
  const auto source = [&](const std::string& name) -> const Parameter* {
    return name == "bias" ? &bias_ : name == "slope" ? slope_ : nullptr;
  };
  Context context;
  Tape tape(context, Tape::Mode::inference);
  const Tensor weight = merged_weight(tape).value();
  const std::size_t wanted = slope_ == nullptr ? 2 : 3;
  bool fits = targets.size() == wanted;
  for (const NamedParameter& target : targets) {
    const Parameter* const from = source(target.name);
    fits = fits && (target.name == "weight" ? shape_
                    : from == nullptr       ? Shape{}
                                      : from->value.shape()) == target.parameter->value.shape();
  }
  if (!fits) {
    throw ShapeError(message("ExpandedConv2d: can be merged only into a convolution of shape ",
                             shape_, " with a bias and ", options_.slopes, " slopes"));
  }
  for (const NamedParameter& target : targets) {
    target.parameter->value.copy_from(target.name == "weight" ? weight
                                                              : source(target.name)->value);
  }
}

}  // namespace pisr
