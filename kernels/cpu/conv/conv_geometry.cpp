#include "kernels/cpu/conv/conv_geometry.h"

#include "kernels/cpu/conv/rounding.h"

namespace pisr::kernels::cpu {

ConvGeometry flattened_if_pointwise(ConvGeometry geometry) {
  if (geometry.is_pointwise() && geometry.upscale == 1) {
    geometry.width *= geometry.height;
    geometry.columns = geometry.width;
    geometry.rows = geometry.height = 1;
    geometry.out_width *= geometry.out_height;
    geometry.out_height = 1;
  }
  return geometry;
}

ConvGeometry conv_forward_geometry(const ConvSizes& sizes) {
  return {.batch = sizes.batch,
          .groups = sizes.groups,
          .channels = sizes.in_channels / sizes.groups,
          .height = sizes.in_height,
          .width = sizes.in_width,
          .padding_mode = sizes.padding_mode,
          .kernel_height = sizes.kernel_height,
          .kernel_width = sizes.kernel_width,
          .stride = sizes.stride,
          .top = -sizes.padding,
          .left = -sizes.padding,
          .rows = sizes.out_height,
          .columns = sizes.out_width,
          .out_channels = sizes.out_channels / sizes.groups,
          .out_height = sizes.out_height,
          .out_width = sizes.out_width,
          .upscale = 1,
          .crop = 0,
          .shorter_columns = false};
}

ConvGeometry conv_transpose_geometry(const ConvSizes& sizes) {
  const int stride = sizes.stride;
  const int first = sizes.padding / stride;
  const int kernel_height = static_cast<int>(ceil_divide(sizes.kernel_height, stride));
  const int kernel_width = static_cast<int>(ceil_divide(sizes.kernel_width, stride));
  return {.batch = sizes.batch,
          .groups = sizes.groups,
          .channels = sizes.out_channels / sizes.groups,
          .height = sizes.out_height,
          .width = sizes.out_width,
          .padding_mode = PaddingMode::zero,
          .kernel_height = kernel_height,
          .kernel_width = kernel_width,
          .stride = 1,
          .top = first - (kernel_height - 1),
          .left = first - (kernel_width - 1),
          .rows = (std::int64_t{sizes.in_height} - 1 + sizes.padding) / stride - first + 1,
          .columns = (std::int64_t{sizes.in_width} - 1 + sizes.padding) / stride - first + 1,
          .out_channels = sizes.in_channels / sizes.groups,
          .out_height = sizes.in_height,
          .out_width = sizes.in_width,
          .upscale = stride,
          .crop = sizes.padding % stride,
          .shorter_columns = sizes.kernel_height % stride != 0 &&
                             sizes.in_channels / sizes.groups >= kFewChannels};
}

}  // namespace pisr::kernels::cpu
