#include "pisr/model/drcn.h"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "core/error.h"
#include "pisr/model/weight_shapes.h"

namespace pisr {
namespace {

constexpr int kKernel = 3;
constexpr Conv2dOptions kSameSize{.padding = kKernel / 2};
constexpr int kMostRecursions = 64;
/// Published weights take and give images on 0..255.
constexpr double kPublishedRange = 255;

std::vector<NetworkOption> drcn_options() {
  return {
      {"feature_channels", "c", 256, 1, 512, "channels between the convolutions"},
      {"recursions", "d", 16, 1, kMostRecursions, "how often the shared convolution is applied"}};
}

DrcnOptions options_of(const NetworkSpec& spec) {
  return {.feature_channels = number_option(spec, "feature_channels"),
          .recursions = number_option(spec, "recursions"),
          .scale = spec.scale};
}

/// Without its biases the network is homogeneous: f(255 x) = 255 f(x), if the biases of the right
/// side are those of the left one over 255.
Tensor of_unit_range(const Tensor& bias) {
  const Tensor result = bias.to(DType::f64).clone();
  for (double& value : result.values<double>()) {
    value /= kPublishedRange;
  }
  return result.to(bias.dtype());
}

/// Published weights call the layers embed1, embed2, infer, recon1 and recon2, the shares
/// layer_weights.
std::optional<ForeignWeights> recognise_drcn(const SafeTensors& file, const std::string&, int) {
  const int c = extent_of(file.tensors, "infer.weight", 0);
  const DrcnOptions options{.feature_channels = c,
                            .recursions = extent_of(file.tensors, "layer_weights", 0)};
  const auto square = [&](const std::string& layer, int out, int in) {
    return has_shape(file.tensors, layer + ".weight", {out, in, kKernel, kKernel});
  };
  if (c < 1 || options.recursions < 1 || options.recursions > kMostRecursions ||
      !square("embed1", c, 1) || !square("embed2", c, c) || !square("infer", c, c) ||
      !square("recon1", c, c) || !square("recon2", 1, c + 1)) {
    return std::nullopt;
  }
  ForeignWeights weights{drcn_spec(options), {{"shares", "layer_weights"}}};
  const std::map<std::string, std::string> layers = {{"embed.0", "embed1"},
                                                     {"embed.1", "embed2"},
                                                     {"recursion", "infer"},
                                                     {"reconstruct.0", "recon1"},
                                                     {"reconstruct.1", "recon2"}};
  for (const auto& [own, theirs] : layers) {
    for (const char* const part : {".weight", ".bias"}) {
      weights.key_of[own + part] = theirs + part;
    }
    const auto bias = file.tensors.find(theirs + ".bias");
    if (bias != file.tensors.end()) {
      weights.converted[bias->first] = of_unit_range(bias->second);
    }
  }
  return weights;
}

}  // namespace

NetworkSpec drcn_spec(const DrcnOptions& options) {
  NetworkSpec spec;
  spec.architecture = "drcn";
  spec.scale = options.scale;
  spec.options = {{"feature_channels", options.feature_channels},
                  {"recursions", options.recursions}};
  return spec;
}

Architecture drcn_architecture() {
  return {
      .name = "drcn",
      .options = drcn_options(),
      .make = [](const NetworkSpec& spec) -> std::unique_ptr<SrNetwork> {
        return std::make_unique<Drcn>(options_of(spec));
      },
      .title =
          [](const NetworkSpec& spec) {
            const DrcnOptions options = options_of(spec);
            return options == DrcnOptions{.scale = options.scale}
                       ? std::string("DRCN")
                       : message("DRCN(", options.feature_channels, ", ", options.recursions, ")");
          },
      .recognise = recognise_drcn,
      .options_of_shapes =
          [](const std::map<std::string, Tensor>& tensors) {
            return drcn_spec(
                       {.feature_channels = std::max(1, first_extent(tensors, "recursion.weight")),
                        .recursions = std::max(1, first_extent(tensors, "shares"))})
                .options;
          },
      .keeps_size = true};
}

Drcn::Drcn(const DrcnOptions& options)
    : SrNetwork(completed(drcn_spec(options), drcn_options())),
      options_(options),
      shares_(add_parameter("shares", {options.recursions}, ParameterRole::share)),
      first_embed_(1, options.feature_channels, kKernel, kSameSize),
      second_embed_(options.feature_channels, options.feature_channels, kKernel, kSameSize),
      recursion_(options.feature_channels, options.feature_channels, kKernel, kSameSize),
      first_reconstruct_(options.feature_channels, options.feature_channels, kKernel, kSameSize),
      second_reconstruct_(options.feature_channels + 1, 1, kKernel, kSameSize) {
  add_child("embed.0", first_embed_);
  add_child("embed.1", second_embed_);
  add_child("recursion", recursion_);
  add_child("reconstruct.0", first_reconstruct_);
  add_child("reconstruct.1", second_reconstruct_);
}

Variable Drcn::feature(const Variable& enlarged) const {
  const Variable shares = enlarged.tape().parameter(shares_);
  const Variable normalised = reshape(shares / sum(shares), {1, options_.recursions, 1, 1});
  Variable x = second_embed_.relu(first_embed_.relu(enlarged));
  Variable mean;
  for (int i = 0; i < options_.recursions; ++i) {
    x = recursion_.relu(x);
    const Variable part = x * slice_channels(normalised, i, 1);
    mean = i == 0 ? part : mean + part;
  }
  return first_reconstruct_(mean);
}

Variable Drcn::reconstruction(const Variable& feature, const Variable& enlarged) const {
  return second_reconstruct_(concat_channels({feature, enlarged})) + enlarged;
}

std::optional<int> Drcn::halo() const {
  return enlarged_halo((options_.recursions + 4) * (kKernel / 2), options_.scale);
}

MultiplyAdds Drcn::multiply_adds(std::int64_t width, std::int64_t height, NetworkEnd end) const {
  const std::int64_t c = options_.feature_channels;
  const std::int64_t d = options_.recursions;
  const bool image = end == NetworkEnd::image;
  const std::int64_t to_mean = c + c * c + d * c * c;
  const std::int64_t pixels = width * height * kKernel * kKernel;
  return {pixels * (to_mean + c * c + (image ? c + 1 : 0)),
          pixels * (to_mean + d * (c * c + (image ? c : 0)))};
}

}  // namespace pisr
