#pragma once

#include <cstdint>

#include "kernels/host_device.h"

/// MATLAB's imresize(..., 'bicubic') by a whole number, as the CPU and CUDA kernels compute it.
namespace pisr::kernels {

constexpr int kLargestBicubicScale = 8;
constexpr int kBicubicTaps = 4;

/// Keys' cubic convolution kernel with a = -0.5 (Keys, IEEE Trans. ASSP 1981).
inline double keys_cubic(double distance) {
  const double t = distance < 0 ? -distance : distance;
  if (t <= 1) {
    return (1.5 * t - 2.5) * t * t + 1;
  }
  return t <= 2 ? ((-0.5 * t + 2.5) * t - 4) * t + 2 : 0.0;
}

/// The first of the taps of a phase, counted from the sample that the phase belongs to.
PISR_HOST_DEVICE constexpr int first_bicubic_tap(int scale, int phase) {
  return 2 * phase + 1 < scale ? -2 : -1;
}

/// One side of the enlarged image, which has `scale` phases:
///   large[scale q + phase] = sum over taps of of_phase[phase][tap] small[q + first(phase) + tap]
/// since sample X is centred at (X + 0.5) / scale - 0.5. The weights of a phase sum to 1.
template <class T>
struct BicubicWeights {
  int scale;
  T of_phase[kLargestBicubicScale][kBicubicTaps] = {};

  explicit BicubicWeights(int enlarged_by) : scale(enlarged_by) {
    for (int phase = 0; phase < scale; ++phase) {
      const double centre = (phase + 0.5) / scale - 0.5;
      for (int tap = 0; tap < kBicubicTaps; ++tap) {
        of_phase[phase][tap] = static_cast<T>(keys_cubic(centre - (first(phase) + tap)));
      }
    }
  }

  PISR_HOST_DEVICE int first(int phase) const { return first_bicubic_tap(scale, phase); }
};

/// The sample of a side of `count` that stands at `place` where the image goes on as its mirror
/// image with the edge sample repeated: 1 0 | 0 1 2 ... n-1 | n-1 n-2.
PISR_HOST_DEVICE inline std::int64_t mirrored(std::int64_t place, std::int64_t count) {
  while (place < 0 || place >= count) {
    place = place < 0 ? -1 - place : 2 * count - 1 - place;
  }
  return place;
}

}  // namespace pisr::kernels
