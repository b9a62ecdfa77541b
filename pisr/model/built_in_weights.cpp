#include "pisr/model/built_in_weights.h"

#include <algorithm>

#include "core/error.h"
#include "core/safetensors.h"
#include "pisr/model/weights.h"

namespace pisr {

const BuiltInWeights* find_built_in_weights(const std::string& model, int scale) {
  const std::string name = message(model, "_x", scale);
  const auto all = built_in_weights();
  const auto row = std::ranges::find(all, name, &BuiltInWeights::name);
  return row == all.end() ? nullptr : &*row;
}

std::unique_ptr<SrNetwork> load_built_in(const BuiltInWeights& weights,
                                         const WeightsOptions& wanted) {
  const std::string name(weights.name);
  return make_network(parse_safetensors(weights.file, name), name, wanted);
}

}  // namespace pisr
