#include "tests/kernels/conv_cases.h"

namespace pisr::kernels {
namespace {

constexpr PaddingMode kReplicate = PaddingMode::replicate;

ConvSizes common_sizes(int batch, int in_channels, int out_channels, int height, int width,
                       const ConvKernel& k) {
  ConvSizes s;
  s.batch = batch;
  s.in_channels = in_channels;
  s.in_height = height;
  s.in_width = width;
  s.out_channels = out_channels;
  s.kernel_height = k.size;
  s.kernel_width = k.width == 0 ? k.size : k.width;
  s.stride = k.stride;
  s.padding = k.padding;
  s.groups = k.groups;
  s.padding_mode = k.mode;
  return s;
}

}  // namespace

ConvCase conv(const char* name, int batch, int in_channels, int out_channels, int height, int width,
              const ConvKernel& k) {
  ConvSizes s = common_sizes(batch, in_channels, out_channels, height, width, k);
  s.out_height = (height + 2 * k.padding - s.kernel_height) / k.stride + 1;
  s.out_width = (width + 2 * k.padding - s.kernel_width) / k.stride + 1;
  return {name, s};
}

ConvCase transpose(const char* name, int batch, int in_channels, int out_channels, int height,
                   int width, const ConvKernel& k, int output_padding) {
  ConvSizes s = common_sizes(batch, in_channels, out_channels, height, width, k);
  s.out_height = (height - 1) * k.stride - 2 * k.padding + s.kernel_height + output_padding;
  s.out_width = (width - 1) * k.stride - 2 * k.padding + s.kernel_width + output_padding;
  return {name, s};
}

const std::vector<ConvCase>& conv_cases() {
  static const std::vector<ConvCase> cases = {
      conv("student feature", 2, 1, 56, 16, 48, {5, 1, 2}),
      conv("encoder", 1, 56, 56, 12, 96, {5, 2, 2}),
      conv("shrink", 2, 56, 12, 5, 48, {1}),
      conv("expand", 2, 12, 56, 6, 48, {1}),
      conv("encoder 1x1", 1, 56, 56, 7, 17, {1}),
      conv("mapping", 2, 12, 12, 9, 48, {3, 1, 1}),
      conv("encoder end", 1, 56, 12, 9, 31, {3, 1, 1}),
      conv("to one channel", 1, 12, 1, 10, 48, {3, 1, 1}),
      conv("data gradient of deconvolution", 1, 1, 56, 16, 96, {9, 2, 4}),
      conv("wide", 1, 3, 5, 6, 100, {3, 1, 1}),
      // Winograd on the CPU (kernels/cpu/conv/winograd.h), from columns of each number of taps.
      conv("Winograd, two taps", 1, 11, 5, 11, 19, {2, 1, 0}),
      conv("Winograd, four taps", 1, 3, 9, 14, 35, {4, 1, 2}),
      conv("Winograd, seven taps, stride 2", 1, 2, 8, 27, 30, {7, 2, 3}),
      conv("Winograd, three and two taps, groups", 1, 4, 8, 21, 33, {5, 2, 1, 2}),
      conv("Winograd, replicate", 2, 5, 6, 13, 17, {3, 1, 1, 1, kReplicate}),
      conv("Winograd, odd padding, stride 2", 1, 4, 9, 14, 75, {5, 2, 3}),
      conv("Winograd, odd padding, stride 2, replicate", 1, 4, 9, 13, 74, {5, 2, 3, 1, kReplicate}),
      conv("Winograd, tiles of columns", 1, 5, 6, 7, 201, {3, 1, 1}),
      conv("Winograd, tiles of columns, stride 2", 1, 3, 8, 9, 395, {5, 2, 2}),
      // F(2 x 2, 3 x 3).
      conv("square Winograd, odd sides", 2, 24, 9, 9, 35, {3, 1, 1}),
      conv("square Winograd, even sides", 1, 33, 17, 8, 64, {3, 1, 1}),
      conv("square Winograd, tiles of columns", 1, 25, 8, 7, 401, {3, 1, 1}),
      conv("square Winograd, narrow", 2, 26, 12, 9, 1, {3, 1, 1}),
      conv("square Winograd, three columns", 1, 24, 8, 10, 3, {3, 1, 1}),
      conv("square Winograd, no padding", 1, 24, 11, 11, 50, {3, 1, 0}),
      conv("square Winograd, wide padding", 1, 24, 8, 6, 20, {3, 1, 4}),
      conv("square Winograd, groups", 1, 50, 34, 7, 37, {3, 1, 1, 2}),
      conv("square Winograd, replicate", 1, 28, 8, 9, 34, {3, 1, 1, 1, kReplicate}),
      conv("one pixel", 3, 1, 1, 1, 1, {1}),
      conv("one pixel, padded", 2, 3, 2, 1, 1, {3, 1, 1}),
      conv("one pixel, padding beyond the kernel", 1, 2, 3, 1, 1, {3, 1, 5}),
      conv("padding as large as the kernel", 1, 2, 4, 5, 7, {3, 1, 3}),
      conv("padding beyond the kernel, stride 2", 1, 3, 2, 6, 13, {2, 2, 4}),
      conv("seven", 2, 7, 7, 7, 7, {3, 1, 1}),
      conv("thirteen", 1, 13, 13, 13, 13, {5, 1, 2}),
      conv("even kernel", 1, 3, 4, 9, 11, {4, 1, 1}),
      conv("kernel as large as the image", 2, 3, 9, 6, 5, {6, 1, 0, 1, PaddingMode::zero, 5}),
      conv("row kernel", 1, 3, 4, 5, 21, {1, 1, 1, 1, PaddingMode::zero, 7}),
      conv("column kernel", 1, 3, 4, 19, 3, {7, 1, 0, 1, PaddingMode::zero, 1}),
      conv("stride 2, odd", 1, 5, 6, 13, 15, {3, 2, 1}),
      conv("stride 2, rest not reached", 2, 2, 3, 10, 12, {3, 2, 0}),
      conv("stride 3", 1, 4, 7, 14, 37, {5, 3, 2}),
      conv("stride 4", 1, 3, 6, 17, 66, {3, 4, 1}),
      conv("stride beyond the kernel", 1, 3, 4, 11, 40, {1, 2, 0}),
      conv("stride 4, kernel 2, padded", 1, 2, 3, 9, 13, {2, 4, 3}),
      conv("groups", 2, 6, 9, 8, 18, {3, 1, 1, 3}),
      conv("groups, stride 2", 1, 8, 4, 9, 35, {5, 2, 2, 4}),
      conv("depthwise", 1, 5, 5, 6, 20, {3, 1, 1, 5}),
      conv("depthwise, two filters", 1, 3, 6, 7, 9, {3, 2, 1, 3}),
      conv("replicate", 2, 3, 4, 9, 20, {3, 1, 1, 1, kReplicate}),
      conv("replicate, stride 2", 1, 4, 9, 11, 34, {5, 2, 2, 1, kReplicate}),
      conv("replicate, groups", 1, 4, 6, 5, 7, {3, 1, 1, 2, kReplicate}),
      conv("replicate, one pixel", 2, 2, 3, 1, 1, {5, 1, 4, 1, kReplicate}),
      conv("replicate, wide padding", 1, 2, 3, 4, 6, {2, 3, 7, 1, kReplicate}),
  };
  return cases;
}

const std::vector<ConvCase>& transpose_cases() {
  static const std::vector<ConvCase> cases = {
      transpose("deconvolution", 2, 56, 1, 8, 48, {9, 2, 4}, 1),
      transpose("deconvolution, odd", 1, 12, 1, 7, 13, {9, 2, 4}, 1),
      transpose("deconvolution x3", 1, 12, 1, 7, 21, {9, 3, 4}, 2),
      transpose("deconvolution x4", 1, 12, 1, 7, 21, {9, 4, 4}, 3),
      transpose("two channels", 1, 5, 2, 6, 11, {9, 2, 4}, 1),
      transpose("three channels", 1, 4, 3, 6, 19, {4, 2, 1}),
      transpose("many channels", 1, 9, 13, 7, 50, {5, 2, 2}, 1),
      transpose("stride 1", 2, 3, 4, 7, 13, {3, 1, 1}),
      transpose("Winograd, columns of two lengths", 1, 7, 6, 15, 21, {7, 3, 2}, 1),
      transpose("Winograd, even kernel, groups", 1, 12, 10, 12, 18, {6, 2, 2, 2}),
      transpose("one pixel", 1, 2, 3, 1, 1, {3, 2, 1}, 1),
      transpose("one pixel, no kernel overlap", 1, 2, 1, 1, 1, {1, 4, 0}, 3),
      transpose("stride beyond the kernel", 1, 3, 2, 5, 7, {1, 3, 0}, 2),
      transpose("padding beyond the kernel", 1, 3, 2, 9, 12, {3, 2, 5}, 1),
      transpose("groups", 2, 6, 4, 5, 9, {4, 2, 1, 2}),
      transpose("depthwise", 1, 5, 5, 6, 17, {3, 3, 0, 5}, 1),
      transpose("row kernel", 1, 3, 2, 4, 9, {2, 2, 0, 1, PaddingMode::zero, 6}),
  };
  return cases;
}

std::size_t x_count(const ConvSizes& s) {
  return static_cast<std::size_t>(s.batch) * s.in_channels * s.in_height * s.in_width;
}

std::size_t y_count(const ConvSizes& s) {
  return static_cast<std::size_t>(s.batch) * s.out_channels * s.out_height * s.out_width;
}

std::size_t weight_count(const ConvSizes& s) {
  return static_cast<std::size_t>(s.out_channels) * s.in_channels / s.groups * s.kernel_height *
         s.kernel_width;
}

}  // namespace pisr::kernels
