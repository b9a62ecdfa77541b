#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "kernels/cpu/conv/conv_geometry.h"
#include "kernels/cpu/conv/conv_vector_ops.h"
#include "kernels/cpu/conv/conv_window.h"
#include "kernels/launcher.h"

/// Minimal filtering along the height: F(2, r) computes two rows of results from r taps of a column
/// of the kernel with r + 1 products in place of 2 r (S. Winograd, Arithmetic Complexity of
/// Computations, 1980; for convolutions: A. Lavin and S. Gray, Fast Algorithms for Convolutional
/// Neural Networks, CVPR 2016).
///
/// The taps g are in rows below each other, d are the r + 1 rows of the source that they read, and
/// y0, y1 the two rows of results: y0 = sum of g_i d_i, y1 = sum of g_i d_(i + 1).
///
///   F(2,3)  input transform   v0 = d1 + d2   v1 = d2 - d1   v2 = d0 - d2   v3 = d3 - d1
///           weight transform  u0 = (g0 + g1 + g2) / 2   u1 = (g0 - g1 + g2) / 2
///                             u2 = g0                   u3 = g2
///           products          m_k = u_k v_k, for each of the components k
///           output transform  y0 = (m0 + m1) + m2   y1 = (m0 - m1) + m3
///
///   F(2,2)  v0 = d1        v2 = d0 - d1   v3 = d2 - d1
///           u0 = g0 + g1   u2 = g0        u3 = g1         m1 = 0
///
///   F(2,1)  v2 = d0        v3 = d1
///           u2 = u3 = g0                                  m0 = m1 = 0
///
/// Longer columns are cut into pieces of these lengths. The m_k of all pieces, columns and channels
/// are summed before the output transform, which is thus applied once to each result.
///
/// The gradient of the weight reads the same sum of products the other way round. With the
/// transposed output transform of dy, w0 = dy0 + dy1, w1 = dy0 - dy1, w2 = dy0, w3 = dy1, and
/// s_k = sum of w_k v_k over the image, the transposed weight transform gives, of F(2,3),
///
///   dg0 = (s0 + s1) / 2 + s2   dg1 = (s0 - s1) / 2   dg2 = (s0 + s1) / 2 + s3
///
/// F(2 x 2, 3 x 3) is F(2,3) along the height of F(2,3) along the width: 16 products in place of 36
/// for two rows of two columns, each of 9 taps. Its component (down, across) has the input
/// transform v_across of v_down, and the weight transform alike. It serves wide convolutions, whose
/// products outweigh its larger transforms. The left of the two columns is an even one of the
/// image.
///
/// y0 is always an even row of the image. y0 and y1 can be computed one without the other and have
/// the same bits: they depend neither on how the image is cut nor on what lies outside their own
/// window.
namespace pisr::kernels::cpu {

/// Whether rows are computed two at a time: where a column has several taps, enough results share
/// the input transform, and sums are long enough to be cut into those of the components.
bool use_winograd(const ConvGeometry& geometry);

/// Whether it is F(2 x 2, 3 x 3).
bool is_square(const ConvGeometry& geometry);

/// Whether the input transform reads the source itself; otherwise it reads a window.
bool transforms_source(const ConvGeometry& geometry);

/// Whether all that the rows y and y + 1 read is inside the source. At the border the products of
/// the components are larger than the results, and so are their rounding errors.
bool reads_inside(const ConvGeometry& geometry, std::int64_t y);

/// Calls direct(y) for the rows of [first, past) that are computed by themselves, and
/// winograd(y, wanted) for the even rows y that are computed together with y + 1.
template <class Direct, class Winograd>
void for_each_row(const ConvGeometry& geometry, std::int64_t first, std::int64_t past,
                  const Direct& direct, const Winograd& winograd) {
  for (std::int64_t y = first; y < past;) {
    const std::int64_t upper = y / 2 * 2;
    if (reads_inside(geometry, upper)) {
      winograd(upper, WantedRows{upper == y, upper + 1 < past});
      y = upper + 2;
    } else {
      direct(y++);
    }
  }
}

/// One F(2, taps) of a column of the kernel.
struct WinogradPiece {
  int residue;      ///< of the window's rows (conv_window.h)
  int first;        ///< row of that residue that the first tap reads for y0
  int taps;         ///< 1 to 3
  int column_taps;  ///< of the whole column
  int first_row;    ///< of its transformed rows among those of a channel
};

/// Which of the taps + 1 transformed rows of a piece is v_component; -1 where F(2, taps) has no
/// such component.
inline int transformed_row(int taps, int component) {
  constexpr std::array<std::array<int, kWinogradComponents>, 3> kRows = {
      {{-1, -1, 0, 1}, {1, -1, 0, 2}, {1, 2, 0, 3}}};
  return kRows[static_cast<std::size_t>(taps - 1)][static_cast<std::size_t>(component)];
}

/// The weight transform: u_component of F(2, taps). The taps are w[0], w[step], w[2 step].
template <class T>
T transformed_weight(int component, int taps, const T* w, std::int64_t step) {
  if (component == 2) {
    return w[0];
  }
  if (component == 3) {
    return w[(taps - 1) * step];
  }
  const double first = static_cast<double>(w[0]);
  const double second = static_cast<double>(w[step]);
  if (taps == 2) {
    return static_cast<T>(first + second);
  }
  const double outer = first + static_cast<double>(w[2 * step]);
  return static_cast<T>((component == 0 ? outer + second : outer - second) / 2);
}

/// The weight transform of F(2 x 2, 3 x 3); the taps are w[i step_down + j step_across].
template <class T>
T transformed_weight(int down, int across, const T* w, std::int64_t step_down,
                     std::int64_t step_across) {
  double of_row[3];
  for (int i = 0; i < 3; ++i) {
    double taps[3];
    for (int j = 0; j < 3; ++j) {
      taps[j] = static_cast<double>(w[i * step_down + j * step_across]);
    }
    of_row[i] = transformed_weight(across, 3, taps, 1);
  }
  return static_cast<T>(transformed_weight(down, 3, of_row, 1));
}

/// The input transform of all channels of a window: how the kernel's columns are cut into pieces,
/// and where the transformed rows lie.
class InputTransform {
 public:
  /// Of a convolution without one.
  InputTransform() = default;
  /// Of F(2 x 2, 3 x 3), for up to `columns` columns.
  InputTransform(const Window& window, int channels, std::int64_t columns, int lanes);
  /// For kernels of kernel_height rows: one column of taps for each residue of its rows, and with
  /// shorter_columns also columns of one tap fewer, which end in the same row. The pieces lie in
  /// scratch memory.
  InputTransform(Launcher& launcher, const Window& window, int channels, int kernel_height,
                 int stride, bool shorter_columns);

  bool empty() const { return count_ == 0 && pairs_ == 0; }
  bool is_square() const { return pairs_ != 0; }
  /// Over the pieces.
  const WinogradPiece* begin() const { return pieces_; }
  const WinogradPiece* end() const { return pieces_ + count_; }
  /// Elements of the transformed rows of all channels.
  std::size_t size() const {
    return static_cast<std::size_t>(is_square() ? kSquareComponents * component_stride()
                                                : channels_ * channel_stride_);
  }

  /// Where a component of a channel begins, of F(2 x 2, 3 x 3).
  std::ptrdiff_t square_offset(int channel, int component) const {
    return component * component_stride() + channel * pairs_;
  }

  /// Where a transformed row of a channel begins, for the column j of the kernel.
  std::ptrdiff_t offset(int channel, int j, int row) const {
    return channel * channel_stride_ + (j % stride_ * rows_ + row) * window_.pitch() + j / stride_;
  }

  /// Transforms what two rows of positions read, the first being `row` of the window. Where the
  /// window lacks a row, results that would need it are not to be used. F(2 x 2, 3 x 3) begins at
  /// `column` of the window, 0, or -1 for a pair whose first column is not to be used.
  template <class T>
  void apply(const ConvVectorOps<T>& ops, const T* window, std::int64_t row, std::int64_t column,
             T* out) const;

  /// The same from the source (transforms_source): the window would begin at [top, left] of the
  /// planes, which may be outside. Transforms the first `channels` channels.
  template <class T>
  void apply(const ConvVectorOps<T>& ops, const Planes<T>& planes, int channels, std::int64_t top,
             std::int64_t left, T* out) const;

 private:
  std::int64_t component_stride() const { return channels_ * pairs_; }

  Window window_;
  std::int64_t pairs_ = 0;  ///< of a row of F(2 x 2, 3 x 3)
  WinogradPiece* pieces_ = nullptr;
  int count_ = 0, channels_ = 0;
  int rows_ = 0;  ///< transformed rows of all pieces
  int kernel_height_ = 0, stride_ = 1, residues_x_ = 1;
  std::int64_t channel_stride_ = 0;
};

/// That of a convolution for tiles of up to `columns` columns; empty unless
/// use_winograd(geometry).
InputTransform input_transform(Launcher& launcher, const ConvGeometry& geometry,
                               const Window& window, std::int64_t columns, int lanes);

}  // namespace pisr::kernels::cpu
