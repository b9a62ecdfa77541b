#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace pisr {

class SrNetwork;
struct WeightsOptions;

/// Weights that are part of the library: a file of pisr/weights/.
struct BuiltInWeights {
  std::string_view name;            ///< of the file without its extension: "pisr-plain_x2"
  std::span<const std::byte> file;  ///< safetensors
};

/// The network that is used where none is named.
inline constexpr const char* kDefaultModel = "pisr-plain";

/// All of them, sorted by name.
std::span<const BuiltInWeights> built_in_weights();

/// Those of the model at the scale, "MODEL_xSCALE"; null where there are none.
const BuiltInWeights* find_built_in_weights(const std::string& model, int scale);

/// The network of such weights, as load_network() gives it.
std::unique_ptr<SrNetwork> load_built_in(const BuiltInWeights& weights,
                                         const WeightsOptions& wanted);

}  // namespace pisr
