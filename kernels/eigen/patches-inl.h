#pragma once

#include <algorithm>

#include "kernels/eigen/matrices-inl.h"

namespace pisr::kernels::eigen::PISR_EIGEN_LEVEL {
namespace {

/// What one place in the kernel meets along a row of the output: output pixel i lies over element
/// i stride + shift of a row of the input, left of it for i < inside, right of it for i >= right.
struct Run {
  Index patch;  ///< where it starts in the patches
  Index row;    ///< where the row starts in the input, or kOutside: above or below it
  Index inside, right;
  Index shift;
};
constexpr Index kOutside = -1;

/// Calls visit(Run) for each run of a strip, in the order of the patches.
template <class Visit>
void for_each_run(const ConvMatrices& m, const Strip& strip, Visit visit) {
  const ConvSizes& s = m.sizes;
  // How many output pixels lie left of input element `end`.
  const auto pixels_before = [&](Index end) {
    return std::clamp<Index>((end + s.stride - 1) / s.stride, 0, s.out_width);
  };
  Index patch = 0;
  for (Index channel = 0; channel < m.inputs; ++channel) {
    for (Index ky = 0; ky < s.kernel_height; ++ky) {
      for (Index kx = 0; kx < s.kernel_width; ++kx) {
        const Index shift = kx - s.padding;
        for (Index row = strip.first_row; row < strip.first_row + strip.rows; ++row) {
          const Index wanted = row * s.stride + ky - s.padding;
          const Index nearest = std::clamp<Index>(wanted, 0, s.in_height - 1);
          const bool outside = wanted != nearest && s.padding_mode == PaddingMode::zero;
          visit(Run{patch, outside ? kOutside : (channel * s.in_height + nearest) * s.in_width,
                    pixels_before(-shift), pixels_before(s.in_width - shift), shift});
          patch += s.out_width;
        }
      }
    }
  }
}

/// The patches of a strip (im2col). They are written to `memory` unless the image is its own patch,
/// as for kernels of one pixel.
template <class T>
auto unfold(const ConvMatrices& m, const Strip& strip, const T* x, T* memory) {
  const ConvSizes& s = m.sizes;
  const T* const input = m.input_of(strip, x);
  if (m.taps == m.inputs && s.stride == 1 && s.padding == 0) {
    return matrix(input + strip.first_row * s.in_width, m.taps, m.columns(strip), m.in_plane);
  }
  const bool replicate = s.padding_mode == PaddingMode::replicate;
  for_each_run(m, strip, [&](const Run& run) {
    T* const patch = memory + run.patch;
    if (run.row == kOutside) {
      std::fill_n(patch, s.out_width, T(0));
      return;
    }
    const T* const row = input + run.row;
    std::fill_n(patch, run.inside, replicate ? row[0] : T(0));
    for (Index i = run.inside; i < run.right; ++i) {
      patch[i] = row[i * s.stride + run.shift];
    }
    std::fill_n(patch + run.right, s.out_width - run.right, replicate ? row[s.in_width - 1] : T(0));
  });
  return matrix(static_cast<const T*>(memory), m.taps, m.columns(strip), m.columns(strip));
}

/// The transpose of unfold (col2im): adds each element of the patches to where it came from, in
/// `input` [inputs, in_height, in_width].
template <class T>
void add_folded(const ConvMatrices& m, const Strip& strip, const T* patches, double* input) {
  const ConvSizes& s = m.sizes;
  const bool replicate = s.padding_mode == PaddingMode::replicate;
  for_each_run(m, strip, [&](const Run& run) {
    if (run.row == kOutside) {
      return;
    }
    const T* const patch = patches + run.patch;
    double* const row = input + run.row;
    for (Index i = run.inside; i < run.right; ++i) {
      row[i * s.stride + run.shift] += static_cast<double>(patch[i]);
    }
    for (Index i = 0; replicate && i < run.inside; ++i) {
      row[0] += static_cast<double>(patch[i]);
    }
    for (Index i = run.right; replicate && i < s.out_width; ++i) {
      row[s.in_width - 1] += static_cast<double>(patch[i]);
    }
  });
}

}  // namespace
}  // namespace pisr::kernels::eigen::PISR_EIGEN_LEVEL
