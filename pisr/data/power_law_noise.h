#pragma once

#include <array>
#include <vector>

#include "core/philox.h"

namespace pisr {

/// Periodic Gaussian noise whose amplitude spectrum falls as f^-exponent, standard deviation 1:
/// kNoiseSize x kNoiseSize values in rows.
using NoiseField = std::vector<float>;
inline constexpr int kNoiseSize = 512;

/// Two independent fields from one inverse Fourier transform: the spectrum of its real part falls
/// as f^-exponents[0], that of its imaginary part as f^-exponents[1].
std::array<NoiseField, 2> power_law_noise(Random& random, std::array<double, 2> exponents);

}  // namespace pisr
