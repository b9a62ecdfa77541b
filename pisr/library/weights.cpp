#include "pisr/library/weights.h"

#include <span>
#include <utility>

#include "core/error.h"
#include "core/safetensors.h"
#include "pisr/model/architectures.h"
#include "pisr/model/built_in_weights.h"
#include "pisr/model/weights.h"

namespace pisr {
namespace {

std::string joined_names() {
  std::string names;
  for (const BuiltInWeights& weights : built_in_weights()) {
    names += (names.empty() ? "" : ", ") + std::string(weights.name);
  }
  return names;
}

}  // namespace

Weights Weights::builtin(int scale, const std::string& model) {
  const std::string name = model.empty() ? kDefaultModel : model;
  const BuiltInWeights* const found = find_built_in_weights(name, scale);
  if (found == nullptr) {
    throw Error(ErrorKind::weights, message("no built-in weights '", name, "' of scale ", scale),
                "there are " + joined_names());
  }
  return Weights(load_built_in(*found, {}));
}

std::vector<std::string> Weights::builtin_names() {
  std::vector<std::string> names;
  for (const BuiltInWeights& weights : built_in_weights()) {
    names.emplace_back(weights.name);
  }
  return names;
}

Weights Weights::load(const std::filesystem::path& file, int scale) {
  return Weights(load_network(file, scale));
}

Weights Weights::parse(const void* bytes, std::size_t count, const std::string& name, int scale) {
  const std::span file(static_cast<const std::byte*>(bytes), count);
  return Weights(make_network(parse_safetensors(file, name), name, scale));
}

int Weights::scale() const noexcept {
  return network_->spec().scale;
}

int Weights::channels() const noexcept {
  return network_->spec().channels;
}

const std::string& Weights::architecture() const noexcept {
  return network_->spec().architecture;
}

std::string Weights::title() const {
  return pisr::title(network_->spec());
}

std::int64_t Weights::parameter_count() const {
  return network_->parameter_count();
}

}  // namespace pisr
