#pragma once

#include <array>
#include <cstdint>

namespace pisr::kernels::cpu {

template <class T>
struct ConvolvePass;

/// Products that F(2,3) is made of; F(2,2) and F(2,1) leave some out (winograd.h).
constexpr int kWinogradComponents = 4;
/// Of F(2 x 2, 3 x 3).
constexpr int kSquareComponents = kWinogradComponents * kWinogradComponents;

/// Which of the two rows of results are wanted.
struct WantedRows {
  bool upper, lower;
};

/// Rows of a plane below each other, as an input transform reads them.
template <class T>
struct WinogradInputRows {
  std::array<const T*, 4> rows;  ///< taps + 1 of them; null for a row of zeros
  std::int64_t width;
  std::int64_t left;  ///< element of each that the first column reads; may be outside
  bool replicate;     ///< what lies outside a row is its nearest element, otherwise 0
};

/// The transforms of winograd.h, vectorised along the width of the image.
template <class T>
struct WinogradOps {
  /// Two rows of results, in the place of ConvVectorOps::convolve: the sums m0, m1, m2, m3 over the
  /// taps of each component, and their output transform. `rows` and `input_pitch` are not read.
  void (*convolve)(const ConvolvePass<T>&, WantedRows wanted);
  /// The same of F(2 x 2, 3 x 3): the sums over the taps of each of the 16 components, of which all
  /// have as many, in the order 4 down + across. Column 0 of the pass is an even one of the image.
  /// Where it lies before the tile it is skipped, that is, not stored.
  void (*square_convolve)(const ConvolvePass<T>&, WantedRows wanted, bool skips_first);
  /// Input transform of F(2, taps), taps being 1 to 3. The rows of the result lie `columns` apart
  /// in `out`, in the order of transformed_row() (winograd.h); `columns` is a multiple of
  /// ConvVectorOps::lanes. With two residues, the rows of the first take the elements left,
  /// left + 2, ...; those of the second, `residue_stride` behind, take the elements between.
  void (*input_transform)(const WinogradInputRows<T>& from, int taps, int residues,
                          std::int64_t columns, T* out, std::int64_t residue_stride);
  /// Input transform of F(2 x 2, 3 x 3) for `pairs` pairs of columns, a multiple of
  /// ConvVectorOps::lanes, from four rows: out[(4 down + across) component_stride + pair].
  void (*square_transform)(const WinogradInputRows<T>& from, std::int64_t pairs, T* out,
                           std::int64_t component_stride);
  /// Transform of two rows of dy for the gradient of the weight: the components dy0 + dy1,
  /// dy0 - dy1, dy0 and dy1 lie `stride` apart in `out`, each filled up with zeros to a multiple of
  /// ConvVectorOps::lanes. dy1 may be null, for zeros.
  void (*gradient_transform)(const T* dy0, const T* dy1, std::int64_t count, std::int64_t stride,
                             T* out);
};

}  // namespace pisr::kernels::cpu
