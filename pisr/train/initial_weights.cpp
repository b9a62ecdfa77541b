#include "pisr/train/initial_weights.h"

#include <charconv>
#include <system_error>
#include <utility>

#include "core/error.h"
#include "core/safetensors.h"
#include "pisr/model/metadata.h"
#include "pisr/model/weight_file.h"
#include "pisr/model/weight_metadata.h"
#include "pisr/model/weights.h"
#include "pisr/train/checkpoint.h"

namespace pisr {
namespace {

const std::string kDecoder = "decoder.";

/// The tensors whose names begin so, without that beginning.
std::map<std::string, Tensor> below(const std::map<std::string, Tensor>& tensors,
                                    const std::string& prefix) {
  std::map<std::string, Tensor> result;
  for (const auto& [name, tensor] : tensors) {
    if (name.starts_with(prefix)) {
      result.emplace(name.substr(prefix.size()), tensor);
    }
  }
  return result;
}

std::map<std::string, Tensor> of_checkpoint(const Checkpoint& checkpoint) {
  std::map<std::string, Tensor> best = below(checkpoint.tensors, "best.");
  const char* const trained = checkpoint.phase == TrainingPhase::teacher ? "teacher" : "student";
  return best.empty() ? below(checkpoint.tensors, message("weights.", trained, ".")) : best;
}

/// The tensor for a parameter of this name; null where there is none.
const Tensor* find(const std::map<std::string, Tensor>& tensors, const std::string& parameter) {
  const std::string other =
      parameter.starts_with(kDecoder) ? parameter.substr(kDecoder.size()) : kDecoder + parameter;
  for (const std::string& name : {parameter, other}) {
    if (const auto found = tensors.find(name); found != tensors.end()) {
      return &found->second;
    }
  }
  return nullptr;
}

UpdateCount count_of(const Checkpoint& checkpoint) {
  return {checkpoint.iteration, checkpoint.earlier_updates};
}

UpdateCount count_of(const std::map<std::string, std::string>& metadata) {
  // Weights of ours alone have these entries: what others put there is no number of updates.
  const auto number = [&](const char* key) -> std::optional<std::int64_t> {
    const auto found = metadata.find(key);
    if (found == metadata.end()) {
      return std::nullopt;
    }
    const std::string& text = found->second;
    std::int64_t value = 0;
    const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool whole = result.ec == std::errc() && result.ptr == text.data() + text.size();
    return whole && value >= 0 && value <= kMostUpdates ? std::optional(value) : std::nullopt;
  };
  return {number("total_iterations").value_or(0), number(kEarlierUpdates)};
}

}  // namespace

InitialWeights read_initial_weights(const std::filesystem::path& path,
                                    const std::string& architecture) {
  const std::string name = path.string();
  if (is_checkpoint(path)) {
    const Checkpoint checkpoint = read_checkpoint(path);
    return {name, of_checkpoint(checkpoint), count_of(checkpoint).in_all()};
  }
  SafeTensors file = read_weight_file(path, {});
  if (are_ours(Metadata(file, name))) {
    return {name, std::move(file.tensors), count_of(file.metadata).in_all()};
  }
  InitialWeights weights{name, {}, 0};
  WeightsOptions wanted;
  wanted.architecture = architecture;
  store_parameters(*load_network(path, wanted), "", weights.tensors);
  return weights;
}

UpdateCount count_updates(const std::filesystem::path& path) {
  return is_checkpoint(path) ? count_of(read_checkpoint(path))
                             : count_of(read_weight_file(path, {}).metadata);
}

std::vector<std::string> start_from(const InitialWeights& weights, Module& module) {
  std::vector<std::pair<Parameter*, const Tensor*>> fitting;
  std::vector<std::string> kept;
  bool weight_fits = false;
  for (const NamedParameter& named : module.parameters()) {
    if (named.role == ParameterRole::constant) {
      continue;
    }
    const Tensor& value = named.parameter->value;
    const Tensor* const tensor = find(weights.tensors, named.name);
    if (tensor == nullptr || tensor->shape() != value.shape()) {
      kept.push_back(named.name);
      continue;
    }
    if (!all_finite(tensor->to(value.dtype()))) {
      throw Error(ErrorKind::weights, message("'", weights.name, "': tensor of '", named.name,
                                              "' must hold finite values, has others"));
    }
    fitting.emplace_back(named.parameter, tensor);
    weight_fits = weight_fits || is_weight(named.role);
  }
  if (!weight_fits) {
    throw Error(
        ErrorKind::weights,
        message("'", weights.name, "': no weight has name and shape of one to train"),
        "train.init_weights wants weights of a similar network; one whose convolutions are trained "
        "as two starts from a checkpoint");
  }
  for (const auto& [parameter, tensor] : fitting) {
    parameter->value.copy_from(*tensor);
  }
  return kept;
}

}  // namespace pisr
