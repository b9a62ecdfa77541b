#include "nn/module.h"

#include <cassert>
#include <utility>

namespace pisr {

std::vector<NamedParameter> Module::parameters() const {
  std::vector<NamedParameter> result;
  collect("", result);
  return result;
}

std::int64_t Module::parameter_count() const {
  std::int64_t count = 0;
  for (const NamedParameter& named : parameters()) {
    count += named.parameter->value.count();
  }
  return count;
}

void Module::set_trainable(bool trainable) {
  for (const NamedParameter& named : parameters()) {
    named.parameter->trainable = trainable && named.role != ParameterRole::constant;
  }
}

namespace {

template <class Target>
void replace_values(const char* what, const Module& module, Target target) {
  for (const NamedParameter& named : module.parameters()) {
    if (named.parameter->offset >= 0) {
      throw Error(ErrorKind::usage, message(what, ": parameter '", named.name,
                                            "' is already part of FlatParameters"));
    }
    named.parameter->value = named.parameter->value.to(target);
  }
}

}  // namespace

void Module::convert(DType dtype) {
  replace_values("convert", *this, dtype);
}

void Module::move_to(kernels::Device* device) {
  replace_values("move_to", *this, device);
}

Parameter& Module::add_parameter(std::string name, Shape shape, ParameterRole role,
                                 std::int64_t fan_in) {
  Parameter parameter{.value = Tensor::zeros(shape), .trainable = role != ParameterRole::constant};
  own_.push_back({std::move(name), std::move(parameter), role, fan_in});
  return own_.back().parameter;
}

void Module::add_child(std::string name, Module& child) {
  assert(&child != this);
  children_.push_back({std::move(name), &child});
}

void Module::collect(const std::string& prefix, std::vector<NamedParameter>& result) const {
  for (Own& own : own_) {
    result.push_back({prefix + own.name, &own.parameter, own.role, own.fan_in});
  }
  for (const Child& child : children_) {
    child.module->collect(prefix + child.name + ".", result);
  }
}

void Layer::append_to(ConvChain&) const {
  throw Error(ErrorKind::usage,
              "conv_chain: takes convolutions, PReLU, LeakyReLU, ReLU and sequences of them only");
}

}  // namespace pisr
