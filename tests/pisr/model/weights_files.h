#pragma once

#include <algorithm>
#include <filesystem>
#include <functional>
#include <map>
#include <string>

#include "nn/init.h"
#include "pisr/model/fsrcnn.h"
#include "pisr/model/weights.h"
#include "tests/catch.h"
#include "tests/temporary_folder.h"

/// Small files of weights for tests, and what they are compared with.
namespace pisr {

inline constexpr FsrcnnOptions kSmall{
    .feature_channels = 5, .shrink_channels = 3, .mapping_layers = 2, .scale = 3};

inline bool equal(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && a.dtype() == b.dtype() &&
         std::ranges::equal(a.values<float>(), b.values<float>());
}

inline void check_equal(const Module& a, const Module& b) {
  const auto first = a.parameters();
  const auto second = b.parameters();
  REQUIRE(first.size() == second.size());
  for (std::size_t i = 0; i < first.size(); ++i) {
    CHECK(first[i].name == second[i].name);
    CHECK(equal(first[i].parameter->value, second[i].parameter->value));
  }
}

/// The weights of a small network as saved.
inline SafeTensors saved(const FsrcnnOptions& options = kSmall) {
  const TemporaryFolder folder;
  Fsrcnn network(options);
  initialise(network, 1);
  save_weights(folder.path() / "w.safetensors", network);
  return read_safetensors(folder.path() / "w.safetensors");
}

/// The published layout of the same weights.
inline SafeTensors published() {
  SafeTensors file = saved({.feature_channels = 5,
                            .shrink_channels = 3,
                            .mapping_layers = 2,
                            .slope_per_channel = true});
  const std::map<std::string, std::string> layers = {
      {"feature", "1"}, {"shrink", "2"}, {"mapping.0", "3"}, {"mapping.1", "4"}, {"expand", "5"}};
  SafeTensors result;
  result.metadata["scale"] = "2";
  for (const auto& [layer, index] : layers) {
    result.tensors["conv" + index + ".weight"] = file.tensors.at(layer + ".weight");
    result.tensors["conv" + index + ".bias"] = file.tensors.at(layer + ".bias");
    result.tensors["prelu" + index] = file.tensors.at(layer + ".slope");
  }
  result.tensors["deconv.weight"] = file.tensors.at("deconvolution.weight");
  result.tensors["deconv.bias"] = file.tensors.at("deconvolution.bias");
  return result;
}

inline void check_refused(SafeTensors file, const std::function<void(SafeTensors&)>& change,
                          const std::string& text, int scale = 0) {
  change(file);
  try {
    make_network(file, "w", scale);
    FAIL("accepted, wanted: " << text);
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::weights);
    CHECK(error.what() == "'w': " + text);
  }
}

inline void nothing(SafeTensors&) {}

}  // namespace pisr
