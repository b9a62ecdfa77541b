#pragma once

#include <cstdint>

#include "kernels/conv_args.h"

namespace pisr::kernels::cpu {

/// conv_forward and conv_transpose (conv_primitives.h) in one form: a convolution with dense
/// windows. Position [y, x] of the result reads the window of the source whose corner is at
/// [top + stride y, left + stride x].
///
/// - conv_forward strides by the stride of the convolution, and a position is one pixel.
/// - conv_transpose strides by 1, and a position is `upscale` x `upscale` pixels, upscale being the
///   stride of the convolution. A pixel whose row leaves the residue r when divided by the stride
///   is reached by the taps i = r + stride m alone, from the position y - m. Each pixel of a
///   position is thus an output channel of its own, and depth to space (row_convolver.h) brings
///   them together.
///
/// Channels are those of one group.
struct ConvGeometry {
  std::int64_t batch;
  int groups;
  int channels;
  std::int64_t height, width;  ///< of the source
  PaddingMode padding_mode;
  int kernel_height, kernel_width, stride;  ///< of the window
  std::int64_t top, left;                   ///< of the first window in the source; may be outside
  std::int64_t rows, columns;               ///< of positions
  int out_channels;
  std::int64_t out_height, out_width;
  int upscale;           ///< a position has upscale x upscale pixels of the result
  std::int64_t crop;     ///< the first position begins at [-crop, -crop] of the result
  bool shorter_columns;  ///< some pixels of a position are reached by one row of taps fewer

  /// Whether a position reads no other pixel of the source than its own.
  bool is_pointwise() const {
    return kernel_height == 1 && kernel_width == 1 && stride == 1 && top == 0 && left == 0 &&
           rows == height && columns == width;
  }
};

/// Of a transposed convolution: with fewer output channels than this, all pixels of a position are
/// computed by one filter, so that they share what they load.
constexpr int kFewChannels = 4;

/// A pointwise convolution as one of a single row, as long as the image has pixels.
ConvGeometry flattened_if_pointwise(ConvGeometry geometry);

ConvGeometry conv_forward_geometry(const ConvSizes& sizes);
ConvGeometry conv_transpose_geometry(const ConvSizes& sizes);

}  // namespace pisr::kernels::cpu
