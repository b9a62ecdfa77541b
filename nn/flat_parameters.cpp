#include "nn/flat_parameters.h"

#include <set>

namespace pisr {
namespace {

std::vector<NamedParameter> trainable_parameters(const std::vector<NamedModule>& modules) {
  std::vector<NamedParameter> result;
  std::set<std::string> names;
  for (const NamedModule& named_module : modules) {
    for (NamedParameter& named : named_module.module->parameters()) {
      if (!named.parameter->trainable) {
        continue;
      }
      if (!named_module.name.empty()) {
        named.name = named_module.name + "." + named.name;
      }
      if (!names.insert(named.name).second) {
        throw Error(ErrorKind::usage,
                    message("FlatParameters: parameter '", named.name, "' is there twice"));
      }
      if (named.parameter->offset >= 0) {
        throw Error(ErrorKind::usage, message("FlatParameters: parameter '", named.name,
                                              "' is already part of another FlatParameters"));
      }
      result.push_back(std::move(named));
    }
  }
  if (result.empty()) {
    throw Error(ErrorKind::usage, "FlatParameters: no module has a parameter to train");
  }
  return result;
}

}  // namespace

FlatParameters::FlatParameters(const std::vector<NamedModule>& modules) {
  const std::vector<NamedParameter> parameters = trainable_parameters(modules);
  const DType dtype = parameters.front().parameter->value.dtype();
  kernels::Device* const device = parameters.front().parameter->value.device();
  std::int64_t total = 0;
  for (const NamedParameter& named : parameters) {
    const Tensor& value = named.parameter->value;
    if (value.dtype() != dtype) {
      throw Error(ErrorKind::usage,
                  message("FlatParameters: parameter '", named.name, "' is ", value.dtype(), ", '",
                          parameters.front().name, "' is ", dtype));
    }
    if (value.device() != device) {
      throw Error(
          ErrorKind::usage,
          message("FlatParameters: parameter '", named.name, "' is on ", place_name(value.device()),
                  ", '", parameters.front().name, "' is on ", place_name(device)));
    }
    entries_.push_back({named.name, value.shape(), total});
    total += value.count();
  }
  values_ = Tensor::empty({total}, dtype, device);
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    Parameter& parameter = *parameters[i].parameter;
    const Tensor view = part(values_, entries_[i]);
    view.copy_from(parameter.value);
    parameter.value = view;
    parameter.offset = entries_[i].offset;
  }
}

}  // namespace pisr
