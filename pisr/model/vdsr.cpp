#include "pisr/model/vdsr.h"

#include <algorithm>
#include <map>
#include <string>

#include "core/error.h"
#include "pisr/model/weight_shapes.h"

namespace pisr {
namespace {

constexpr int kKernel = 3;
constexpr Conv2dOptions kSameSize{.padding = kKernel / 2};
constexpr int kMostLayers = 64;

std::vector<NetworkOption> vdsr_options() {
  return {{"feature_channels", "c", 64, 1, 512, "channels between the convolutions"},
          {"layers", "n", 20, 2, kMostLayers, "convolutions, the first and the last included"},
          {"bias", "", true, 0, 1, "whether the convolutions have a bias"}};
}

VdsrOptions options_of(const NetworkSpec& spec) {
  return {.feature_channels = number_option(spec, "feature_channels"),
          .layers = number_option(spec, "layers"),
          .scale = spec.scale,
          .bias = flag_option(spec, "bias")};
}

/// The official weights number all convolutions; the others are of PyTorch programs.
std::vector<LayerNames> published_names() {
  return {{{"conv1", "first"}, {"conv{last}", "last"}, {"conv{n+2}", "body.{n}"}},
          {{"input", "first"}, {"residual_layer.{n}.conv", "body.{n}"}, {"output", "last"}},
          {{"conv1.0", "first"}, {"trunk.{n}.conv", "body.{n}"}, {"conv2", "last"}},
          {{"conv1", "first"}, {"conv_relu_block.{2n}", "body.{n}"}, {"conv2", "last"}},
          {{"in_conv", "first"}, {"res_blocks.{n}.0", "body.{n}"}, {"out_conv", "last"}}};
}

}  // namespace

NetworkSpec vdsr_spec(const VdsrOptions& options) {
  NetworkSpec spec;
  spec.architecture = "vdsr";
  spec.scale = options.scale;
  spec.options = {{"feature_channels", options.feature_channels},
                  {"layers", options.layers},
                  {"bias", options.bias}};
  return spec;
}

Architecture vdsr_architecture() {
  return {.name = "vdsr",
          .options = vdsr_options(),
          .make = [](const NetworkSpec& spec) -> std::unique_ptr<SrNetwork> {
            return std::make_unique<Vdsr>(options_of(spec));
          },
          .title =
              [](const NetworkSpec& spec) {
                const VdsrOptions options = options_of(spec);
                return options == VdsrOptions{.scale = options.scale, .bias = options.bias}
                           ? std::string("VDSR")
                           : message("VDSR(", options.feature_channels, ", ", options.layers, ")");
              },
          .recognise = nullptr,
          .options_of_shapes =
              [](const std::map<std::string, Tensor>& tensors) {
                return vdsr_spec(
                           {.feature_channels = std::max(1, first_extent(tensors, "first.weight")),
                            .layers = layers_of(tensors, "body") + 2,
                            .bias = tensors.contains("first.bias")})
                    .options;
              },
          .published_names = published_names(),
          .keeps_size = true};
}

Vdsr::Vdsr(const VdsrOptions& options)
    : SrNetwork(completed(vdsr_spec(options), vdsr_options())),
      options_(options),
      first_(1, options.feature_channels, kKernel, kSameSize, options.bias),
      last_(options.feature_channels, 1, kKernel, kSameSize, options.bias) {
  add_child("first", first_);
  for (int layer = 0; layer < options.layers - 2; ++layer) {
    body_.push_back(std::make_unique<Conv2d>(options.feature_channels, options.feature_channels,
                                             kKernel, kSameSize, options.bias));
    add_child(message("body.", layer), *body_.back());
  }
  add_child("last", last_);
}

Variable Vdsr::feature(const Variable& enlarged) const {
  Variable x = first_.relu(enlarged);
  for (const auto& layer : body_) {
    x = layer->relu(x);
  }
  return x;
}

Variable Vdsr::reconstruction(const Variable& feature, const Variable& enlarged) const {
  return last_(feature) + enlarged;
}

std::optional<int> Vdsr::halo() const {
  return enlarged_halo(options_.layers * (kKernel / 2), options_.scale);
}

MultiplyAdds Vdsr::multiply_adds(std::int64_t width, std::int64_t height, NetworkEnd end) const {
  const std::int64_t c = options_.feature_channels;
  const std::int64_t weights =
      c + (options_.layers - 2) * c * c + (end == NetworkEnd::image ? c : 0);
  const std::int64_t count = width * height * kKernel * kKernel * weights;
  return {count, count};
}

}  // namespace pisr
