#pragma once

#include <array>

namespace pisr {

/// The matrix of ITU-R BT.601 as MATLAB's rgb2ycbcr has it: Y - 16, Cb - 128 and Cr - 128 on 0..255
/// are the rows times R, G and B on 0..1.
inline constexpr std::array<std::array<double, 3>, 3> kYCbCrOfRgb = {
    {{65.481, 128.553, 24.966}, {-37.797, -74.203, 112.0}, {112.0, -93.786, -18.214}}};

/// Its inverse for R, G and B on 0..255.
constexpr std::array<std::array<double, 3>, 3> rgb_of_ycbcr() {
  const auto& m = kYCbCrOfRgb;
  const auto cofactor = [&](int i, int j) {
    const int i1 = (i + 1) % 3;
    const int i2 = (i + 2) % 3;
    const int j1 = (j + 1) % 3;
    const int j2 = (j + 2) % 3;
    return m[i1][j1] * m[i2][j2] - m[i1][j2] * m[i2][j1];
  };
  const double determinant =
      m[0][0] * cofactor(0, 0) + m[0][1] * cofactor(0, 1) + m[0][2] * cofactor(0, 2);
  std::array<std::array<double, 3>, 3> result{};
  for (int i = 0; i < 3; ++i) {
    for (int j = 0; j < 3; ++j) {
      result[i][j] = 255 * cofactor(j, i) / determinant;
    }
  }
  return result;
}
inline constexpr std::array<std::array<double, 3>, 3> kRgbOfYCbCr = rgb_of_ycbcr();

}  // namespace pisr
