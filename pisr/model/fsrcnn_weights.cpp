#include "pisr/model/fsrcnn_weights.h"

#include <vector>

#include "core/error.h"
#include "pisr/model/fsrcnn.h"
#include "pisr/model/weight_shapes.h"

namespace pisr {
namespace {

/// What a file calls the layers: a name and ".weight" or ".bias", or a slope's whole name.
struct Names {
  std::vector<std::string> convolutions;  ///< feature, shrink, mapping, expand
  std::vector<std::string> slopes;        ///< beside them
  std::string last;                       ///< the deconvolution, or what is in its place
};

/// conv1, prelu1, conv2, ...; and deconv, or tail for depth to space.
std::optional<Names> numbered(const Tensors& tensors) {
  const bool has_tail = tensors.contains("tail.weight");
  if (!tensors.contains("conv1.weight") || (!tensors.contains("deconv.weight") && !has_tail)) {
    return std::nullopt;
  }
  int layers = kMostMappingLayers + 4;
  while (layers > 0 && !tensors.contains(message("conv", layers, ".weight"))) {
    --layers;
  }
  const char* const ending = tensors.contains("prelu1.weight") ? ".weight" : "";
  Names names{{}, {}, has_tail ? "tail" : "deconv"};
  for (int layer = 1; layer <= layers; ++layer) {
    names.convolutions.push_back(message("conv", layer));
    names.slopes.push_back(message("prelu", layer, ending));
  }
  return names;
}

/// How many of PREFIX.0, PREFIX.2, PREFIX.4, ... are convolutions, each followed by its slope.
int pairs_of(const Tensors& tensors, const std::string& prefix) {
  int pairs = 0;
  while (tensors.contains(message(prefix, '.', 2 * pairs, ".weight"))) {
    ++pairs;
  }
  return pairs;
}

void add_pairs(Names& names, const std::string& prefix, int pairs) {
  for (int pair = 0; pair < pairs; ++pair) {
    names.convolutions.push_back(message(prefix, '.', 2 * pair));
    names.slopes.push_back(message(prefix, '.', 2 * pair + 1, ".weight"));
  }
}

/// Parts that are sequences of convolutions and slopes: first_part, mid_part, last_part; or
/// feature_extraction, shrink, map, expand, deconv.
std::optional<Names> sequences(const Tensors& tensors) {
  Names names;
  const int inner = pairs_of(tensors, "mid_part");  // shrink, mapping, expand
  if (tensors.contains("first_part.0.weight") && inner >= 2 &&
      tensors.contains("last_part.weight")) {
    add_pairs(names, "first_part", 1);
    add_pairs(names, "mid_part", inner);
    names.last = "last_part";
    return names;
  }
  if (tensors.contains("feature_extraction.0.weight") && tensors.contains("deconv.weight")) {
    add_pairs(names, "feature_extraction", 1);
    add_pairs(names, "shrink", 1);
    add_pairs(names, "map", pairs_of(tensors, "map"));
    add_pairs(names, "expand", 1);
    names.last = "deconv";
    return names;
  }
  return std::nullopt;
}

/// Weights of a 1x1 convolution [c scale^2, d, 1, 1] before depth to space as those of a transposed
/// one [d, c, scale, scale].
Tensor transposed(const Tensor& weight, int channels, int scale) {
  const std::int64_t outputs = weight.shape()[0];
  const std::int64_t inputs = weight.shape()[1];
  const Tensor result = Tensor::empty({inputs, channels, scale, scale}, weight.dtype());
  with_type(weight.dtype(), [&]<class T>() {
    for (std::int64_t in = 0; in < inputs; ++in) {
      for (std::int64_t out = 0; out < outputs; ++out) {
        result.data<T>()[in * outputs + out] = weight.data<T>()[out * inputs + in];
      }
    }
  });
  return result;
}

/// The scale of a 1x1 convolution before depth to space; 0 where it fits none.
int scale_of_depth(const Tensor& weight, int channels) {
  for (const int scale : {2, 3, 4}) {
    const Shape& shape = weight.shape();
    if (shape ==
        Shape{std::int64_t{channels} * scale * scale, shape.rank() > 1 ? shape[1] : 0, 1, 1}) {
      return scale;
    }
  }
  return 0;
}

}  // namespace

std::optional<ForeignWeights> recognise_fsrcnn(const SafeTensors& file, const std::string& name,
                                               int) {
  const Tensors& tensors = file.tensors;
  std::optional<Names> names = numbered(tensors);
  if (!names) {
    names = sequences(tensors);
  }
  if (!names) {
    return std::nullopt;
  }
  const auto extent = [&](const std::string& key) {
    if (!tensors.contains(key)) {
      throw Error(ErrorKind::weights, message('\'', name, "': tensor '", key, "' is missing"));
    }
    return first_extent(tensors, key);
  };
  // Feature, shrink and expand are always there.
  constexpr int kOtherLayers = 3;
  const int layers = static_cast<int>(names->convolutions.size());
  if (layers < kOtherLayers) {
    extent(message("conv", layers + 1, ".weight"));
  }
  FsrcnnOptions options;
  options.feature_channels = extent(names->convolutions[0] + ".weight");
  options.shrink_channels = extent(names->convolutions[1] + ".weight");
  options.mapping_layers = layers - kOtherLayers;
  options.slope_per_channel = extent(names->slopes[0]) > 1;
  options.channels = extent_of(tensors, names->convolutions[0] + ".weight", 1) == 3 ? 3 : 1;
  options.depth_to_space = names->last == "tail";

  const std::string last = names->last + ".weight";
  ForeignWeights weights{
      fsrcnn_spec(options),
      {{"deconvolution.weight", last}, {"deconvolution.bias", names->last + ".bias"}}};
  if (options.depth_to_space) {
    weights.scale = scale_of_depth(tensors.at(last), options.channels);
    if (weights.scale == 0) {
      throw Error(
          ErrorKind::weights,
          message('\'', name, "': tensor '", last, "' must have shape [s^2,",
                  options.feature_channels, ",1,1] for a scale s, got ", tensors.at(last).shape()));
    }
    weights.converted[last] = transposed(tensors.at(last), options.channels, weights.scale);
  }
  std::vector<std::string> parts = {"feature", "shrink"};
  for (int layer = 0; layer < options.mapping_layers; ++layer) {
    parts.push_back(message("mapping.", layer));
  }
  parts.emplace_back("expand");
  for (std::size_t i = 0; i < parts.size(); ++i) {
    weights.key_of[parts[i] + ".weight"] = names->convolutions[i] + ".weight";
    weights.key_of[parts[i] + ".bias"] = names->convolutions[i] + ".bias";
    weights.key_of[parts[i] + ".slope"] = names->slopes[i];
  }
  return weights;
}

}  // namespace pisr
