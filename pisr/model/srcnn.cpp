#include "pisr/model/srcnn.h"

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <vector>

#include "core/error.h"
#include "nn/init.h"
#include "pisr/model/padding.h"
#include "pisr/model/weight_shapes.h"

namespace pisr {
namespace {

constexpr int kFirstKernel = 9;
constexpr int kLastKernel = 5;
constexpr int kLargestMiddle = 15;

std::vector<NetworkOption> srcnn_options() {
  return {{"feature_channels", "n1", 64, 1, 512, "channels of the first convolution"},
          {"mapping_channels", "n2", 32, 1, 512, "channels of the second convolution"},
          {"middle_kernel", "f2", 5, 1, kLargestMiddle,
           "side of the second convolution's kernel, odd", 2},
          replicate_padding_option()};
}

SrcnnOptions options_of(const NetworkSpec& spec) {
  return {.feature_channels = number_option(spec, "feature_channels"),
          .mapping_channels = number_option(spec, "mapping_channels"),
          .middle_kernel = number_option(spec, "middle_kernel"),
          .scale = spec.scale,
          .channels = spec.channels,
          .replicate_padding = flag_option(spec, kReplicatePadding)};
}

Conv2dOptions same_size(const SrcnnOptions& options, int kernel) {
  return {.padding = kernel / 2, .padding_mode = padding_mode(options.replicate_padding)};
}

/// What others call the three layers.
constexpr std::array<std::array<const char*, 3>, 2> kPublishedNames{
    {{"conv1", "conv2", "conv3"}, {"features.0", "map.0", "reconstruction"}}};

std::optional<ForeignWeights> recognise_srcnn(const SafeTensors& file, const std::string&, int) {
  for (const auto& [first, second, third] : kPublishedNames) {
    const auto weight = [](const std::string& layer) { return layer + ".weight"; };
    const SrcnnOptions options{.feature_channels = extent_of(file.tensors, weight(first), 0),
                               .mapping_channels = extent_of(file.tensors, weight(second), 0),
                               .middle_kernel = extent_of(file.tensors, weight(second), 2),
                               .channels = extent_of(file.tensors, weight(first), 1) == 3 ? 3 : 1};
    const int middle = options.middle_kernel;
    if (options.feature_channels < 1 || options.mapping_channels < 1 || middle % 2 == 0 ||
        middle > kLargestMiddle ||
        !has_shape(file.tensors, weight(first),
                   {options.feature_channels, options.channels, kFirstKernel, kFirstKernel}) ||
        !has_shape(file.tensors, weight(second),
                   {options.mapping_channels, options.feature_channels, middle, middle}) ||
        !has_shape(file.tensors, weight(third),
                   {options.channels, options.mapping_channels, kLastKernel, kLastKernel})) {
      continue;
    }
    ForeignWeights weights{srcnn_spec(options), {}};
    for (const std::string part : {".weight", ".bias"}) {
      weights.key_of["extraction" + part] = first + part;
      weights.key_of["mapping" + part] = second + part;
      weights.key_of["reconstruction" + part] = third + part;
    }
    return weights;
  }
  return std::nullopt;
}

}  // namespace

NetworkSpec srcnn_spec(const SrcnnOptions& options) {
  NetworkSpec spec;
  spec.architecture = "srcnn";
  spec.scale = options.scale;
  spec.channels = options.channels;
  spec.options = {{"feature_channels", options.feature_channels},
                  {"mapping_channels", options.mapping_channels},
                  {"middle_kernel", options.middle_kernel},
                  {kReplicatePadding, options.replicate_padding}};
  return spec;
}

Architecture srcnn_architecture() {
  return {
      .name = "srcnn",
      .options = srcnn_options(),
      .make = [](const NetworkSpec& spec) -> std::unique_ptr<SrNetwork> {
        return std::make_unique<Srcnn>(options_of(spec));
      },
      .title =
          [](const NetworkSpec& spec) {
            const SrcnnOptions options = options_of(spec);
            const std::string kernels = message("9-", options.middle_kernel, "-", kLastKernel);
            return options.feature_channels == SrcnnOptions().feature_channels &&
                           options.mapping_channels == SrcnnOptions().mapping_channels
                       ? message("SRCNN(", kernels, ")")
                       : message("SRCNN(", kernels, ", ", options.feature_channels, ", ",
                                 options.mapping_channels, ")");
          },
      .recognise = recognise_srcnn,
      .options_of_shapes =
          [](const std::map<std::string, Tensor>& tensors) {
            const int middle = extent_of(tensors, "mapping.weight", 2);
            return srcnn_spec(
                       {.feature_channels = std::max(1, first_extent(tensors, "extraction.weight")),
                        .mapping_channels = std::max(1, first_extent(tensors, "mapping.weight")),
                        .middle_kernel = middle % 2 == 1 ? middle : 1})
                .options;
          },
      .channels = {1, 3},
      .keeps_size = true};
}

Srcnn::Srcnn(const SrcnnOptions& options)
    : SrNetwork(completed(srcnn_spec(options), srcnn_options(), {1, 3})),
      options_(options),
      extraction_(options.channels, options.feature_channels, kFirstKernel,
                  same_size(options, kFirstKernel)),
      mapping_(options.feature_channels, options.mapping_channels, options.middle_kernel,
               same_size(options, options.middle_kernel)),
      reconstruction_(options.mapping_channels, options.channels, kLastKernel,
                      same_size(options, kLastKernel)) {
  add_child("extraction", extraction_);
  add_child("mapping", mapping_);
  add_child("reconstruction", reconstruction_);
}

Variable Srcnn::feature(const Variable& enlarged) const {
  return mapping_.relu(extraction_.relu(enlarged));
}

Variable Srcnn::reconstruction(const Variable& feature, const Variable&) const {
  return reconstruction_(feature);
}

void Srcnn::start_as_interpolation() {
  check_hands_image_on(std::min(options_.feature_channels, options_.mapping_channels));
  pass_channels_on(*this, options_.channels);
}

std::optional<int> Srcnn::halo() const {
  return enlarged_halo(kFirstKernel / 2 + options_.middle_kernel / 2 + kLastKernel / 2,
                       options_.scale);
}

MultiplyAdds Srcnn::multiply_adds(std::int64_t width, std::int64_t height, NetworkEnd end) const {
  const auto area = [](std::int64_t kernel) { return kernel * kernel; };
  const std::int64_t c = options_.channels;
  const std::int64_t first = options_.feature_channels;
  const std::int64_t second = options_.mapping_channels;
  const std::int64_t weights = area(kFirstKernel) * c * first +
                               area(options_.middle_kernel) * first * second +
                               (end == NetworkEnd::image ? area(kLastKernel) * second * c : 0);
  const std::int64_t count = width * height * weights;
  return {count, count};
}

}  // namespace pisr
