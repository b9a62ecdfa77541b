#pragma once

#include "core/ops.h"
#include "core/shape.h"
#include "kernels/conv_args.h"

/// The sizes that kernels take for a convolution of x [n, c, h, w] by a weight. Both are of rank 4
/// and their channels fit together. out_height and out_width are 0 where there is no output. Throws
/// ShapeError naming `op` where an extent is too large for the kernels.
namespace pisr {

/// weight [k, c / groups, kh, kw]
kernels::ConvSizes conv2d_sizes(const char* op, const Shape& x, const Shape& weight,
                                const Conv2dOptions& options);

/// weight [c, k / groups, kh, kw]
kernels::ConvSizes conv_transpose2d_sizes(const char* op, const Shape& x, const Shape& weight,
                                          const ConvTranspose2dOptions& options);

inline bool has_output(const kernels::ConvSizes& sizes) {
  return sizes.out_height > 0 && sizes.out_width > 0;
}

}  // namespace pisr
