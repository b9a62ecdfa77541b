#pragma once

#include "kernels/cuda/language.h"

namespace pisr::kernels::PISR_CUDA_NAMESPACE {

/// The rows, or the columns, of the large image of a transposed convolution that share their taps:
/// those whose coordinate plus padding is `residue` modulo the stride. Row `position` of them has
/// the large coordinate position stride + offset. Its taps are first_tap + tap stride in the
/// kernel, and tap number `tap` reads small coordinate position + first - tap.
struct StrideResidue {
  int first, count, offset, first_tap, taps;

  __host__ __device__ StrideResidue(int residue, int large, int kernel, int stride, int padding)
      : first_tap(residue), taps(residue < kernel ? (kernel - residue - 1) / stride + 1 : 0) {
    // The least q for which q stride + residue - padding is not negative.
    first = padding > residue ? (padding - residue + stride - 1) / stride : 0;
    offset = first * stride + residue - padding;
    count = offset < large ? (large - 1 - offset) / stride + 1 : 0;
  }
};

}  // namespace pisr::kernels::PISR_CUDA_NAMESPACE
