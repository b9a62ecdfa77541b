#pragma once

#include <cstddef>
#include <vector>

#include "kernels/conv_args.h"

namespace pisr::kernels {

struct ConvCase {
  const char* name;
  ConvSizes sizes;
};

struct ConvKernel {
  int size, stride = 1, padding = 0, groups = 1;
  PaddingMode mode = PaddingMode::zero;
  int width = 0;  ///< 0: square
};

ConvCase conv(const char* name, int batch, int in_channels, int out_channels, int height, int width,
              const ConvKernel& k);
ConvCase transpose(const char* name, int batch, int in_channels, int out_channels, int height,
                   int width, const ConvKernel& k, int output_padding = 0);

/// What conv2d and conv_transpose2d are tested with.
const std::vector<ConvCase>& conv_cases();
const std::vector<ConvCase>& transpose_cases();

std::size_t x_count(const ConvSizes& s);
std::size_t y_count(const ConvSizes& s);
std::size_t weight_count(const ConvSizes& s);

}  // namespace pisr::kernels
