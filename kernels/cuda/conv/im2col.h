#pragma once

#include <cstdint>

#include "kernels/conv_args.h"
#include "kernels/cuda/fast_divide.h"

namespace pisr::kernels::PISR_CUDA_NAMESPACE {

/// The matrix im2col(large) [patch, pixels] of one image and group, whose elements are found and
/// not stored. Rows count [group_inputs, kernel_height, kernel_width], columns the pixels of
/// `small`.
struct Im2col {
  ConvSizes sizes;
  FastDivide taps, kernel_width, out_width;

  explicit Im2col(const ConvSizes& s)
      : sizes(s),
        taps(s.kernel_height * s.kernel_width),
        kernel_width(s.kernel_width),
        out_width(s.out_width) {}

  /// Element (k, pixel), where `image` is the group's first channel; null for a zero of padding.
  template <class T>
  __device__ const T* find(const T* image, int pixel, int k) const {
    const int channel = taps.quotient(k), tap = k - channel * taps.divisor();
    const int i = kernel_width.quotient(tap), j = tap - i * kernel_width.divisor();
    const int out_y = out_width.quotient(pixel), out_x = pixel - out_y * out_width.divisor();
    int y = out_y * sizes.stride - sizes.padding + i;
    int x = out_x * sizes.stride - sizes.padding + j;
    if (sizes.padding_mode == PaddingMode::replicate) {
      y = y < 0 ? 0 : y < sizes.in_height ? y : sizes.in_height - 1;
      x = x < 0 ? 0 : x < sizes.in_width ? x : sizes.in_width - 1;
    } else if (y < 0 || y >= sizes.in_height || x < 0 || x >= sizes.in_width) {
      return nullptr;
    }
    return image + (std::int64_t{channel} * sizes.in_height + y) * sizes.in_width + x;
  }
};

}  // namespace pisr::kernels::PISR_CUDA_NAMESPACE
