#include "core/conv_sizes.h"

#include <algorithm>
#include <cstdint>

#include "core/conv_extent.h"

namespace pisr {
namespace {

using kernels::ConvSizes;

/// The sizes that both kinds of convolution derive from their operands in the same way.
template <class Options>
ConvSizes common_sizes(const char* op, const Shape& x, const Shape& weight,
                       const Options& options) {
  ConvSizes sizes;
  sizes.batch = x[0];
  sizes.in_channels = kernel_extent(op, x[1]);
  sizes.in_height = kernel_extent(op, x[2]);
  sizes.in_width = kernel_extent(op, x[3]);
  sizes.kernel_height = kernel_extent(op, weight[2]);
  sizes.kernel_width = kernel_extent(op, weight[3]);
  sizes.stride = options.stride;
  sizes.padding = options.padding;
  sizes.groups = options.groups;
  return sizes;
}

int out_extent(const char* op, std::int64_t extent) {
  return kernel_extent(op, std::max<std::int64_t>(extent, 0));
}

}  // namespace

ConvSizes conv2d_sizes(const char* op, const Shape& x, const Shape& weight,
                       const Conv2dOptions& options) {
  ConvSizes sizes = common_sizes(op, x, weight, options);
  sizes.padding_mode = options.padding_mode;
  sizes.out_channels = kernel_extent(op, weight[0]);
  const auto out = [&](int axis) {
    return out_extent(op, conv2d_extent(x[axis], weight[axis], options.stride, options.padding));
  };
  sizes.out_height = out(2);
  sizes.out_width = out(3);
  return sizes;
}

ConvSizes conv_transpose2d_sizes(const char* op, const Shape& x, const Shape& weight,
                                 const ConvTranspose2dOptions& options) {
  ConvSizes sizes = common_sizes(op, x, weight, options);
  sizes.out_channels = kernel_extent(op, weight[1] * options.groups);
  const auto out = [&](int axis) {
    return out_extent(op, conv_transpose2d_extent(x[axis], weight[axis], options.stride,
                                                  options.padding, options.output_padding));
  };
  sizes.out_height = out(2);
  sizes.out_width = out(3);
  return sizes;
}

}  // namespace pisr
