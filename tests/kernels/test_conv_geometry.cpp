// Sizes of the CPU's convolutions beyond 2^31; nothing here has the memory of such images.

#include <cstdint>
#include <limits>

#include "kernels/conv_args.h"
#include "kernels/cpu/conv/conv_geometry.h"
#include "kernels/cpu/conv/conv_window.h"
#include "kernels/cpu/conv/winograd.h"
#include "tests/catch.h"

namespace pisr::kernels::cpu {

TEST_CASE("conv: a pointwise convolution of more than 2^31 pixels is one long row") {
  constexpr int kSide = 50'000;
  ConvSizes sizes;
  sizes.in_height = sizes.in_width = sizes.out_height = sizes.out_width = kSide;
  for (const ConvGeometry& geometry :
       {conv_forward_geometry(sizes), conv_transpose_geometry(sizes)}) {
    const ConvGeometry flat = flattened_if_pointwise(geometry);
    CHECK(flat.height == 1);
    CHECK(flat.width == std::int64_t{kSide} * kSide);
    CHECK(flat.columns == flat.width);
    CHECK(flat.out_width == flat.width);
  }
}

TEST_CASE("conv: a side of 2^31 - 1 and its padding") {
  ConvSizes sizes;
  sizes.in_height = sizes.in_width = std::numeric_limits<int>::max();
  sizes.out_height = sizes.out_width = sizes.in_height;
  sizes.kernel_height = sizes.kernel_width = 5;
  sizes.padding = 2;
  CHECK(conv_transpose_geometry(sizes).rows == sizes.in_height);
  CHECK(conv_transpose_geometry(sizes).columns == sizes.in_width);
}

TEST_CASE("conv: more than 2^31 planes of a window, and taps of a filter") {
  constexpr int kChannels = 1 << 20, kSide = 64;
  const Window window(kChannels, kSide, kSide, kSide, 1, 1, 8);
  const std::ptrdiff_t plane = window.offset(0, 0, 1);
  CHECK(window.offset(kChannels - 1, kSide - 1, kSide - 1) ==
        (std::int64_t{kChannels} * kSide * kSide - 1) * plane);
  ConvSizes sizes;
  sizes.in_channels = kChannels;
  sizes.out_channels = 4;
  sizes.in_height = sizes.in_width = sizes.kernel_height = sizes.kernel_width = kSide;
  CHECK(use_winograd(conv_forward_geometry(sizes)));
}

}  // namespace pisr::kernels::cpu
