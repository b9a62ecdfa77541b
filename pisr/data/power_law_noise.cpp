#include "pisr/data/power_law_noise.h"

#include <cmath>
#include <cstddef>
#include <utility>

namespace pisr {
namespace {

constexpr int kSize = kNoiseSize;
constexpr double kTwoPi = 6.283185307179586476925;

std::size_t place(int y, int x) {
  return static_cast<std::size_t>(y) * kSize + x;
}

/// Complex numbers [kSize, kSize], real and imaginary parts apart so that loops over rows
/// vectorise.
struct ComplexGrid {
  NoiseField real = NoiseField(place(kSize, 0));
  NoiseField imaginary = NoiseField(place(kSize, 0));
};

void butterfly(float* __restrict real_a, float* __restrict imaginary_a, float* __restrict real_b,
               float* __restrict imaginary_b, float cosine, float sine) {
  for (int x = 0; x < kSize; ++x) {
    const float real = cosine * real_b[x] - sine * imaginary_b[x];
    const float imaginary = sine * real_b[x] + cosine * imaginary_b[x];
    real_b[x] = real_a[x] - real;
    imaginary_b[x] = imaginary_a[x] - imaginary;
    real_a[x] += real;
    imaginary_a[x] += imaginary;
  }
}

void swap_rows(NoiseField& field, int a, int b) {
  for (int x = 0; x < kSize; ++x) std::swap(field[place(a, x)], field[place(b, x)]);
}

/// Inverse discrete Fourier transform of every column, not normalised (radix 2, in place).
void inverse_transform_columns(ComplexGrid& grid) {
  for (int row = 1, reversed = 0; row < kSize; ++row) {
    int bit = kSize / 2;
    for (; (reversed & bit) != 0; bit /= 2) reversed ^= bit;
    reversed ^= bit;
    if (row < reversed) {
      swap_rows(grid.real, row, reversed);
      swap_rows(grid.imaginary, row, reversed);
    }
  }
  for (int half = 1; half < kSize; half *= 2) {
    for (int k = 0; k < half; ++k) {
      const double angle = kTwoPi * k / (2 * half);
      const auto cosine = static_cast<float>(std::cos(angle));
      const auto sine = static_cast<float>(std::sin(angle));
      for (int row = k; row < kSize; row += 2 * half) {
        const std::size_t a = place(row, 0);
        const std::size_t b = place(row + half, 0);
        butterfly(&grid.real[a], &grid.imaginary[a], &grid.real[b], &grid.imaginary[b], cosine,
                  sine);
      }
    }
  }
}

void transpose(NoiseField& field) {
  constexpr int kBlock = 16;
  for (int top = 0; top < kSize; top += kBlock) {
    for (int left = 0; left <= top; left += kBlock) {
      for (int y = top; y < top + kBlock; ++y) {
        const int end = left == top ? y : left + kBlock;
        for (int x = left; x < end; ++x) std::swap(field[place(y, x)], field[place(x, y)]);
      }
    }
  }
}

/// f^-exponent at every frequency, in cycles a sample; 1 at frequency 0.
NoiseField amplitudes(double exponent) {
  NoiseField result(place(kSize, 0));
  const auto mirrored = [](int k) { return (kSize - k) % kSize; };
  for (int y = 0; y <= kSize / 2; ++y) {
    for (int x = 0; x <= y; ++x) {
      const double square = static_cast<double>(x * x + y * y) / (kSize * kSize);
      const auto value =
          static_cast<float>(square > 0 ? std::exp(-0.5 * exponent * std::log(square)) : 1);
      for (const int v : {y, mirrored(y)}) {
        for (const int u : {x, mirrored(x)}) result[place(v, u)] = result[place(u, v)] = value;
      }
    }
  }
  return result;
}

void normalise(NoiseField& field) {
  double sum = 0;
  double squares = 0;
  for (const float value : field) {
    sum += value;
    squares += static_cast<double>(value) * value;
  }
  const double count = static_cast<double>(field.size());
  const double mean = sum / count;
  const auto scale = static_cast<float>(1 / std::sqrt(squares / count - mean * mean));
  for (float& value : field) value *= scale;
}

}  // namespace

std::array<NoiseField, 2> power_law_noise(Random& random, std::array<double, 2> exponents) {
  ComplexGrid white;
  for (std::size_t i = 0; i < white.real.size(); ++i) {
    const double u = 1.0 - random.uniform();
    const double angle = kTwoPi * random.uniform();
    const double radius = std::sqrt(-2.0 * std::log(u));
    white.real[i] = static_cast<float>(radius * std::cos(angle));
    white.imaginary[i] = static_cast<float>(radius * std::sin(angle));
  }

  // The part of a spectrum W with W(-f) = conj W(f) becomes the real part of its transform, the
  // part with W(-f) = -conj W(f) the imaginary part: each gets its own amplitudes.
  const NoiseField first = amplitudes(exponents[0]);
  const NoiseField second = amplitudes(exponents[1]);
  ComplexGrid grid;
  for (int y = 0; y < kSize; ++y) {
    for (int x = 0; x < kSize; ++x) {
      const std::size_t here = place(y, x);
      const std::size_t opposite = place((kSize - y) % kSize, (kSize - x) % kSize);
      const float real = white.real[here];
      const float imaginary = white.imaginary[here];
      const float real_opposite = white.real[opposite];
      const float imaginary_opposite = white.imaginary[opposite];
      grid.real[here] =
          first[here] * (real + real_opposite) + second[here] * (real - real_opposite);
      grid.imaginary[here] = first[here] * (imaginary - imaginary_opposite) +
                             second[here] * (imaginary + imaginary_opposite);
    }
  }

  inverse_transform_columns(grid);
  transpose(grid.real);
  transpose(grid.imaginary);
  inverse_transform_columns(grid);
  normalise(grid.real);
  normalise(grid.imaginary);
  return {std::move(grid.real), std::move(grid.imaginary)};
}

}  // namespace pisr
