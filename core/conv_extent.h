#pragma once

#include <cstdint>

/// Height or width of a convolution's output; below 1 where there is none.
namespace pisr {

constexpr std::int64_t conv2d_extent(std::int64_t input, std::int64_t kernel, int stride,
                                     int padding) {
  const std::int64_t spare = input + 2 * std::int64_t{padding} - kernel;
  return spare < 0 ? 0 : spare / stride + 1;
}

constexpr std::int64_t conv_transpose2d_extent(std::int64_t input, std::int64_t kernel, int stride,
                                               int padding, int output_padding) {
  return (input - 1) * stride - 2 * std::int64_t{padding} + kernel + output_padding;
}

/// The extent as an int, as kernels take it. Throws ShapeError naming `op` where it does not fit.
int kernel_extent(const char* op, std::int64_t extent);

}  // namespace pisr
