#include "pisr/model/plain.h"

#include <algorithm>
#include <array>
#include <cstddef>
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
          .scale = spec.scale,
          .channels = spec.channels};
}

std::vector<int> plain_channels() {
  return {1, 3};
}

}  // namespace

NetworkSpec plain_spec(const PlainOptions& options) {
  NetworkSpec spec;
  spec.architecture = "plain";
  spec.scale = options.scale;
  spec.channels = options.channels;
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
              },
          .channels = plain_channels()};
}

Plain::Plain(const PlainOptions& options)
    : SrNetwork(completed(plain_spec(options), plain_options(), plain_channels())),
      options_(options),
      head_(options.channels, options.feature_channels, kKernel, kSameSize,
            options.feature_channels),
      tail_(options.feature_channels, options.channels * options.scale * options.scale, kKernel,
            kSameSize) {
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
  constexpr std::size_t kMostCopies = 3 * 16;
  std::array<Variable, kMostCopies> copies;
  const auto phases = static_cast<std::ptrdiff_t>(options_.scale) * options_.scale;
  auto end = copies.begin();
  for (int channel = 0; channel < options_.channels; ++channel) {
    end = std::fill_n(end, phases, options_.channels == 1 ? low : slice_channels(low, channel, 1));
  }
  const Variable nearest = concat_channels(std::span(copies.begin(), end));
  return pixel_shuffle(tail_(feature) + nearest, options_.scale);
}

MultiplyAdds Plain::multiply_adds(std::int64_t width, std::int64_t height, NetworkEnd end) const {
  const std::int64_t c = options_.feature_channels;
  const std::int64_t ends = options_.channels;
  const std::int64_t phases = std::int64_t{options_.scale} * options_.scale;
  const std::int64_t weights =
      ends * c + options_.layers * c * c + (end == NetworkEnd::image ? c * ends * phases : 0);
  const std::int64_t count = width * height / phases * kKernel * kKernel * weights;
  return {count, count};
}

}  // namespace pisr
