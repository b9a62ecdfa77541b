#pragma once

#include <cmath>
#include <cstdint>
#include <limits>

#include "core/philox.h"
#include "core/tensor.h"
#include "tests/worse.h"

namespace pisr {

/// Numbers in 0..1, f32 in the host's memory.
inline Tensor random_image(const Shape& shape, std::uint64_t seed = 1) {
  const Tensor image = Tensor::empty(shape);
  Random random(seed, RandomUse::test, 0);
  for (float& value : image.values<float>()) {
    value = static_cast<float>(random.uniform(0, 1));
  }
  return image;
}

/// The largest difference of two f32 tensors in the host's memory; infinity where their shapes
/// differ or a number is NaN.
inline double furthest(const Tensor& a, const Tensor& b) {
  if (a.shape() != b.shape()) {
    return std::numeric_limits<double>::infinity();
  }
  double worst = 0;
  for (std::int64_t i = 0; i < a.count(); ++i) {
    worst = worse(worst, std::abs(double{a.data<float>()[i]} - b.data<float>()[i]));
  }
  return worst;
}

}  // namespace pisr
