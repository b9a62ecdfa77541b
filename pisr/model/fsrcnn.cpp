#include "pisr/model/fsrcnn.h"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "nn/conv_chain.h"
#include "nn/init.h"
#include "pisr/model/fsrcnn_weights.h"
#include "pisr/model/padding.h"
#include "pisr/model/weight_shapes.h"

namespace pisr {
namespace {

constexpr int kFeatureKernel = 5;
constexpr int kMappingKernel = 3;
constexpr int kDeconvolutionKernel = 9;

std::vector<NetworkOption> fsrcnn_options() {
  return {
      {"feature_channels", "d", 56, 1, 512, "channels of the feature extraction"},
      {"shrink_channels", "s", 12, 1, 512, "channels of the mapping"},
      {"mapping_layers", "m", 4, 0, kMostMappingLayers, "3x3 convolutions of the mapping"},
      {"slope_per_channel", "", false, 0, 1, "PReLU: one slope a channel instead of one a layer"},
      replicate_padding_option(true),
      {.name = kDeconvolutionPadding,
       .symbol = "",
       .default_value = 4,
       .lowest = 3,
       .highest = 4,
       .help = "rows and columns cut off above and at the left of the deconvolution's output",
       .told_by_shapes = false,
       .added_later = true},
      {.name = "depth_to_space",
       .symbol = "",
       .default_value = false,
       .lowest = 0,
       .highest = 1,
       .help = "a 1x1 convolution and depth to space instead of the 9x9 deconvolution",
       .added_later = true}};
}

FsrcnnOptions options_of(const NetworkSpec& spec) {
  // Where nothing is enlarged, 4 alone keeps the size.
  const int padding =
      spec.scale == 1 ? kDeconvolutionKernel / 2 : number_option(spec, kDeconvolutionPadding);
  return {.feature_channels = number_option(spec, "feature_channels"),
          .shrink_channels = number_option(spec, "shrink_channels"),
          .mapping_layers = number_option(spec, "mapping_layers"),
          .scale = spec.scale,
          .channels = spec.channels,
          .slope_per_channel = flag_option(spec, "slope_per_channel"),
          .replicate_padding = flag_option(spec, kReplicatePadding),
          .deconvolution_padding = padding,
          .depth_to_space = flag_option(spec, "depth_to_space")};
}

int slopes(const FsrcnnOptions& options, int channels) {
  return options.slope_per_channel ? channels : 1;
}

Conv2dOptions same_size(const FsrcnnOptions& options, int kernel) {
  return {.padding = kernel / 2, .padding_mode = padding_mode(options.replicate_padding)};
}

/// Rows and columns that the deconvolution has beyond h scale and w scale; it lacks them where
/// negative.
int surplus(const FsrcnnOptions& options) {
  return kDeconvolutionKernel - 2 * options.deconvolution_padding - options.scale;
}

/// A 1x1 convolution without bias to scale^2 values for each channel of the image, depth to space
/// and a bias a channel: as a transposed convolution whose kernel is its stride.
class SubPixelConvolution final : public Layer {
 public:
  SubPixelConvolution(int in_channels, int out_channels, int scale)
      : weight_(add_parameter("weight", {in_channels, out_channels, scale, scale},
                              ParameterRole::weight, in_channels)),
        bias_(add_parameter("bias", {out_channels}, ParameterRole::bias, in_channels)),
        scale_(scale) {}

  Variable operator()(const Variable& x) const override {
    return conv_transpose2d(x, x.tape().parameter(weight_), x.tape().parameter(bias_),
                            {.stride = scale_});
  }

  void append_to(ConvChain& chain) const override {
    chain.add({.transposed = true,
               .weight = weight_.value,
               .bias = bias_.value,
               .slope = {},
               .stride = scale_});
  }

 private:
  const Parameter& weight_;
  const Parameter& bias_;
  int scale_;
};

std::unique_ptr<Layer> make_deconvolution(const FsrcnnOptions& options) {
  if (options.depth_to_space) {
    return std::make_unique<SubPixelConvolution>(options.feature_channels, options.channels,
                                                 options.scale);
  }
  return std::make_unique<ConvTranspose2d>(
      options.feature_channels, options.channels, kDeconvolutionKernel,
      ConvTranspose2dOptions{.stride = options.scale,
                             .padding = options.deconvolution_padding,
                             .output_padding = std::max(0, -surplus(options))});
}

}  // namespace

NetworkSpec fsrcnn_spec(const FsrcnnOptions& options) {
  NetworkSpec spec;
  spec.architecture = "fsrcnn";
  spec.scale = options.scale;
  spec.channels = options.channels;
  spec.options = {{"feature_channels", options.feature_channels},
                  {"shrink_channels", options.shrink_channels},
                  {"mapping_layers", options.mapping_layers},
                  {"slope_per_channel", options.slope_per_channel},
                  {kReplicatePadding, options.replicate_padding},
                  {kDeconvolutionPadding, options.deconvolution_padding},
                  {"depth_to_space", options.depth_to_space}};
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
                const int kernel = extent_of(tensors, "deconvolution.weight", 2);
                options.depth_to_space = kernel > 0 && kernel < kDeconvolutionKernel;
                return fsrcnn_spec(options).options;
              },
          .channels = {1, 3},
          .keeps_size = true};
}

Fsrcnn::Fsrcnn(const FsrcnnOptions& options)
    : SrNetwork(completed(fsrcnn_spec(options), fsrcnn_options(), {1, 3})),
      options_(options),
      feature_(options.channels, options.feature_channels, kFeatureKernel,
               same_size(options, kFeatureKernel), slopes(options, options.feature_channels)),
      shrink_(options.feature_channels, options.shrink_channels, 1, {},
              slopes(options, options.shrink_channels)),
      expand_(options.shrink_channels, options.feature_channels, 1, {},
              slopes(options, options.feature_channels)),
      deconvolution_(make_deconvolution(options)) {
  for (int layer = 0; layer < options.mapping_layers; ++layer) {
    mapping_.add<Conv2dPrelu>(options.shrink_channels, options.shrink_channels, kMappingKernel,
                              same_size(options, kMappingKernel),
                              slopes(options, options.shrink_channels));
  }
  add_child("feature", feature_);
  add_child("shrink", shrink_);
  add_child("mapping", mapping_);
  add_child("expand", expand_);
  add_child("deconvolution", *deconvolution_);
}

Variable Fsrcnn::feature(const Variable& low) const {
  return expand_(mapping_(shrink_(feature_(low))));
}

Variable Fsrcnn::reconstruction(const Variable& feature, const Variable&) const {
  const Variable image = (*deconvolution_)(feature);
  const int beyond = options_.depth_to_space ? 0 : std::max(0, surplus(options_));
  return beyond > 0 ? crop(image, {.bottom = beyond, .right = beyond}) : image;
}

std::optional<ConvChain> Fsrcnn::chain(NetworkEnd end) const {
  ConvChain chain;
  chain.append(feature_).append(shrink_).append(mapping_).append(expand_);
  if (end == NetworkEnd::image) {
    if (!options_.depth_to_space && surplus(options_) > 0) {
      return std::nullopt;
    }
    chain.append(*deconvolution_);
  }
  return chain;
}

void Fsrcnn::start_as_interpolation() {
  check_hands_image_on(std::min(options_.feature_channels, options_.shrink_channels));
  pass_channels_on(*this, options_.channels);
  for (const NamedParameter& named : deconvolution_->parameters()) {
    if (is_weight(named.role)) {
      set_interpolation(named.parameter->value, options_.scale,
                        options_.depth_to_space ? 0 : options_.deconvolution_padding);
    }
  }
}

std::optional<int> Fsrcnn::halo() const {
  // Output pixel scale i + r, r < scale, of the deconvolution with padding p reads features from
  // i - (8 - p - r) / scale to i + (r + p) / scale.
  const int p = options_.deconvolution_padding;
  const int deconvolution = options_.depth_to_space
                                ? 0
                                : std::max((kDeconvolutionKernel - 1 - p) / options_.scale,
                                           (p + options_.scale - 1) / options_.scale);
  return kFeatureKernel / 2 + options_.mapping_layers * (kMappingKernel / 2) + deconvolution;
}

MultiplyAdds Fsrcnn::multiply_adds(std::int64_t width, std::int64_t height, NetworkEnd end) const {
  const auto area = [](std::int64_t kernel) { return kernel * kernel; };
  const std::int64_t d = options_.feature_channels;
  const std::int64_t s = options_.shrink_channels;
  const std::int64_t c = options_.channels;
  const std::int64_t convolutions = area(kFeatureKernel) * c * d + d * s +
                                    options_.mapping_layers * area(kMappingKernel) * s * s + s * d;
  const std::int64_t low_pixels = width * height / area(options_.scale);
  if (end == NetworkEnd::feature) {
    return {low_pixels * convolutions, low_pixels * convolutions};
  }
  if (options_.depth_to_space) {
    // A 1x1 convolution, whose outputs are the pixels.
    const std::int64_t count = low_pixels * (convolutions + area(options_.scale) * c * d);
    return {count, count};
  }
  const std::int64_t deconvolution = area(kDeconvolutionKernel) * c * d;
  return {low_pixels * (convolutions + deconvolution),
          low_pixels * convolutions + width * height * deconvolution};
}

}  // namespace pisr
