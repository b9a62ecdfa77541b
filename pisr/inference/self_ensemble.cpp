#include "pisr/inference/self_ensemble.h"

#include <algorithm>
#include <cstddef>

namespace pisr {
namespace {

/// One of the eight symmetries of a square: mirrored, then transposed.
struct Symmetry {
  bool mirror_x, mirror_y, transpose;
};

/// Calls visit(index, index of the same sample in the transformed planes) for each sample.
template <class Visit>
void for_samples(const PlanesView& planes, const Symmetry& symmetry, Visit&& visit) {
  const int width = planes.width;
  const int height = planes.height;
  std::size_t index = 0;
  for (int c = 0; c < planes.channels; ++c) {
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x, ++index) {
        const std::size_t u = symmetry.mirror_x ? width - 1 - x : x;
        const std::size_t v = symmetry.mirror_y ? height - 1 - y : y;
        const std::size_t place = symmetry.transpose ? u * height + v : v * width + u;
        visit(index, c * planes.plane_size() + place);
      }
    }
  }
}

/// Of planes without what is below the last row of `from`.
void add(const FloatPlanes& from, FloatPlanes& to) {
  for (int c = 0; c < from.channels; ++c) {
    float* const sums = to.plane(c);
    const float* const values = from.plane(c);
    for (std::size_t i = 0; i < from.plane_size(); ++i) {
      sums[i] += values[i];
    }
  }
}

FloatPlanes without_last_row(const PlanesView& planes) {
  FloatPlanes result(planes.width, planes.height - 1, planes.channels);
  for (int c = 0; c < planes.channels; ++c) {
    std::copy_n(planes.plane(c), result.plane_size(), result.plane(c));
  }
  return result;
}

/// Planes that have room for the transformed ones.
FloatPlanes shaped(const PlanesView& planes, const Symmetry& symmetry) {
  return symmetry.transpose ? FloatPlanes(planes.height, planes.width, planes.channels)
                            : FloatPlanes(planes.width, planes.height, planes.channels);
}

}  // namespace

void run_self_ensemble(Inference& inference, const PlanesView& input, int whole_height,
                       FloatPlanes& output) {
  // Upside down, a strip must begin at an even row as well, as rows are computed two at a time.
  const FloatPlanes shorter =
      (whole_height - input.height) % 2 != 0 ? without_last_row(input) : FloatPlanes();
  FloatPlanes made;
  for (int i = 0; i < 8; ++i) {
    const Symmetry symmetry{(i & 1) != 0, (i & 2) != 0, (i & 4) != 0};
    const PlanesView part = symmetry.mirror_y && shorter.height > 0 ? shorter.view() : input;
    FloatPlanes seen = shaped(part, symmetry);
    for_samples(part, symmetry, [&](std::size_t here, std::size_t there) {
      seen.samples[there] = part.samples[here];
    });
    inference.run(seen.view(), made);
    FloatPlanes upright = shaped(made.view(), symmetry);
    for_samples(upright.view(), symmetry, [&](std::size_t here, std::size_t there) {
      upright.samples[here] = made.samples[there];
    });
    if (i == 0) {
      output = upright;
    } else {
      add(upright, output);
    }
  }
  for (float& sample : output.samples) {
    sample /= 8;
  }
}

}  // namespace pisr
