#include "pisr/model/plain.h"

#include <algorithm>
#include <array>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "core/error.h"
#include "pisr/model/weight_shapes.h"

namespace pisr {
namespace {

constexpr int kKernel = 3;
constexpr Conv2dOptions kSameSize{.padding = kKernel / 2};

std::vector<NetworkOption> plain_options() {
  return {{"feature_channels", "c", 16, 1, 512, "channels of every layer"},
          {"layers", "n", 4, 0, 64, "3x3 convolutions between the first and the last"}};
}

PlainOptions options_of(const NetworkSpec& spec) {
  return {.feature_channels = number_option(spec, "feature_channels"),
          .layers = number_option(spec, "layers"),
          .scale = spec.scale};
}

}  // namespace

NetworkSpec plain_spec(const PlainOptions& options) {
  NetworkSpec spec;
  spec.architecture = "plain";
  spec.scale = options.scale;
  spec.options = {{"feature_channels", options.feature_channels}, {"layers", options.layers}};
  return spec;
}

Architecture plain_architecture() {
  return {.name = "plain",
          .options = plain_options(),
          .make = [](const NetworkSpec& spec) -> std::unique_ptr<SrNetwork> {
            return std::make_unique<Plain>(options_of(spec));
          },
          .title =
              [](const NetworkSpec& spec) {
                const PlainOptions options = options_of(spec);
                return message("Plain(", options.feature_channels, ", ", options.layers, ")");
              },
          .recognise = nullptr,
          .options_of_shapes =
              [](const std::map<std::string, Tensor>& tensors) {
                return plain_spec(
                           {.feature_channels = std::max(1, first_extent(tensors, "head.weight")),
                            .layers = layers_of(tensors, "body")})
                    .options;
              }};
}

Plain::Plain(const PlainOptions& options)
    : SrNetwork(completed(plain_spec(options), plain_options())),
      options_(options),
      head_(1, options.feature_channels, kKernel, kSameSize, options.feature_channels),
      tail_(options.feature_channels, options.scale * options.scale, kKernel, kSameSize) {
  for (int layer = 0; layer < options.layers; ++layer) {
    body_.add<Conv2dPrelu>(options.feature_channels, options.feature_channels, kKernel, kSameSize,
                           options.feature_channels);
  }
  add_child("head", head_);
  add_child("body", body_);
  add_child("tail", tail_);
}

Variable Plain::feature(const Variable& low) const {
  const Variable first = head_(low);
  return body_(first) + first;
}

Variable Plain::reconstruction(const Variable& feature, const Variable& low) const {
  constexpr std::size_t kMostPhases = 16;
  std::array<Variable, kMostPhases> copies;
  copies.fill(low);
  const auto phases = static_cast<std::size_t>(options_.scale) * options_.scale;
  const Variable nearest = concat_channels(std::span(copies).first(phases));
  return pixel_shuffle(tail_(feature) + nearest, options_.scale);
}

MultiplyAdds Plain::multiply_adds(std::int64_t width, std::int64_t height, NetworkEnd end) const {
  const std::int64_t c = options_.feature_channels;
  const std::int64_t phases = std::int64_t{options_.scale} * options_.scale;
  const std::int64_t weights =
      c + options_.layers * c * c + (end == NetworkEnd::image ? c * phases : 0);
  const std::int64_t count = width * height / phases * kKernel * kKernel * weights;
  return {count, count};
}

}  // namespace pisr
