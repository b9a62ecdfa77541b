#include "pisr/model/drrn.h"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "pisr/model/weight_shapes.h"

namespace pisr {
namespace {

constexpr int kKernel = 3;
constexpr Conv2dOptions kSameSize{.padding = kKernel / 2};

std::vector<NetworkOption> drrn_options() {
  return {{"feature_channels", "c", 128, 1, 512, "channels between the convolutions"},
          {.name = "units",
           .symbol = "u",
           .default_value = 25,
           .lowest = 1,
           .highest = 64,
           .help = "residual units, which share their weights",
           .told_by_shapes = false}};
}

DrrnOptions options_of(const NetworkSpec& spec) {
  return {.feature_channels = number_option(spec, "feature_channels"),
          .units = number_option(spec, "units"),
          .scale = spec.scale};
}

/// Weights do not tell how many units they were trained with; the published ones have 25.
std::vector<LayerNames> published_names() {
  return {{{"input", "first"}, {"conv1", "unit.0"}, {"conv2", "unit.1"}, {"output", "last"}}};
}

}  // namespace

NetworkSpec drrn_spec(const DrrnOptions& options) {
  NetworkSpec spec;
  spec.architecture = "drrn";
  spec.scale = options.scale;
  spec.options = {{"feature_channels", options.feature_channels}, {"units", options.units}};
  return spec;
}

Architecture drrn_architecture() {
  return {.name = "drrn",
          .options = drrn_options(),
          .make = [](const NetworkSpec& spec) -> std::unique_ptr<SrNetwork> {
            return std::make_unique<Drrn>(options_of(spec));
          },
          .title =
              [](const NetworkSpec& spec) {
                return message("DRRN(", number_option(spec, "feature_channels"), ", ",
                               number_option(spec, "units"), ")");
              },
          .recognise = nullptr,
          .options_of_shapes =
              [](const std::map<std::string, Tensor>& tensors) {
                return drrn_spec(
                           {.feature_channels = std::max(1, first_extent(tensors, "first.weight"))})
                    .options;
              },
          .published_names = published_names(),
          .keeps_size = true};
}

Drrn::Drrn(const DrrnOptions& options)
    : SrNetwork(completed(drrn_spec(options), drrn_options())),
      options_(options),
      first_(1, options.feature_channels, kKernel, kSameSize, false),
      inner_(options.feature_channels, options.feature_channels, kKernel, kSameSize, false),
      outer_(options.feature_channels, options.feature_channels, kKernel, kSameSize, false),
      last_(options.feature_channels, 1, kKernel, kSameSize, false) {
  add_child("first", first_);
  add_child("unit.0", inner_);
  add_child("unit.1", outer_);
  add_child("last", last_);
}

Variable Drrn::feature(const Variable& enlarged) const {
  const Variable first = first_.relu(relu(enlarged));
  Variable x = first;
  for (int unit = 0; unit < options_.units; ++unit) {
    x = outer_(inner_.relu(relu(x))) + first;
  }
  return relu(x);
}

Variable Drrn::reconstruction(const Variable& feature, const Variable& enlarged) const {
  return last_(feature) + enlarged;
}

std::optional<int> Drrn::halo() const {
  return enlarged_halo((2 * options_.units + 2) * (kKernel / 2), options_.scale);
}

MultiplyAdds Drrn::multiply_adds(std::int64_t width, std::int64_t height, NetworkEnd end) const {
  const std::int64_t c = options_.feature_channels;
  const std::int64_t weights =
      c + std::int64_t{2} * options_.units * c * c + (end == NetworkEnd::image ? c : 0);
  const std::int64_t count = width * height * kKernel * kKernel * weights;
  return {count, count};
}

}  // namespace pisr
