#include "pisr/model/plain.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "core/error.h"
#include "nn/expanded_conv2d.h"
#include "nn/layers.h"
#include "pisr/model/weight_shapes.h"

namespace pisr {
namespace {

constexpr int kKernel = 3;
constexpr Conv2dOptions kSameSize{.padding = kKernel / 2};

std::vector<NetworkOption> plain_options() {
  return {{"feature_channels", "c", 16, 1, 512, "channels of every layer"},
          {"layers", "n", 4, 0, 64, "3x3 convolutions between the first and the last"},
          {.name = "expanded_channels",
           .symbol = "",
           .default_value = 0,
           .lowest = 0,
           .highest = 512,
           .help = "channels of each convolution while it is trained, as the product of two; "
                   "weights that are saved for use have one again; 0: trained as one",
           .added_later = true,
           .of_training = true}};
}

PlainOptions options_of(const NetworkSpec& spec) {
  return {.feature_channels = number_option(spec, "feature_channels"),
          .layers = number_option(spec, "layers"),
          .scale = spec.scale,
          .channels = spec.channels,
          .expanded_channels = number_option(spec, "expanded_channels")};
}

std::vector<int> plain_channels() {
  return {1, 3};
}

enum class Place { head, body, tail };

std::unique_ptr<Layer> layer(const PlainOptions& options, int in_channels, int out_channels,
                             Place place) {
  const int slopes = place == Place::tail ? 0 : out_channels;
  if (options.expanded_channels > 0) {
    return std::make_unique<ExpandedConv2d>(
        in_channels, out_channels, kKernel,
        ExpandedConv2dOptions{.expanded_channels = options.expanded_channels,
                              .with_identity = place == Place::body,
                              .slopes = slopes,
                              .convolution = kSameSize});
  }
  if (slopes == 0) {
    return std::make_unique<Conv2d>(in_channels, out_channels, kKernel, kSameSize);
  }
  return std::make_unique<Conv2dPrelu>(in_channels, out_channels, kKernel, kSameSize, slopes);
}

}  // namespace

NetworkSpec plain_spec(const PlainOptions& options) {
  NetworkSpec spec;
  spec.architecture = "plain";
  spec.scale = options.scale;
  spec.channels = options.channels;
  spec.options = {{"feature_channels", options.feature_channels},
                  {"layers", options.layers},
                  {"expanded_channels", options.expanded_channels}};
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
          .channels = plain_channels(),
          .keeps_size = true};
}

Plain::Plain(const PlainOptions& options)
    : SrNetwork(completed(plain_spec(options), plain_options(), plain_channels())),
      options_(options),
      head_(layer(options, options.channels, options.feature_channels, Place::head)),
      tail_(layer(options, options.feature_channels,
                  options.channels * options.scale * options.scale, Place::tail)) {
  add_child("head", *head_);
  for (int i = 0; i < options.layers; ++i) {
    body_.push_back(
        layer(options, options.feature_channels, options.feature_channels, Place::body));
    add_child(message("body.", i), *body_.back());
  }
  add_child("tail", *tail_);
}

std::unique_ptr<SrNetwork> Plain::merged() const {
  if (options_.expanded_channels == 0) {
    return nullptr;
  }
  PlainOptions options = options_;
  options.expanded_channels = 0;
  auto result = std::make_unique<Plain>(options);
  result->convert(parameters().front().parameter->value.dtype());
  const auto merge = [](const std::unique_ptr<Layer>& from, const std::unique_ptr<Layer>& to) {
    dynamic_cast<const ExpandedConv2d&>(*from).merge_into(*to);
  };
  merge(head_, result->head_);
  for (std::size_t i = 0; i < body_.size(); ++i) {
    merge(body_[i], result->body_[i]);
  }
  merge(tail_, result->tail_);
  return result;
}

Variable Plain::feature(const Variable& low) const {
  const Variable first = (*head_)(low);
  Variable last = first;
  for (const std::unique_ptr<Layer>& layer : body_) {
    last = (*layer)(last);
  }
  return last + first;
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
  return pixel_shuffle((*tail_)(feature) + nearest, options_.scale);
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
