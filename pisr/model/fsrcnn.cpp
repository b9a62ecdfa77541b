#include "pisr/model/fsrcnn.h"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "core/error.h"
#include "pisr/model/weight_shapes.h"

namespace pisr {
namespace {

constexpr int kFeatureKernel = 5;
constexpr int kMappingKernel = 3;
constexpr int kDeconvolutionKernel = 9;
constexpr int kMostLayers = 32;  // of the mapping

std::vector<NetworkOption> fsrcnn_options() {
  return {
      {"feature_channels", "d", 56, 1, 512, "channels of the feature extraction"},
      {"shrink_channels", "s", 12, 1, 512, "channels of the mapping"},
      {"mapping_layers", "m", 4, 0, kMostLayers, "3x3 convolutions of the mapping"},
      {"slope_per_channel", "", false, 0, 1, "PReLU: one slope a channel instead of one a layer"}};
}

FsrcnnOptions options_of(const NetworkSpec& spec) {
  return {.feature_channels = number_option(spec, "feature_channels"),
          .shrink_channels = number_option(spec, "shrink_channels"),
          .mapping_layers = number_option(spec, "mapping_layers"),
          .scale = spec.scale,
          .slope_per_channel = flag_option(spec, "slope_per_channel")};
}

int slopes(const FsrcnnOptions& options, int channels) {
  return options.slope_per_channel ? channels : 1;
}

/// Published weights number their layers: conv1 (feature), conv2 (shrink), conv3 ... (mapping), the
/// last conv (expand), prelu1, prelu2, ... beside them, and deconv.
std::optional<ForeignWeights> recognise_fsrcnn(const SafeTensors& file, const std::string& name,
                                               int) {
  if (!file.tensors.contains("conv1.weight") || !file.tensors.contains("deconv.weight")) {
    return std::nullopt;
  }
  const auto extent = [&](const std::string& key) {
    if (!file.tensors.contains(key)) {
      throw Error(ErrorKind::weights, message('\'', name, "': tensor '", key, "' is missing"));
    }
    return first_extent(file.tensors, key);
  };
  constexpr int kOtherLayers = 3;  // feature, shrink and expand
  int layers = kMostLayers + kOtherLayers + 1;
  while (layers > 0 && !file.tensors.contains(message("conv", layers, ".weight"))) {
    --layers;
  }
  FsrcnnOptions options;
  options.feature_channels = extent("conv1.weight");
  options.shrink_channels = extent("conv2.weight");
  options.mapping_layers = layers - kOtherLayers;
  options.slope_per_channel = extent("prelu1") > 1;

  ForeignWeights weights{
      fsrcnn_spec(options),
      {{"deconvolution.weight", "deconv.weight"}, {"deconvolution.bias", "deconv.bias"}}};
  std::vector<std::string> parts = {"feature", "shrink"};
  for (int layer = 0; layer < options.mapping_layers; ++layer) {
    parts.push_back(message("mapping.", layer));
  }
  parts.emplace_back("expand");
  for (std::size_t i = 0; i < parts.size(); ++i) {
    weights.key_of[parts[i] + ".weight"] = message("conv", i + 1, ".weight");
    weights.key_of[parts[i] + ".bias"] = message("conv", i + 1, ".bias");
    weights.key_of[parts[i] + ".slope"] = message("prelu", i + 1);
  }
  return weights;
}

}  // namespace

NetworkSpec fsrcnn_spec(const FsrcnnOptions& options) {
  NetworkSpec spec;
  spec.architecture = "fsrcnn";
  spec.scale = options.scale;
  spec.options = {{"feature_channels", options.feature_channels},
                  {"shrink_channels", options.shrink_channels},
                  {"mapping_layers", options.mapping_layers},
                  {"slope_per_channel", options.slope_per_channel}};
  return spec;
}

Architecture fsrcnn_architecture() {
  return {.name = "fsrcnn",
          .options = fsrcnn_options(),
          .make = [](const NetworkSpec& spec) -> std::unique_ptr<SrNetwork> {
            return std::make_unique<Fsrcnn>(options_of(spec));
          },
          .title =
              [](const NetworkSpec& spec) {
                const FsrcnnOptions options = options_of(spec);
                return message("FSRCNN(", options.feature_channels, ", ", options.shrink_channels,
                               ", ", options.mapping_layers, ")");
              },
          .recognise = recognise_fsrcnn,
          .options_of_shapes =
              [](const std::map<std::string, Tensor>& tensors) {
                FsrcnnOptions options;
                options.feature_channels = std::max(1, first_extent(tensors, "feature.weight"));
                options.shrink_channels = std::max(1, first_extent(tensors, "shrink.weight"));
                options.mapping_layers = layers_of(tensors, "mapping");
                options.slope_per_channel = first_extent(tensors, "feature.slope") > 1;
                return fsrcnn_spec(options).options;
              }};
}

Fsrcnn::Fsrcnn(const FsrcnnOptions& options)
    : SrNetwork(completed(fsrcnn_spec(options), fsrcnn_options())),
      options_(options),
      feature_(1, options.feature_channels, kFeatureKernel, {.padding = kFeatureKernel / 2},
               slopes(options, options.feature_channels)),
      shrink_(options.feature_channels, options.shrink_channels, 1, {},
              slopes(options, options.shrink_channels)),
      expand_(options.shrink_channels, options.feature_channels, 1, {},
              slopes(options, options.feature_channels)),
      deconvolution_(options.feature_channels, 1, kDeconvolutionKernel,
                     {.stride = options.scale,
                      .padding = kDeconvolutionKernel / 2,
                      .output_padding = options.scale - 1}) {
  for (int layer = 0; layer < options.mapping_layers; ++layer) {
    mapping_.add<Conv2dPrelu>(options.shrink_channels, options.shrink_channels, kMappingKernel,
                              Conv2dOptions{.padding = kMappingKernel / 2},
                              slopes(options, options.shrink_channels));
  }
  add_child("feature", feature_);
  add_child("shrink", shrink_);
  add_child("mapping", mapping_);
  add_child("expand", expand_);
  add_child("deconvolution", deconvolution_);
}

Variable Fsrcnn::feature(const Variable& low) const {
  return expand_(mapping_(shrink_(feature_(low))));
}

Variable Fsrcnn::reconstruction(const Variable& feature, const Variable&) const {
  return deconvolution_(feature);
}

std::optional<ConvChain> Fsrcnn::chain(NetworkEnd end) const {
  ConvChain chain;
  chain.append(feature_).append(shrink_).append(mapping_).append(expand_);
  if (end == NetworkEnd::image) {
    chain.append(deconvolution_);
  }
  return chain;
}

std::optional<int> Fsrcnn::halo() const {
  // Output pixel scale i + r of the deconvolution reads features from i - 4 / scale to
  // i + (r + 4) / scale, r < scale.
  const int deconvolution = (kDeconvolutionKernel / 2 + options_.scale - 1) / options_.scale;
  return kFeatureKernel / 2 + options_.mapping_layers * (kMappingKernel / 2) + deconvolution;
}

MultiplyAdds Fsrcnn::multiply_adds(std::int64_t width, std::int64_t height, NetworkEnd end) const {
  const auto area = [](std::int64_t kernel) { return kernel * kernel; };
  const std::int64_t d = options_.feature_channels;
  const std::int64_t s = options_.shrink_channels;
  const std::int64_t convolutions = area(kFeatureKernel) * d + d * s +
                                    options_.mapping_layers * area(kMappingKernel) * s * s + s * d;
  const std::int64_t deconvolution = end == NetworkEnd::image ? area(kDeconvolutionKernel) * d : 0;
  const std::int64_t low_pixels = width * height / area(options_.scale);
  return {low_pixels * (convolutions + deconvolution),
          low_pixels * convolutions + width * height * deconvolution};
}

}  // namespace pisr
