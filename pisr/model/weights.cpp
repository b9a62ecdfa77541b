#include "pisr/model/weights.h"

#include <algorithm>

#include "core/safetensors_header.h"
#include "pisr/model/architectures.h"
#include "pisr/model/foreign_weights.h"
#include "pisr/model/metadata.h"
#include "pisr/model/untold_options.h"
#include "pisr/model/weight_file.h"
#include "pisr/model/weight_metadata.h"

namespace pisr {
namespace {

/// The spec completed, if it is the one that is wanted; errors name the file.
NetworkSpec checked(const NetworkSpec& spec, const std::string& name,
                    const WeightsOptions& wanted) {
  NetworkSpec result = [&] {
    try {
      return completed(spec);
    } catch (const Error& error) {
      fail_weights(name, error.what());
    }
  }();
  if (wanted.scale != 0 && result.scale != wanted.scale) {
    fail_weights(name,
                 message("these weights are for scale ", result.scale, ", wanted ", wanted.scale));
  }
  if (!wanted.architecture.empty() && result.architecture != wanted.architecture) {
    fail_weights(name, message("these weights are of the architecture ", result.architecture,
                               ", wanted ", wanted.architecture));
  }
  return result;
}

std::string joined(const std::string& prefix, const std::string& name) {
  return prefix.empty() ? name : prefix + "." + name;
}

/// Copies tensors[key_of(parameter name)] into every parameter, all or none; every tensor must be
/// one of them.
template <class KeyOf>
void load(Module& module, const std::map<std::string, Tensor>& tensors, KeyOf key_of,
          const std::string& name) {
  const std::vector<NamedParameter> parameters = module.parameters();
  std::map<std::string, Tensor> unexpected = tensors;
  for (const NamedParameter& named : parameters) {
    const std::string key = key_of(named.name);
    const auto found = tensors.find(key);
    const Tensor& value = named.parameter->value;
    if (found == tensors.end()) {
      fail_weights(name, message("tensor '", key, "' is missing, wanted ", value.shape()));
    }
    if (found->second.shape() != value.shape()) {
      fail_weights(name, message("tensor '", key, "' must have shape ", value.shape(), ", got ",
                                 found->second.shape()));
    }
    if (!all_finite(found->second.to(value.dtype()))) {
      fail_weights(name, message("tensor '", key, "' must hold finite ", value.dtype(),
                                 " values, has others"));
    }
    unexpected.erase(key);
  }
  if (!unexpected.empty()) {
    fail_weights(name, message("tensor ", in_quotes(unexpected.begin()->first), " ",
                               unexpected.begin()->second.shape(), " is not part of this network"));
  }
  for (const NamedParameter& named : parameters) {
    named.parameter->value.copy_from(tensors.at(key_of(named.name)));
  }
}

SafeTensors pack(const Module& module, std::map<std::string, std::string> metadata) {
  SafeTensors file;
  file.metadata = std::move(metadata);
  store_parameters(module, "", file.tensors);
  return file;
}

}  // namespace

void save_weights(const std::filesystem::path& path, const ImageModel& model,
                  const std::map<std::string, std::string>& notes) {
  write_safetensors(path, pack(model, describe(model, notes)));
}

namespace {

/// What the metadata of weights of ours say; errors name the file.
NetworkSpec read_spec(const SafeTensors& file, const std::string& name, bool teacher,
                      const WeightsOptions& wanted) {
  const Metadata metadata(file, name);
  const NetworkSpec spec = checked(described_spec(metadata, teacher), name, wanted);
  check_options(spec, metadata, wanted);
  return spec;
}

/// The network of weights that others published, or that do not say that they are ours.
std::unique_ptr<SrNetwork> foreign_network(const SafeTensors& file, const std::string& name,
                                           const WeightsOptions& wanted) {
  const Metadata metadata(file, name);
  ForeignWeights foreign =
      recognise(file, name,
                {.architecture = wanted.architecture.empty() ? known_architecture(metadata)
                                                             : wanted.architecture,
                 .preferred_architecture = wanted.assumed_architecture,
                 .scale = known_scale(metadata, wanted.scale),
                 .note = wanted.note});
  foreign.spec.scale = foreign.scale != 0 ? foreign.scale : scale_of(metadata, wanted.scale);
  add_untold_options(foreign.spec, architecture(foreign.spec.architecture), metadata, wanted);
  const NetworkSpec spec = checked(foreign.spec, name, wanted);
  check_claims(metadata, spec);
  auto network = make_network(spec);
  std::map<std::string, Tensor> used = file.tensors;
  for (const auto& [key, tensor] : foreign.converted) {
    used[key] = tensor;
  }
  std::erase_if(used, [&](const auto& item) {
    return std::ranges::any_of(foreign.unused, [&](const std::string& beginning) {
      return item.first.starts_with(beginning);
    });
  });
  load(
      *network, used, [&](const std::string& own) { return foreign.key_of.at(own); }, name);
  return network;
}

std::unique_ptr<SrNetwork> network_of(const SafeTensors& file, const std::string& name,
                                      const WeightsOptions& wanted) {
  const Metadata metadata(file, name);
  const bool is_teacher =
      metadata.has("architecture") && metadata.text("architecture") == kTeacherArchitecture;
  if (!are_ours(metadata) && !is_teacher) {
    return foreign_network(file, name, wanted);
  }
  auto network = make_network(read_spec(file, name, false, wanted));
  load_parameters(*network, file.tensors, "", name);
  return merged(std::move(network));
}

std::unique_ptr<Teacher> teacher_of(const SafeTensors& file, const std::string& name,
                                    const WeightsOptions& wanted) {
  auto teacher = std::make_unique<Teacher>(read_spec(file, name, true, wanted),
                                           has_hourglass(Metadata(file, name)));
  load_parameters(*teacher, file.tensors, "", name);
  return teacher;
}

SafeTensors read_weights(const std::filesystem::path& path, const WeightsOptions& wanted) {
  if (!wanted.architecture.empty()) {
    architecture(wanted.architecture);  // for its error
  }
  return read_weight_file(path, wanted.note);
}

WeightsOptions of_scale(int scale) {
  WeightsOptions wanted;
  wanted.scale = scale;
  return wanted;
}

}  // namespace

std::unique_ptr<SrNetwork> make_network(const SafeTensors& file, const std::string& name,
                                        const WeightsOptions& wanted) {
  if (!wanted.architecture.empty()) {
    architecture(wanted.architecture);  // for its error
  }
  return network_of(as_weights(file, name, wanted.note), name, wanted);
}

std::unique_ptr<SrNetwork> load_network(const std::filesystem::path& path,
                                        const WeightsOptions& wanted) {
  return network_of(read_weights(path, wanted), path.string(), wanted);
}

std::unique_ptr<Teacher> load_teacher(const std::filesystem::path& path,
                                      const WeightsOptions& wanted) {
  return teacher_of(read_weights(path, wanted), path.string(), wanted);
}

std::unique_ptr<ImageModel> load_model(const std::filesystem::path& path,
                                       const WeightsOptions& wanted) {
  const SafeTensors file = read_weights(path, wanted);
  const auto architecture = file.metadata.find("architecture");
  if (architecture != file.metadata.end() && architecture->second == kTeacherArchitecture) {
    return teacher_of(file, path.string(), wanted);
  }
  return network_of(file, path.string(), wanted);
}

std::unique_ptr<SrNetwork> make_network(const SafeTensors& file, const std::string& name,
                                        int scale) {
  return make_network(file, name, of_scale(scale));
}

std::unique_ptr<SrNetwork> load_network(const std::filesystem::path& path, int scale) {
  return load_network(path, of_scale(scale));
}

std::unique_ptr<Teacher> load_teacher(const std::filesystem::path& path, int scale) {
  return load_teacher(path, of_scale(scale));
}

std::unique_ptr<ImageModel> load_model(const std::filesystem::path& path, int scale) {
  return load_model(path, of_scale(scale));
}

void load_parameters(Module& module, const std::map<std::string, Tensor>& tensors,
                     const std::string& prefix, const std::string& name) {
  std::map<std::string, Tensor> below = tensors;
  std::erase_if(below, [&](const auto& item) {
    return !prefix.empty() && !item.first.starts_with(prefix + ".");
  });
  load(
      module, below, [&](const std::string& own) { return joined(prefix, own); }, name);
}

void store_parameters(const Module& module, const std::string& prefix,
                      std::map<std::string, Tensor>& tensors) {
  for (const NamedParameter& named : module.parameters()) {
    tensors[joined(prefix, named.name)] = named.parameter->value.clone();
  }
}

void copy_parameters(const Module& from, Module& to) {
  const std::vector<NamedParameter> sources = from.parameters();
  const std::vector<NamedParameter> targets = to.parameters();
  if (sources.size() != targets.size()) {
    throw ShapeError(
        message("copy parameters: expected ", targets.size(), " parameters, got ", sources.size()));
  }
  for (std::size_t i = 0; i < sources.size(); ++i) {
    const Shape& wanted = targets[i].parameter->value.shape();
    const Shape& got = sources[i].parameter->value.shape();
    if (sources[i].name != targets[i].name || got != wanted) {
      throw ShapeError(message("copy parameters: expected '", targets[i].name, "' ", wanted,
                               ", got '", sources[i].name, "' ", got));
    }
  }
  for (std::size_t i = 0; i < sources.size(); ++i) {
    targets[i].parameter->value.copy_from(sources[i].parameter->value);
  }
}

}  // namespace pisr
