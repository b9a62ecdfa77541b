#pragma once

#include "core/tensor.h"
#include "pisr/export/graph.h"

namespace pisr {

/// A convolution with stride 1 and zeros around the map, whose result [1, c s^2, h', w'] is spread
/// by depth to space to [1, c, s h', s w'], of which the first rows and columns are what is wanted:
/// h' = h + extra.
struct SubpixelConvolution {
  Tensor weight;   ///< [c s^2, in / groups, k, k]; channel (c s + row) s + column
  int before = 0;  ///< zeros above and at the left
  int behind = 0;  ///< zeros below and at the right
  int extra = 0;
  int scale = 1;  ///< s
  int groups = 1;
};

/// The same numbers as a conv_transpose2d, borders included. weight [in, c / groups, k, k]; of the
/// result the first (h - 1) stride - 2 padding + k + output_padding rows are wanted, columns
/// likewise.
SubpixelConvolution subpixel_convolution(const Tensor& weight, int stride, int padding,
                                         int output_padding, int groups);

/// The same as a "conv_transpose2d" of a graph.
SubpixelConvolution subpixel_convolution(const Graph& graph, const GraphNode& node);

/// Weights of a convolution whose result, spread by depth to space, is upscale_bicubic of a map
/// with two more pixels on each side, [scale^2, 1, 5, 5].
Tensor bicubic_phases(int scale);
/// The same for upscale_bilinear and one more pixel, [scale^2, 1, 3, 3].
Tensor bilinear_phases(int scale);

}  // namespace pisr
