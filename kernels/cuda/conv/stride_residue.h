#pragma once

#include "kernels/cuda/runtime/language.h"

namespace pisr::kernels::PISR_CUDA_NAMESPACE {

/// With a stride, the pixels of the large image of a convolution fall into phases, each of which
/// meets taps of its own. The rows, or the columns, of one phase: pixel `position` of it is at
/// large coordinate position stride + offset, and its tap number `tap` is tap stride + first_tap of
/// the filter, which takes it to small coordinate position + first - tap.
struct StrideResidue {
  int first, count, offset, first_tap, taps;

  __host__ __device__ StrideResidue(int phase, int large, int kernel, int stride, int padding)
      : first_tap(phase), taps(phase < kernel ? (kernel - phase - 1) / stride + 1 : 0) {
    // The least q for which q stride + phase - padding is in the image, and how many there are.
    first = padding > phase ? (padding - phase + stride - 1) / stride : 0;
    offset = first * stride + phase - padding;
    count = offset < large ? (large - 1 - offset) / stride + 1 : 0;
  }
};

}  // namespace pisr::kernels::PISR_CUDA_NAMESPACE
