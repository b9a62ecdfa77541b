#include "pisr/model/encoder.h"

#include <algorithm>
#include <vector>

#include "core/error.h"
#include "nn/conv_chain.h"
#include "nn/init.h"

namespace pisr {
namespace {

constexpr int kWide = 5;
constexpr int kNarrow = 3;

int slopes(const EncoderOptions& options, int channels) {
  return options.slope_per_channel ? channels : 1;
}

}  // namespace

Encoder::Encoder(const EncoderOptions& options)
    : options_(options),
      feature_(options.channels, options.feature_channels, kWide, {.padding = kWide / 2},
               slopes(options, options.feature_channels)),
      downscale_(options.feature_channels, options.feature_channels, kWide,
                 {.stride = options.scale, .padding = kWide / 2},
                 slopes(options, options.feature_channels)),
      shrink_(options.feature_channels, options.shrink_channels, kNarrow, {.padding = kNarrow / 2},
              slopes(options, options.shrink_channels)),
      compact_(options.shrink_channels, options.channels, kNarrow, {.padding = kNarrow / 2}) {
  add_child("feature", feature_);
  add_child("downscale", downscale_);
  add_child("shrink", shrink_);
  add_child("compact", compact_);
}

Variable Encoder::forward(const Variable& high) const {
  const Shape& shape = high.shape();
  const int scale = options_.scale;
  if (shape.rank() != 4 || shape[1] != options_.channels || shape[2] % scale != 0 ||
      shape[3] % scale != 0) {
    throw ShapeError(message("teacher encoder: the image must be [n,", options_.channels,
                             ",h,w] with h and w multiples of ", scale, ", got ", shape));
  }
  return compact_(shrink_(downscale_(feature_(high))));
}

void Encoder::start_as_mean() {
  pass_channels_on(*this, options_.channels);
  // Output i of the strided convolution has its middle at pixel scale i, where its block begins.
  std::vector<int> taps;
  for (int pixel = 0; pixel < options_.scale; ++pixel) {
    if (options_.scale - 1 - pixel <= kWide / 2 && pixel <= kWide / 2) {
      taps.push_back(pixel + kWide / 2);
    }
  }
  const Tensor& weight = downscale_.weight.value;
  const double share = 1.0 / static_cast<double>(taps.size() * taps.size());
  with_type(weight.dtype(), [&]<class T>() {
    for (std::int64_t channel = 0; channel < options_.channels; ++channel) {
      T* const kernel =
          weight.data<T>() + (channel * options_.feature_channels + channel) * kWide * kWide;
      std::fill_n(kernel, kWide * kWide, T{0});
      for (const int row : taps) {
        for (const int column : taps) {
          kernel[row * kWide + column] = static_cast<T>(share);
        }
      }
    }
  });
}

void Encoder::append_to(ConvChain& chain) const {
  chain.append(feature_).append(downscale_).append(shrink_).append(compact_);
}

std::int64_t Encoder::multiply_adds(std::int64_t width, std::int64_t height) const {
  constexpr std::int64_t wide = std::int64_t{kWide} * kWide;
  constexpr std::int64_t narrow = std::int64_t{kNarrow} * kNarrow;
  const std::int64_t d = options_.feature_channels;
  const std::int64_t s = options_.shrink_channels;
  const std::int64_t c = options_.channels;
  const std::int64_t low_pixels = width * height / (std::int64_t{options_.scale} * options_.scale);
  return width * height * wide * c * d + low_pixels * (wide * d * d + narrow * (d * s + s * c));
}

}  // namespace pisr
