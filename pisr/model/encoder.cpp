#include "pisr/model/encoder.h"

namespace pisr {
namespace {

int slopes(const FsrcnnOptions& decoder, int channels) {
  return decoder.slope_per_channel ? channels : 1;
}

const FsrcnnOptions& checked(const FsrcnnOptions& options) {
  check(options);
  return options;
}

}  // namespace

Encoder::Encoder(const FsrcnnOptions& decoder)
    : scale_(checked(decoder).scale),
      feature_(1, decoder.feature_channels, 5, {.padding = 2},
               slopes(decoder, decoder.feature_channels)),
      downscale_(decoder.feature_channels, decoder.feature_channels, 5,
                 {.stride = decoder.scale, .padding = 2},
                 slopes(decoder, decoder.feature_channels)),
      shrink_(decoder.feature_channels, decoder.shrink_channels, 3, {.padding = 1},
              slopes(decoder, decoder.shrink_channels)),
      compact_(decoder.shrink_channels, 1, 3, {.padding = 1}) {
  add_child("feature", feature_);
  add_child("downscale", downscale_);
  add_child("shrink", shrink_);
  add_child("compact", compact_);
}

Variable Encoder::forward(const Variable& high) const {
  const Shape& shape = high.shape();
  if (shape.rank() != 4 || shape[2] % scale_ != 0 || shape[3] % scale_ != 0) {
    throw ShapeError(message("teacher encoder: wants an image [n,1,h,w] with h and w multiples of ",
                             scale_, ", got ", shape));
  }
  return compact_(shrink_(downscale_(feature_(high))));
}

void Encoder::append_to(ConvChain& chain) const {
  chain.append(feature_).append(downscale_).append(shrink_).append(compact_);
}

}  // namespace pisr
