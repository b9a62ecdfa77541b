#include "pisr/model/weights.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "core/safetensors_header.h"

namespace pisr {
namespace {

constexpr const char* kFormatVersion = "1";
constexpr const char* kFsrcnn = "fsrcnn";
constexpr const char* kTeacher = "pisr_teacher";

[[noreturn]] void fail(const std::string& name, const std::string& what) {
  throw Error(ErrorKind::weights, message('\'', name, "': ", what));
}

std::map<std::string, std::string> describe(const char* architecture, const FsrcnnOptions& options,
                                            const std::map<std::string, std::string>& notes) {
  std::map<std::string, std::string> metadata = {
      {"format_version", kFormatVersion},
      {"architecture", architecture},
      {"scale", std::to_string(options.scale)},
      {"feature_channels", std::to_string(options.feature_channels)},
      {"shrink_channels", std::to_string(options.shrink_channels)},
      {"mapping_layers", std::to_string(options.mapping_layers)},
      {"slope_per_channel", options.slope_per_channel ? "true" : "false"},
      {"colour", "y"},
  };
  metadata.insert(notes.begin(), notes.end());
  return metadata;
}

const std::string& entry(const SafeTensors& file, const std::string& name, const std::string& key) {
  const auto found = file.metadata.find(key);
  if (found == file.metadata.end()) {
    fail(name, message("metadata lack '", key, "', so these are not weights of pisr"));
  }
  return found->second;
}

void want_entry(const SafeTensors& file, const std::string& name, const std::string& key,
                const std::string& wanted) {
  const std::string& got = entry(file, name, key);
  if (got != wanted) {
    fail(name, message("metadata '", key, "' wants '", wanted, "', got ", in_quotes(got)));
  }
}

int number(const SafeTensors& file, const std::string& name, const std::string& key) {
  const std::string& text = entry(file, name, key);
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    fail(name, message("metadata '", key, "' wants a number, got ", in_quotes(text)));
  }
  return value;
}

void check_scale(const std::string& name, int scale, int wanted) {
  if (wanted != 0 && scale != wanted) {
    fail(name, message("these weights are for scale ", scale, ", wanted ", wanted));
  }
}

void check_options(const std::string& name, const FsrcnnOptions& options) {
  try {
    check(options);
  } catch (const Error& error) {
    fail(name, error.what());
  }
}

FsrcnnOptions read_options(const SafeTensors& file, const std::string& name,
                           const char* architecture, int scale) {
  want_entry(file, name, "architecture", architecture);
  want_entry(file, name, "format_version", kFormatVersion);
  want_entry(file, name, "colour", "y");
  FsrcnnOptions options;
  options.feature_channels = number(file, name, "feature_channels");
  options.shrink_channels = number(file, name, "shrink_channels");
  options.mapping_layers = number(file, name, "mapping_layers");
  options.scale = number(file, name, "scale");
  const std::string& slopes = entry(file, name, "slope_per_channel");
  if (slopes != "true" && slopes != "false") {
    fail(name,
         message("metadata 'slope_per_channel' wants 'true' or 'false', got ", in_quotes(slopes)));
  }
  options.slope_per_channel = slopes == "true";
  check_options(name, options);
  check_scale(name, options.scale, scale);
  return options;
}

/// The published layout numbers its layers: conv1 (feature), conv2 (shrink), conv3 ... (mapping),
/// the last conv (expand), prelu1, prelu2, ... beside them, and deconv.
bool has_published_layout(const SafeTensors& file) {
  return file.tensors.contains("conv1.weight") && file.tensors.contains("deconv.weight");
}

int published_layers(const SafeTensors& file) {
  constexpr int kMost = 40;  // more than Fsrcnn can have
  int layers = kMost;
  while (layers > 0 && !file.tensors.contains(message("conv", layers, ".weight"))) {
    --layers;
  }
  return layers;
}

FsrcnnOptions published_options(const SafeTensors& file, const std::string& name, int scale) {
  constexpr int kOtherLayers = 3;  // feature, shrink and expand
  const auto extent = [&](const std::string& key) {
    const auto found = file.tensors.find(key);
    if (found == file.tensors.end()) {
      fail(name, message("tensor '", key, "' is missing"));
    }
    constexpr std::int64_t kTooMany = 1 << 20;
    const Shape& shape = found->second.shape();
    return static_cast<int>(shape.rank() > 0 ? std::min(shape[0], kTooMany) : 1);
  };
  FsrcnnOptions options;
  options.scale = number(file, name, "scale");
  options.feature_channels = extent("conv1.weight");
  options.shrink_channels = extent("conv2.weight");
  options.mapping_layers = published_layers(file) - kOtherLayers;
  options.slope_per_channel = extent("prelu1") > 1;
  check_options(name, options);
  check_scale(name, options.scale, scale);
  return options;
}

/// The published key of each of our names.
std::map<std::string, std::string> published_keys(int mapping_layers) {
  std::map<std::string, std::string> keys = {{"deconvolution.weight", "deconv.weight"},
                                             {"deconvolution.bias", "deconv.bias"}};
  std::vector<std::string> layers = {"feature", "shrink"};
  for (int layer = 0; layer < mapping_layers; ++layer) {
    layers.push_back(message("mapping.", layer));
  }
  layers.emplace_back("expand");
  for (std::size_t i = 0; i < layers.size(); ++i) {
    keys[layers[i] + ".weight"] = message("conv", i + 1, ".weight");
    keys[layers[i] + ".bias"] = message("conv", i + 1, ".bias");
    keys[layers[i] + ".slope"] = message("prelu", i + 1);
  }
  return keys;
}

bool all_finite(const Tensor& tensor) {
  return with_type(tensor.dtype(), [&]<class T>() {
    return std::ranges::all_of(tensor.values<T>(), [](T value) { return std::isfinite(value); });
  });
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
      fail(name, message("tensor '", key, "' is missing, wanted ", value.shape()));
    }
    if (found->second.shape() != value.shape()) {
      fail(name, message("tensor '", key, "' wants shape ", value.shape(), ", got ",
                         found->second.shape()));
    }
    if (!all_finite(found->second.to(value.dtype()))) {
      fail(name, message("tensor '", key, "' wants finite ", value.dtype(), " values, has others"));
    }
    unexpected.erase(key);
  }
  if (!unexpected.empty()) {
    fail(name, message("tensor ", in_quotes(unexpected.begin()->first), " ",
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

void save_fsrcnn(const std::filesystem::path& path, const Fsrcnn& network,
                 const std::map<std::string, std::string>& notes) {
  write_safetensors(path, pack(network, describe(kFsrcnn, network.options(), notes)));
}

void save_teacher(const std::filesystem::path& path, const Teacher& teacher,
                  const std::map<std::string, std::string>& notes) {
  write_safetensors(path, pack(teacher, describe(kTeacher, teacher.decoder().options(), notes)));
}

std::unique_ptr<Fsrcnn> make_fsrcnn(const SafeTensors& file, const std::string& name, int scale) {
  if (has_published_layout(file)) {
    const FsrcnnOptions options = published_options(file, name, scale);
    auto network = std::make_unique<Fsrcnn>(options);
    const std::map<std::string, std::string> keys = published_keys(options.mapping_layers);
    load(
        *network, file.tensors, [&](const std::string& own) { return keys.at(own); }, name);
    return network;
  }
  auto network = std::make_unique<Fsrcnn>(read_options(file, name, kFsrcnn, scale));
  load_parameters(*network, file.tensors, "", name);
  return network;
}

std::unique_ptr<Fsrcnn> load_fsrcnn(const std::filesystem::path& path, int scale) {
  return make_fsrcnn(read_safetensors(path), path.string(), scale);
}

std::unique_ptr<Teacher> load_teacher(const std::filesystem::path& path, int scale) {
  const SafeTensors file = read_safetensors(path);
  auto teacher = std::make_unique<Teacher>(read_options(file, path.string(), kTeacher, scale));
  load_parameters(*teacher, file.tensors, "", path.string());
  return teacher;
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
        message("copy parameters: wants ", targets.size(), " parameters, got ", sources.size()));
  }
  for (std::size_t i = 0; i < sources.size(); ++i) {
    const Shape& wanted = targets[i].parameter->value.shape();
    const Shape& got = sources[i].parameter->value.shape();
    if (sources[i].name != targets[i].name || got != wanted) {
      throw ShapeError(message("copy parameters: wants '", targets[i].name, "' ", wanted, ", got '",
                               sources[i].name, "' ", got));
    }
  }
  for (std::size_t i = 0; i < sources.size(); ++i) {
    targets[i].parameter->value.copy_from(sources[i].parameter->value);
  }
}

}  // namespace pisr
