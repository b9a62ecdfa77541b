#include "pisr/model/fsrcnn.h"

namespace pisr {
namespace {

constexpr int kFeatureKernel = 5;
constexpr int kMappingKernel = 3;
constexpr int kDeconvolutionKernel = 9;

const FsrcnnOptions& checked(const FsrcnnOptions& options) {
  check(options);
  return options;
}

int slopes(const FsrcnnOptions& options, int channels) {
  return options.slope_per_channel ? channels : 1;
}

}  // namespace

void check(const FsrcnnOptions& options) {
  constexpr int kMaxChannels = 512;
  constexpr int kMaxLayers = 32;
  const auto wants = [](const char* what, int lowest, int highest, int got) {
    if (got < lowest || got > highest) {
      throw Error(ErrorKind::usage,
                  message("FSRCNN: ", what, " must be in ", lowest, "..", highest, ", got ", got));
    }
  };
  wants("feature_channels", 1, kMaxChannels, options.feature_channels);
  wants("shrink_channels", 1, kMaxChannels, options.shrink_channels);
  wants("mapping_layers", 0, kMaxLayers, options.mapping_layers);
  wants("scale", 2, 4, options.scale);
}

Fsrcnn::Fsrcnn(const FsrcnnOptions& options)
    : options_(checked(options)),
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

Fsrcnn::Result Fsrcnn::forward(const Variable& low) const {
  const Variable expanded = expand_(mapping_(shrink_(feature_(low))));
  return {deconvolution_(expanded), expanded};
}

ConvChain Fsrcnn::inference_chain() const {
  ConvChain chain;
  append_feature_to(chain);
  chain.append(deconvolution_);
  return chain;
}

void Fsrcnn::append_feature_to(ConvChain& chain) const {
  chain.append(feature_).append(shrink_).append(mapping_).append(expand_);
}

MultiplyAdds Fsrcnn::multiply_adds(std::int64_t width, std::int64_t height) const {
  const auto area = [](std::int64_t kernel) { return kernel * kernel; };
  const std::int64_t d = options_.feature_channels;
  const std::int64_t s = options_.shrink_channels;
  const std::int64_t convolutions = area(kFeatureKernel) * d + d * s +
                                    options_.mapping_layers * area(kMappingKernel) * s * s + s * d;
  const std::int64_t deconvolution = area(kDeconvolutionKernel) * d;
  const std::int64_t low_pixels = width * height / area(options_.scale);
  return {low_pixels * (convolutions + deconvolution),
          low_pixels * convolutions + width * height * deconvolution};
}

}  // namespace pisr
