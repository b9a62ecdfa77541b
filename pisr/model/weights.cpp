#include "pisr/model/weights.h"

#include <algorithm>
#include <cctype>

#include "core/safetensors_header.h"
#include "pisr/model/architectures.h"
#include "pisr/model/metadata.h"
#include "pisr/model/untold_options.h"

namespace pisr {
namespace {

constexpr const char* kFormatVersion = "1";
constexpr const char* kTeacher = "pisr_teacher";

std::map<std::string, std::string> describe(const ImageModel& model,
                                            const std::map<std::string, std::string>& notes) {
  const NetworkSpec& spec = model.spec();
  std::map<std::string, std::string> metadata = {
      {"format_version", kFormatVersion},
      {"architecture", model.sees_truth() ? kTeacher : spec.architecture},
      {"scale", std::to_string(spec.scale)},
      {"colour", colour_name(spec.channels)},
  };
  if (model.sees_truth()) {
    metadata["decoder"] = spec.architecture;
  }
  for (const auto& [option, value] : spec.options) {
    metadata[option] = to_text(value);
  }
  metadata.insert(notes.begin(), notes.end());
  return metadata;
}

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

/// "2,3,4" and what may follow in words: weights for several scales. Empty for any other text.
std::vector<int> several_scales(const std::string& text) {
  std::vector<int> scales;
  std::size_t at = 0;
  while (at < text.size() && std::isdigit(static_cast<unsigned char>(text[at])) != 0) {
    scales.push_back(text[at] - '0');
    if (++at == text.size() || text[at] != ',') {
      break;
    }
    ++at;
  }
  return scales.size() > 1 ? scales : std::vector<int>{};
}

int scale_of(const Metadata& metadata, const std::string& name, const WeightsOptions& wanted) {
  const std::vector<int> several =
      metadata.has("scale") ? several_scales(metadata.text("scale")) : std::vector<int>{};
  if (wanted.scale != 0 && std::ranges::find(several, wanted.scale) != several.end()) {
    return wanted.scale;
  }
  if (!several.empty()) {
    fail_weights(name, message("these weights are for the scales ", metadata.text("scale")),
                 "-s chooses one");
  }
  if (metadata.has("scale")) {
    return metadata.number("scale");
  }
  if (wanted.scale == 0) {
    fail_weights(name, "metadata lack 'scale'", "-s tells it: 2, 3 or 4");
  }
  return wanted.scale;
}

/// `scale` where it is known already, before scale_of() insists.
int known_scale(const Metadata& metadata, const WeightsOptions& wanted) {
  if (wanted.scale != 0 || !metadata.has("scale")) {
    return wanted.scale;
  }
  const std::string& text = metadata.text("scale");
  return text.size() == 1 && std::isdigit(static_cast<unsigned char>(text[0])) != 0 ? text[0] - '0'
                                                                                    : 0;
}

int channels_of(const Metadata& metadata, const Architecture& row) {
  std::string colours;
  for (const int channels : row.channels) {
    if (metadata.text("colour") == colour_name(channels)) {
      return channels;
    }
    colours += message(colours.empty() ? "'" : " or '", colour_name(channels), '\'');
  }
  metadata.refuse("colour", colours);
}

/// Of weights whose parameters have our names, and whose metadata do not say of which network.
NetworkSpec spec_of_shapes(const SafeTensors& file, const Metadata& metadata,
                           const std::string& name, const WeightsOptions& wanted) {
  const std::string& name_of_row =
      wanted.architecture.empty() ? wanted.assumed_architecture : wanted.architecture;
  if (name_of_row.empty()) {
    const bool scale_too = !metadata.has("scale") && wanted.scale == 0;
    fail_weights(
        name,
        scale_too ? "metadata lack 'architecture' and 'scale'" : "metadata lack 'architecture'",
        message("--architecture tells it: ", architecture_names(),
                scale_too ? "; -s the scale: 2, 3 or 4" : ""));
  }
  const Architecture& row = architecture(name_of_row);
  NetworkSpec spec;
  spec.architecture = row.name;
  spec.scale = scale_of(metadata, name, wanted);
  spec.options = row.options_of_shapes(file.tensors);
  add_untold_options(spec, row, metadata, wanted);
  return checked(spec, name, wanted);
}

/// What the metadata say of the network, or of the teacher's decoder.
NetworkSpec read_spec(const SafeTensors& file, const std::string& name, bool teacher,
                      const WeightsOptions& wanted) {
  const Metadata metadata(file, name);
  if (!teacher && !metadata.has("architecture")) {
    return spec_of_shapes(file, metadata, name, wanted);
  }
  const std::string& architecture = metadata.text("architecture");
  if (teacher) {
    metadata.want("architecture", kTeacher);
  } else if (architecture == kTeacher) {
    metadata.refuse("architecture", "that of a network, not of a teacher");
  }
  const std::string key = teacher ? "decoder" : "architecture";
  // Teachers of format 1 that do not name their decoder have that of the table's first row.
  const std::string value =
      metadata.has(key) ? metadata.text(key) : std::string(architectures().front().name);
  const Architecture* const row = find_architecture(value);
  if (row == nullptr) {
    metadata.refuse(key, "one of " + architecture_names());
  }
  metadata.want("format_version", kFormatVersion);
  NetworkSpec spec;
  spec.architecture = row->name;
  spec.scale = metadata.number("scale");
  spec.channels = channels_of(metadata, *row);
  for (const NetworkOption& option : row->options) {
    if (metadata.has(option.name) || !option.added_later) {
      spec.options[option.name] = metadata.value(option);
    }
  }
  const NetworkSpec result = checked(spec, name, wanted);
  check_options(result, metadata, wanted);
  return result;
}

/// Refuses a checkpoint of a training and names the weights that the run has written beside it.
void refuse_checkpoint(const SafeTensors& file, const std::string& name) {
  const auto format = file.metadata.find("format");
  if (format == file.metadata.end() || !format->second.starts_with("pisr checkpoint")) {
    return;
  }
  const auto phase = file.metadata.find("phase");
  std::string beside;
  for (const char* ending : {".safetensors", "_last.safetensors"}) {
    if (phase != file.metadata.end()) {
      const std::filesystem::path weights =
          (std::filesystem::path(name).parent_path() / ".." / (phase->second + ending))
              .lexically_normal();
      std::error_code unreadable;
      if (std::filesystem::is_regular_file(weights, unreadable)) {
        beside += message(beside.empty() ? "'" : ", '", weights.string(), "'");
      }
    }
  }
  fail_weights(name, "is a checkpoint of a training, not weights",
               beside.empty() ? "its run has no weights yet: go on with pisr_train --resume"
                              : "the weights of its run: " + beside);
}

/// Strips what frameworks put before the name of every tensor, again and again.
void strip_prefixes(SafeTensors& file, const std::string& name, const WeightsOptions& wanted) {
  std::string stripped;
  for (bool again = !file.tensors.empty(); again;) {
    again = false;
    for (const std::string prefix : {"module.", "_orig_mod.", "params_ema.", "params."}) {
      if (!std::ranges::all_of(file.tensors, [&](const auto& item) {
            return item.first.size() > prefix.size() && item.first.starts_with(prefix);
          })) {
        continue;
      }
      std::map<std::string, Tensor> tensors;
      for (const auto& [key, tensor] : file.tensors) {
        tensors.emplace(key.substr(prefix.size()), tensor);
      }
      file.tensors = std::move(tensors);
      stripped += prefix;
      again = true;
    }
  }
  if (!stripped.empty() && wanted.note) {
    wanted.note(message('\'', name, "': the prefix '", stripped,
                        "' of all names of its tensors is passed over"));
  }
}

/// The file without what stands before all names, if it can be weights.
SafeTensors prepared(SafeTensors file, const std::string& name, const WeightsOptions& wanted) {
  if (!wanted.architecture.empty()) {
    architecture(wanted.architecture);  // for its error
  }
  refuse_checkpoint(file, name);
  strip_prefixes(file, name, wanted);
  return file;
}

std::optional<ForeignWeights> recognise(const SafeTensors& file, const std::string& name,
                                        int scale) {
  for (const Architecture& row : architectures()) {
    if (row.recognise != nullptr) {
      if (auto weights = row.recognise(file, name, scale)) {
        return weights;
      }
    }
  }
  return std::nullopt;
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

std::unique_ptr<SrNetwork> network_of(const SafeTensors& file, const std::string& name,
                                      const WeightsOptions& wanted) {
  const Metadata metadata(file, name);
  if (auto foreign = recognise(file, name, known_scale(metadata, wanted))) {
    foreign->spec.scale = foreign->scale != 0 ? foreign->scale : scale_of(metadata, name, wanted);
    // Others may name their networks as they like, but not by our name of another one.
    if (metadata.has("architecture") && find_architecture(metadata.text("architecture"))) {
      metadata.want("architecture", foreign->spec.architecture);
    }
    add_untold_options(foreign->spec, architecture(foreign->spec.architecture), metadata, wanted);
    auto network = make_network(checked(foreign->spec, name, wanted));
    std::map<std::string, Tensor> used = file.tensors;
    for (const auto& [key, tensor] : foreign->converted) {
      used[key] = tensor;
    }
    std::erase_if(used, [&](const auto& item) {
      return std::ranges::any_of(foreign->unused, [&](const std::string& beginning) {
        return item.first.starts_with(beginning);
      });
    });
    load(
        *network, used, [&](const std::string& own) { return foreign->key_of.at(own); }, name);
    return network;
  }
  auto network = make_network(read_spec(file, name, false, wanted));
  load_parameters(*network, file.tensors, "", name);
  return network;
}

std::unique_ptr<Teacher> teacher_of(const SafeTensors& file, const std::string& name,
                                    const WeightsOptions& wanted) {
  auto teacher = std::make_unique<Teacher>(read_spec(file, name, true, wanted));
  load_parameters(*teacher, file.tensors, "", name);
  return teacher;
}

SafeTensors read_weights(const std::filesystem::path& path, const WeightsOptions& wanted) {
  return prepared(read_safetensors(path), path.string(), wanted);
}

WeightsOptions of_scale(int scale) {
  WeightsOptions wanted;
  wanted.scale = scale;
  return wanted;
}

}  // namespace

std::unique_ptr<SrNetwork> make_network(const SafeTensors& file, const std::string& name,
                                        const WeightsOptions& wanted) {
  return network_of(prepared(file, name, wanted), name, wanted);
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
  if (architecture != file.metadata.end() && architecture->second == kTeacher) {
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
