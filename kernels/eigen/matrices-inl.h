#pragma once

#include <algorithm>
#include <cstdint>
#include <type_traits>

// Threads are the launcher's.
#define EIGEN_DONT_PARALLELIZE
#include <Eigen/Core>

#include "kernels/conv_args.h"

namespace pisr::kernels::eigen::PISR_EIGEN_LEVEL {
namespace {

using Eigen::Index;

/// A matrix in memory, whose rows start `stride` elements apart.
template <class T>
auto matrix(T* data, Index rows, Index columns, Index stride) {
  using Plain =
      Eigen::Matrix<std::remove_const_t<T>, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  using Mapped = std::conditional_t<std::is_const_v<T>, const Plain, Plain>;
  return Eigen::Map<Mapped, Eigen::Unaligned, Eigen::OuterStride<>>(data, rows, columns,
                                                                    Eigen::OuterStride<>(stride));
}
template <class T>
auto matrix(T* data, Index rows, Index columns) {
  return matrix(data, rows, columns, columns);
}

/// result += a b. Float sums of many terms would lose digits, so the terms are added in pieces, and
/// many pieces in parts of their own.
template <class A, class B, class Result>
void add_product(const A& a, const B& b, Result&& result) {
  constexpr Index kTerms = 32;
  constexpr Index kPart = 16 * kTerms;
  const auto add_part = [&](Index begin, Index end, auto&& sum) {
    for (Index first = begin; first < end; first += kTerms) {
      const Index terms = std::min(kTerms, end - first);
      sum.noalias() += a.middleCols(first, terms) * b.middleRows(first, terms);
    }
  };
  if (a.cols() <= kPart) {
    add_part(0, a.cols(), result);
    return;
  }
  Eigen::Matrix<typename A::Scalar, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> part(a.rows(),
                                                                                          b.cols());
  for (Index first = 0; first < a.cols(); first += kPart) {
    part.setZero();
    add_part(first, std::min(first + kPart, a.cols()), part);
    result += part;
  }
}

/// target [count] = the sums of the rows of sums [rows, count], in their order.
template <class T>
void store_sums(const double* sums, Index rows, Index count, T* target, Store store) {
  for (Index i = 0; i < count; ++i) {
    double total = store == Store::add ? static_cast<double>(target[i]) : 0;
    for (Index row = 0; row < rows; ++row) {
      total += sums[row * count + i];
    }
    target[i] = static_cast<T>(total);
  }
}

/// Some rows of the output of one image and one group of channels.
struct Strip {
  Index image, group, first_row, rows;
};

/// A conv2d as products of matrices, one for each strip:
///   output [filters, columns] = weight [filters, taps] patches [taps, columns]
/// A column is an output pixel; its patch is what the filters meet there, a row for each channel of
/// the group and each place in the kernel.
struct ConvMatrices {
  explicit ConvMatrices(const ConvSizes& conv_sizes)
      : sizes(conv_sizes),
        inputs(sizes.in_channels / sizes.groups),
        filters(sizes.out_channels / sizes.groups),
        taps(inputs * sizes.kernel_height * sizes.kernel_width),
        in_plane(Index{sizes.in_height} * sizes.in_width),
        out_plane(Index{sizes.out_height} * sizes.out_width) {
    constexpr Index kPatches = 1 << 16;  // fit a second-level cache
    constexpr Index kColumns = 1024;     // terms of weight_gradient()'s sums in T
    const Index rows = std::min(kPatches / taps, kColumns) / sizes.out_width;
    strip_rows = std::clamp<Index>(rows, 1, sizes.out_height);
    strips = (sizes.out_height + strip_rows - 1) / strip_rows;
  }

  /// Strips of an image and a group follow each other.
  Strip strip(Index index) const {
    const Index first_row = index % strips * strip_rows;
    const Index image_and_group = index / strips;
    return {image_and_group / sizes.groups, image_and_group % sizes.groups, first_row,
            std::min(strip_rows, sizes.out_height - first_row)};
  }
  Index columns(const Strip& strip) const { return strip.rows * sizes.out_width; }
  /// Elements of an image and a group of the input.
  Index input_count() const { return inputs * in_plane; }
  /// Elements of the patches of a strip.
  Index patch_count() const { return taps * strip_rows * sizes.out_width; }

  template <class T>
  auto weight_of(const Strip& strip, const T* weight) const {
    return matrix(weight + strip.group * filters * taps, filters, taps);
  }
  template <class T>
  auto output_of(const Strip& strip, T* y) const {
    T* const group = y + (strip.image * sizes.out_channels + strip.group * filters) * out_plane;
    return matrix(group + strip.first_row * sizes.out_width, filters, columns(strip), out_plane);
  }
  /// [inputs, in_height, in_width] of the strip's image and group.
  template <class T>
  T* input_of(const Strip& strip, T* x) const {
    return x + (strip.image * sizes.groups + strip.group) * input_count();
  }

  ConvSizes sizes;
  Index inputs, filters, taps, in_plane, out_plane;
  Index strip_rows, strips;
};

}  // namespace
}  // namespace pisr::kernels::eigen::PISR_EIGEN_LEVEL
